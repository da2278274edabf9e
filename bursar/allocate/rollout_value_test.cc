#include "bursar/allocate/rollout_value.h"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>

#include "bursar/allocate/multiple_choice.h"
#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<RolloutItem> known(const std::vector<double>& rates) {
  std::vector<RolloutItem> out;
  for (const double p : rates) out.push_back({.id = std::to_string(out.size()), .p_hat = p, .seen = 100});
  return out;
}

std::int64_t sum(const std::vector<std::int64_t>& x) { return std::accumulate(x.begin(), x.end(), std::int64_t{0}); }

constexpr KnapsackRolloutConfig kSheet{.n_up = 64, .fallback = false};

TEST(RolloutValue, GivesTheSheetsNumbers) {
  EXPECT_NEAR(mixed_probability(.5, 8), .9922, 5e-5);
  EXPECT_NEAR(mixed_probability(.1, 8), .5695, 5e-5);
  EXPECT_NEAR(mixed_probability(.05, 8), .3366, 5e-5);
  EXPECT_NEAR(rollout_demand(.1, DemandModel::kProbability, .9), 21.85, .005);
  EXPECT_NEAR(rollout_demand(.1, DemandModel::kExpectation, .9), 10.11, .005);
  EXPECT_EQ(rollout_value(0, 8), 0);
  EXPECT_EQ(rollout_value(1, 8), 0);
  EXPECT_EQ(mixed_probability(.3, 1), 0);
}

TEST(RolloutDemand, UnderExpectationIsTheMeanNumberUntilBothOutcomesWereSeen) {
  RandomStream random(3);
  for (const double p : {.05, .3}) {
    double total = 0;
    constexpr int kRuns = 20'000;
    for (int run = 0; run < kRuns; ++run) {
      bool seen[2] = {false, false};
      for (; !seen[0] || !seen[1]; ++total) seen[random.bernoulli(p)] = true;
    }
    EXPECT_NEAR(total / kRuns, rollout_demand(p, DemandModel::kExpectation, .9), .4) << p;
  }
}

TEST(AllocateRollouts, GivesTheSheetsSplit) {
  const auto batch = known({.02, .05, .1, .2, .33, .5, .8, .95});
  const auto plan = allocate_rollouts(batch, 64, kSheet);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_THAT(plan->rollouts, ElementsAre(2, 8, 16, 13, 9, 7, 7, 2));
  double value = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) value += rollout_value(*batch[i].p_hat, plan->rollouts[i]);
  EXPECT_NEAR(value, .49556, 5e-6);
  EXPECT_EQ(plan->report.effective, 8U);
  EXPECT_EQ(plan->report.largest, 16);
  EXPECT_EQ(plan->report.warning, "");
}

TEST(AllocateRollouts, EqualsTheExactProgramOnRandomBatches) {
  RandomStream random(11);
  for (int trial = 0; trial < 60; ++trial) {
    std::vector<double> rates(4), value, cost;
    for (double& p : rates) p = random.uniform(.01, .99);
    const auto batch = known(rates);
    const auto total = random.uniform_int(8, 40);
    const auto plan = allocate_rollouts(batch, total, {.n_up = 12, .fallback = false});
    ASSERT_TRUE(plan);
    double got = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      got += rollout_value(rates[i], plan->rollouts[i]);
      for (std::int64_t n = 2; n <= 12; ++n) {
        value.push_back(rollout_value(rates[i], n));
        cost.push_back(static_cast<double>(n));
      }
    }
    EXPECT_EQ(sum(plan->rollouts), total);
    const auto best = multiple_choice({.value = value, .cost = cost, .width = 11}, static_cast<double>(total),
                                      {.method = ChoiceMethod::kDynamicProgram});
    ASSERT_TRUE(best);
    EXPECT_NEAR(got, best->value, 1e-12);
  }
}

TEST(AllocateRollouts, SpendsExactlyTheTotalWithinItsBoundsInAnyOrder) {
  RandomStream random(12);
  for (int trial = 0; trial < 500; ++trial) {
    std::vector<RolloutItem> batch(1 + random.uniform_int(std::uint64_t{12}));
    for (RolloutItem& item : batch) {
      item.seen = random.bernoulli(.2) ? 0 : 16;
      item.p_hat = static_cast<double>(random.uniform_int(std::uint64_t{17})) / 16;
    }
    const KnapsackRolloutConfig config{
        .n_up = 20,
        .demand = random.bernoulli(.5) ? DemandModel::kExpectation : DemandModel::kProbability,
        .fallback = random.bernoulli(.5),
        .knapsack = random.bernoulli(.7)};
    const auto total = random.uniform_int(0, 12 * std::ssize(batch));
    const auto plan = allocate_rollouts(batch, total, config);
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(sum(plan->rollouts), total);
    for (const std::int64_t n : plan->rollouts) EXPECT_GE(n, 0);
    if (plan->report.warning.empty()) {
      for (const std::int64_t n : plan->rollouts) EXPECT_GE(n, 2);
    } else if (total > 1) {
      for (const std::int64_t n : plan->rollouts) EXPECT_NE(n, 1) << "a group of one has no gradient";
    }
  }
}

