// The examples of docs/agree.md, compiled and run; the last test holds the page to this file.
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>

#include "bursar/agree/axioms.h"
#include "bursar/agree/hiring_mechanism.h"
#include "bursar/agree/misreport.h"
#include "bursar/agree/sample_games.h"
#include "bursar/agree/split_ballot.h"
#include "bursar/core/source_root_testing.h"

namespace bursar::agree {
namespace {

// clang-format off
// example: split
// Five teams split ten million tokens between two services.
Result<std::vector<LineBudget>> split_tokens() {
  const std::vector<double> wishes{.7, .4, .3, .2, .1};  // the share that each wants for search
  auto y = uniform_phantom({.reports = wishes});          // .4; the average would be .34
  auto total = parse_amounts("10M tokens");
  if (!y || !total) return tl::unexpected(!y ? y.error() : total.error());
  return split_total({.lines = {"search", "rerank"}, .total = *total}, std::vector{*y, 1 - *y});
}
// end

// example: lie
// What the first team gains under the average, and whom an outcome of .9 wrongs.
Result<std::string> who_is_wronged() {
  const std::vector<double> wishes{.7, .4, .3, .2, .1};
  auto lie = find_lie(rule_of(SplitRule::kAverage), {.reports = wishes});  // says 1 instead of .7 and gains .06
  auto axioms = check_axioms({.reports = wishes}, .9);
  if (!lie || !axioms) return tl::unexpected(!lie ? lie.error() : axioms.error());
  return to_text(axioms->of(Axiom::kProportionalFairness), {.reports = wishes}, .9, {});
}
// end

// example: hire
// The best contract for agents whose efforts nobody sees, and what it is worth beside a fixed one.
Result<double> gain_of_correlation(const HiringGame& game) {
  auto best = optimal_mechanism(game);
  auto plain = best_uncorrelated(game);
  if (!best || !plain) return tl::unexpected(!best ? best.error() : plain.error());
  // max_deviation_gain(game, *best) is 0: obeying and telling the truth is best for each agent.
  return best->value - plain->value;
}
// end
// clang-format on

TEST(Examples, SplitGivesFourAndSixMillions) {
  const auto budgets = split_tokens();
  ASSERT_TRUE(budgets) << budgets.error().message;
  EXPECT_EQ((*budgets)[0].amounts[kTokens], 4'000'000);
  EXPECT_EQ((*budgets)[1].amounts[kTokens], 6'000'000);
}

TEST(Examples, AnOutcomeOfPointNineWrongsTheLowestTeams) {
  const auto text = who_is_wronged();
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, testing::HasSubstr("proportional fairness: broken; 4 of 5 (party 1, party 2, party 3, party 4)"));
}

TEST(Examples, HiringGainsByCorrelationWhatTheClosedFormSays) {
  EXPECT_NEAR(gain_of_correlation(coin_game(2, .05, 1)).value(), .594737 - .525, 1e-6);
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Examples, StandInThePageWordForWord) {
  const std::string source = read(source_root() / "bursar/agree/examples_test.cc"),
                    page = read(source_root() / "docs/agree.md");
  int examples = 0;
  for (std::size_t at = 0; (at = source.find("\n// example: ", at)) != std::string::npos; ++examples) {
    const std::size_t from = source.find('\n', at + 1) + 1, to = source.find("// end\n", from);
    EXPECT_THAT(page, testing::HasSubstr(source.substr(from, to - from)));
    at = to;
  }
  EXPECT_EQ(examples, 3);
}

}  // namespace
}  // namespace bursar::agree
