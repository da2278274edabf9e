#include "bursar/plan/budget_tracker.h"

#include <gtest/gtest.h>

namespace bursar::plan {
namespace {

TEST(BudgetTracker, TellsRegimesAtTheirLimits) {
  EXPECT_EQ(regime_of(.7), Regime::kHigh);
  EXPECT_EQ(regime_of(.6999), Regime::kMedium);
  EXPECT_EQ(regime_of(.3), Regime::kMedium);
  EXPECT_EQ(regime_of(.1), Regime::kLow);
  EXPECT_EQ(regime_of(.0999), Regime::kCritical);
  EXPECT_EQ(regime_of(0, {.low = 0}), Regime::kCritical) << "nothing is left";
}

TEST(BudgetTracker, CountsAndNeverGoesOver) {
  BudgetTracker tracker({{"search", 10}, {"browse", 2}, {"pay", 0}});
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(tracker.use("search"));
    for (const ToolBudget& tool : tracker.tools()) {
      const auto entry = tracker.structured().at(tool.tool).as_object();
      EXPECT_EQ(entry.at("used").as_int64() + entry.at("remaining").as_int64(), tool.budget);
    }
  }
  EXPECT_EQ(tracker.use("search").error().code, ErrorCode::kExhausted);
  EXPECT_EQ(tracker.use("browse", 3).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(tracker.use("fly").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(tracker.regime("search"), Regime::kCritical);
  EXPECT_EQ(tracker.regime("browse"), Regime::kHigh);
  EXPECT_EQ(tracker.regime("pay"), Regime::kCritical);
  EXPECT_EQ(tracker.regime(), Regime::kCritical);
}

TEST(BudgetTracker, WritesABlockForTheModel) {
  BudgetTracker tracker({{"search", 50}, {"browse", 5}});
  ASSERT_TRUE(tracker.use("search") && tracker.use("browse", 4));
  EXPECT_EQ(
      tracker.block(),
      "[budget] search 1 used, 49 left (HIGH: 3-5 diverse queries, explore widely); browse 4 used, 1 left (LOW: one "
      "focused query)");
}

TEST(UnifiedCost, AddsTokensAndCalls) {
  const CostPrices prices{
      .input = 1.25, .cached_input = .31, .output = 10, .per_call = {{"search", .001}, {"browse", .002}}};
  const auto cost = *unified_cost({.input_tokens = 100'000,
                                   .cached_tokens = 60'000,
                                   .output_tokens = 4'000,
                                   .calls = {{"search", 12}, {"browse", 5}, {"map", 1}}},
                                  prices);
  EXPECT_NEAR(cost.total, .1306, 1e-12);
  EXPECT_EQ(cost.unpriced, std::vector<std::string>{"map"});
  EXPECT_FALSE(unified_cost({.input_tokens = 1, .cached_tokens = 2}, prices));
  EXPECT_FALSE(unified_cost({.calls = {{"search", -1}}}, prices));
}

TEST(Verdict, PivotsOnContradictionAndEndsOnSuccess) {
  using enum Clue;
  EXPECT_EQ(verdict_of({kSatisfied, kSatisfied}, false, Regime::kCritical), Verdict::kSuccess);
  EXPECT_EQ(verdict_of({kSatisfied, kContradicted, kUnknown}, true, Regime::kHigh), Verdict::kPivot);
  EXPECT_EQ(verdict_of({kSatisfied, kUnknown}, true, Regime::kLow), Verdict::kContinue);
  EXPECT_EQ(verdict_of({kSatisfied, kUnknown}, true, Regime::kCritical), Verdict::kPivot);
  EXPECT_EQ(verdict_of({kSatisfied, kUnknown}, false, Regime::kHigh), Verdict::kPivot);
  EXPECT_EQ(branches_of(Regime::kHigh), 5);
  EXPECT_EQ(branches_of(Regime::kCritical), 0);
}

}  // namespace
}  // namespace bursar::plan
