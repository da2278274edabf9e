// The examples of docs/allocate.md, compiled and run; the last test holds the page to this file.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>

#include "bursar/allocate/format/json_problem.h"
#include "bursar/allocate/marginal_greedy.h"
#include "bursar/allocate/problem.h"
#include "bursar/allocate/response_curve.h"
#include "bursar/core/source_root_testing.h"

namespace bursar::allocate {
namespace {

// clang-format off
// example: bits
// Three layers, each at 2, 3 or 4 bits; 8 bits in all. Least loss.
Result<std::string> choose_bits() {
  Problem problem{.value = {9, 5, 4,  8, 2, 1,  3, 2.5, 2.4},   // loss at 2, 3, 4 bits
                  .cost = {2, 3, 4,  2, 3, 4,  2, 3, 4},
                  .width = 3,
                  .minimise = true,
                  .item_names = {"conv1", "conv2", "head"}};
  auto best = allocate(problem, {{8}});
  if (!best) return tl::unexpected(best.error());
  // best->choice is {1, 1, 0}, best->value 10, and best->bound says that nothing is better.
  return explain(problem, *best, 2).map([](const Explanation& e) { return e.text; });
}
// end

// example: rollouts
// 64 rollouts over 8 prompts by how often each is solved; what one more rollout gains shrinks, so greedy is exact.
Result<std::vector<std::int64_t>> split_rollouts(const std::vector<double>& success) {
  auto gain = [&](std::size_t i, std::int64_t n) {
    const double p = success[i], k = static_cast<double>(n);
    return p * (1 - p) * (1 - p) * (std::pow(p, k) * (1 - p) + std::pow(1 - p, k) * p);
  };
  return marginal_greedy({.items = success.size(), .budget = 64, .floor = 2, .ceiling = 64}, gain)
      .map([](UnitSplit split) { return std::move(split.units); });
}
// end

// example: labels
// Two data sources, three pilots each: how should 10,000 labels be split, and how sure is that?
Result<ResponsePlan> split_labels() {
  const std::vector<Observation> web{{100, .61}, {400, .70}, {1600, .74}}, expert{{50, .66}, {200, .78}, {800, .83}};
  auto a = fit_response(web), b = fit_response(expert);
  if (!a) return tl::unexpected(a.error());
  if (!b) return tl::unexpected(b.error());
  return allocate_responses({.fits = {*a, *b}, .floors = {50, 50}, .costs = {1, 5}}, 10'000);
}
// end
// clang-format on

TEST(Examples, BitsSaysWhyTheHeadGotTwo) {
  const auto text = choose_bits();
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, testing::HasSubstr("item 2 (head) takes option 0: loss 3"));
}

TEST(Examples, RolloutsGiveTheSplitOfThePage) {
  const auto units = split_rollouts({.02, .05, .1, .2, .33, .5, .8, .95});
  ASSERT_TRUE(units);
  EXPECT_EQ(*units, (std::vector<std::int64_t>{2, 8, 16, 13, 9, 7, 7, 2}));
}

TEST(Examples, LabelsSpendTheBudget) {
  const auto plan = split_labels();
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_NEAR(plan->amounts[0] + 5 * plan->amounts[1], 10'000, 1e-4);
  EXPECT_LE(plan->low[0], plan->high[0]);
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Examples, StandInThePageWordForWord) {
  const std::string source = read(source_root() / "bursar/allocate/examples_test.cc"),
                    page = read(source_root() / "docs/allocate.md");
  int examples = 0;
  for (std::size_t at = 0; (at = source.find("\n// example: ", at)) != std::string::npos; ++examples) {
    const std::size_t from = source.find('\n', at + 1) + 1, to = source.find("// end\n", from);
    EXPECT_THAT(page, testing::HasSubstr(source.substr(from, to - from)));
    at = to;
  }
  EXPECT_EQ(examples, 3);
}

TEST(Examples, TheDocumentsOfThePageAreReadAndSolved) {
  const std::string page = read(source_root() / "docs/allocate.md");
  const auto value_of = [&](std::string_view before, std::string_view after) {
    const std::size_t from = page.find(before) + before.size() - 1, to = page.find(after, from);
    const auto stated = read_problem_json(std::string_view(page).substr(from, to - from));
    EXPECT_TRUE(stated) << stated.error().message;
    const auto best = allocate(stated->problem, *stated->budget, stated->options);
    EXPECT_TRUE(best) << best.error().message;
    return best->value;
  };
  EXPECT_EQ(value_of("```json\n{", "```"), 12);
  EXPECT_EQ(value_of("a row an item: `{", "`"), 14);
}

}  // namespace
}  // namespace bursar::allocate