TEST(AllocateRollouts, FollowsAPermutationOfItsBatch) {
  const auto forward = allocate_rollouts(known({.02, .3, .7, .9}), 40, {});
  const auto backward = allocate_rollouts(known({.9, .7, .3, .02}), 40, {});
  ASSERT_TRUE(forward && backward);
  EXPECT_EQ(forward->rollouts, std::vector(backward->rollouts.rbegin(), backward->rollouts.rend()));
}

TEST(AllocateRollouts, TreatsUnseenPromptsUniformly) {
  std::vector<RolloutItem> batch(8);
  const auto plan = allocate_rollouts(batch, 64, {});
  ASSERT_TRUE(plan);
  EXPECT_THAT(plan->rollouts, testing::Each(8));
  batch[0] = {.p_hat = .5, .seen = 7};  // one reward short of valid
  EXPECT_THAT(allocate_rollouts(batch, 64, {})->rollouts, testing::Each(8));
}

TEST(AllocateRollouts, SendsWhatNobodyNeedsToTheHopelessOnes) {
  EXPECT_THAT(allocate_rollouts(known({0, 1, 1, 0}), 32, {})->rollouts, ElementsAre(14, 2, 2, 14));
  EXPECT_THAT(allocate_rollouts(known({1, 1}), 16, {})->rollouts, ElementsAre(8, 8)) << "none at 0: everyone alike";
  // demand(.5) = 3.3: one effective prompt needs 3 more, the surplus goes to the prompt at 0.
  const auto with = allocate_rollouts(known({.5, 0, 1}), 60, {});
  EXPECT_THAT(with->rollouts, ElementsAre(5, 53, 2));
  EXPECT_EQ(with->report.surplus, 51);
  const auto without = allocate_rollouts(known({.5, 0, 1}), 60, {.fallback = false});
  EXPECT_THAT(without->rollouts, ElementsAre(56, 2, 2));
  EXPECT_THAT(allocate_rollouts(known({.5, 1}), 60, {})->rollouts, ElementsAre(5, 55)) << "none at 0: the others";
}

TEST(AllocateRollouts, SharesEvenlyWhereTheKnapsackIsOff) {
  EXPECT_THAT(allocate_rollouts(known({.1, .3, .9}), 31, {.fallback = false, .knapsack = false})->rollouts,
              ElementsAre(11, 10, 10));
  EXPECT_THAT(allocate_rollouts(known({.1, .3}), 31, {.n_up = 10, .fallback = false, .knapsack = false})->rollouts,
              ElementsAre(16, 15))
      << "what the ceilings leave is still spent";
}

TEST(AllocateRollouts, ShavesFloorsThatDoNotFitAndSaysSo) {
  const auto plan = allocate_rollouts(known({.5, .5, .5, .5}), 5, {});
  ASSERT_TRUE(plan);
  EXPECT_EQ(sum(plan->rollouts), 5);
  EXPECT_THAT(plan->report.warning, HasSubstr("exceed the total by 3"));
  EXPECT_THAT(plan->rollouts, testing::Not(testing::Contains(1)));
  EXPECT_THAT(allocate_rollouts(known({.5, .5}), 1, {})->report.warning, HasSubstr("one group of one"));
}

TEST(AllocateRollouts, RefusesWhatCannotBeMeant) {
  const auto code = [](const auto& r) { return r.error().code; };
  EXPECT_EQ(code(allocate_rollouts(known({1.5}), 8, {})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(allocate_rollouts(known({std::nan("")}), 8, {})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(allocate_rollouts(known({.5}), -1, {})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(allocate_rollouts(known({.5}), 8, {.n_low = 9, .n_up = 8})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(allocate_rollouts(known({.5}), 8, {.alpha = 1})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(allocate_rollouts({}, 8, {})), ErrorCode::kInvalidArgument);
  EXPECT_THAT(allocate_rollouts(known({.5, 1.5}), 8, {}).error().message, HasSubstr("prompt \"1\" is 1.5"));
}

}  // namespace
}  // namespace bursar::allocate
