#include "bursar/allocate/neyman_split.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(NeymanSplit, GivesTheSheetsNumbers) {
  const std::vector<NeymanItem> items{{1, 100}, {2, 100}, {1, 400}};
  const auto plan = neyman_split(items, 2000, {.n_min = 1});
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_THAT(plan->rollouts, ElementsAre(4, 8, 2));
  EXPECT_EQ(plan->spent, 2000);
  EXPECT_DOUBLE_EQ(plan->variance, 1.25);
  EXPECT_DOUBLE_EQ(plan->variance_bound, 1.25);
}

TEST(NeymanSplit, StaysWithinTheBudgetAndAboveTheBoundAndNearIt) {
  RandomStream random(4);
  for (int trial = 0; trial < 2000; ++trial) {
    std::vector<NeymanItem> items(1 + random.uniform_int(std::uint64_t{40}));
    double floors = 0;
    for (NeymanItem& item : items) {
      item = {random.uniform(0, 3), std::exp(random.uniform(0, 7))};
      floors += item.cost * 2;
    }
    const double budget = floors * random.uniform(1, 8);
    const auto plan = neyman_split(items, budget);
    ASSERT_TRUE(plan);
    EXPECT_LE(plan->spent, budget * (1 + 1e-12));
    EXPECT_GE(plan->variance, plan->variance_bound * (1 - 1e-12));
    EXPECT_FALSE(plan->saturated);
    for (const auto n : plan->rollouts) EXPECT_TRUE(n >= 2 && n <= 32);
    // More tokens never leave more variance by more than a rounding.
    const auto more = neyman_split(items, budget * 2);
    EXPECT_LE(more->variance, plan->variance * 1.2);
  }
}

TEST(NeymanSplit, IsNotFarFromTheBestWholeSplit) {
  RandomStream random(5);
  double worst = 1;
  for (int trial = 0; trial < 300; ++trial) {
    const std::vector<NeymanItem> items{{random.uniform(.5, 2), random.uniform(1, 4)},
                                        {random.uniform(.5, 2), random.uniform(1, 4)},
                                        {random.uniform(.5, 2), random.uniform(1, 4)}};
    const double budget = random.uniform(40, 80);
    double best = 1e300;
    for (int a = 1; a <= 32; ++a) {
      for (int b = 1; b <= 32; ++b) {
        const double left = budget - a * items[0].cost - b * items[1].cost;
        const double c = std::min(32.0, std::floor(left / items[2].cost));
        if (c < 1) continue;
        best = std::min(best, items[0].s * items[0].s / a + items[1].s * items[1].s / b + items[2].s * items[2].s / c);
      }
    }
    const auto plan = neyman_split(items, budget, {.n_min = 1});
    ASSERT_TRUE(plan);
    EXPECT_GE(plan->variance, best * (1 - 1e-9));
    worst = std::max(worst, plan->variance / best);
  }
  EXPECT_LT(worst, 1.15);  // the sheet's rounding is a heuristic
}

TEST(NeymanSplit, SaysWhenTheLeastIsTooMuch) {
  const std::vector<NeymanItem> items{{1, 100}, {1, 100}};
  const auto plan = neyman_split(items, 300);
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->saturated);
  EXPECT_THAT(plan->rollouts, ElementsAre(2, 2));
}

TEST(NeymanSplit, NamesWhatItRefuses) {
  EXPECT_THAT(neyman_split(std::vector<NeymanItem>{{1, 1}, {-1, 1}}, 10).error().message, HasSubstr("item 1: s is -1"));
  EXPECT_THAT(neyman_split(std::vector<NeymanItem>{{1, 0}}, 10).error().message, HasSubstr("item 0: cost is 0"));
  EXPECT_FALSE(neyman_split(std::vector<NeymanItem>{{std::nan(""), 1}}, 10));
  EXPECT_FALSE(neyman_split({}, std::nan("")));
  EXPECT_FALSE(neyman_split({}, 1, {.n_min = 5, .n_max = 4}));
  EXPECT_TRUE(neyman_split({}, 1)->rollouts.empty());
}

}  // namespace
}  // namespace bursar::allocate
