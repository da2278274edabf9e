#include "bursar/agree/split_ballot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/core/random.h"

namespace bursar::agree {
namespace {

using testing::HasSubstr;

TEST(SplitBallot, DividesTheTotalWithoutLosingAUnit) {
  const auto budgets = split_total({.lines = {"search", "rerank"}, .total = *parse_amounts("10M tokens, 1 usd")},
                                   std::vector{1.0 / 3, 2.0 / 3});
  ASSERT_TRUE(budgets) << budgets.error().message;
  EXPECT_EQ((*budgets)[0].amounts[kTokens], 3'333'333);
  EXPECT_EQ((*budgets)[1].amounts[kTokens], 6'666'667);
  EXPECT_EQ((*budgets)[0].amounts[kUsd], 333'333);
  EXPECT_EQ((*budgets)[1].amounts[kUsd], 666'667);
}

TEST(SplitBallot, GivesEveryLineItsQuotaUpOrDown) {
  RandomStream random(1);
  for (int trial = 0; trial < 500; ++trial) {
    const std::size_t m = 2 + random.uniform_int(std::uint64_t{5});
    SplitBallot ballot;
    std::vector<double> shares(m);
    double sum = 0;
    for (double& x : shares) sum += x = random.uniform01();
    for (std::size_t j = 0; j < m; ++j) shares[j] /= sum, ballot.lines.push_back(std::to_string(j));
    const std::int64_t total = random.uniform_int(0, 1'000'000);
    ASSERT_TRUE(ballot.total.set(kTokens, total));
    const auto budgets = split_total(ballot, shares);
    ASSERT_TRUE(budgets);
    std::int64_t given = 0;
    for (const LineBudget& line : *budgets) {
      given += line.amounts[kTokens];
      ASSERT_LT(std::abs(static_cast<double>(line.amounts[kTokens]) - line.share * static_cast<double>(total)),
                1 + 1e-6);
    }
    ASSERT_EQ(given, total);
  }
}

TEST(SplitBallot, RefusesWhatIsNoSplit) {
  const SplitBallot two{.lines = {"a", "b"}, .total = *parse_amounts("5 tokens")};
  EXPECT_THAT(split_total(two, std::vector{.5, .4}).error().message, HasSubstr("sum to 0.9"));
  EXPECT_THAT(split_total(two, std::vector{1.0}).error().message, HasSubstr("2 budget lines and 1 shares"));
  EXPECT_THAT(split_total(two, std::vector{-.5, 1.5}).error().message, HasSubstr("line 'a': the share -0.5"));
  EXPECT_THAT(split_total({.lines = {"a", "a"}}, std::vector{.5, .5}).error().message, HasSubstr("'a' stands twice"));
  SplitBallot debt = two;
  ASSERT_TRUE(debt.total.set(kTokens, -1));
  EXPECT_THAT(split_total(debt, std::vector{.5, .5}).error().message, HasSubstr("the total of tokens"));
}

TEST(SplitBallot, SaysWhatTheOutcomeMeansToAParty) {
  const std::vector<double> x{0, 0, 1};
  const std::vector<std::string> names{"ada", "bo", "cy"};
  const auto answers = explain({.reports = x}, 1.0 / 3, names);
  ASSERT_TRUE(answers);
  EXPECT_EQ(
      (*answers)[2].text,
      "cy asked for 1 and is 0.666667 away from it; alone it may be 0.666667 away at most, with those who ask for "
      "the same 0.666667, and in its best group 0.666667");
  EXPECT_NEAR((*answers)[0].guarantee.unanimous, 1.0 / 3, 1e-15);
  EXPECT_THAT(explain({.reports = x}, .5, std::span(names).first(2)).error().message,
              HasSubstr("3 parties and 2 names"));
}

}  // namespace
}  // namespace bursar::agree
