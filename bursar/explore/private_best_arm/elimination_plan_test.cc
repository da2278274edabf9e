#include "bursar/explore/private_best_arm/elimination_plan.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

namespace bursar::explore {
namespace {

std::vector<std::size_t> survivors(std::size_t arms, std::size_t d, EliminationSchedule schedule) {
  const auto plan = plan_elimination({.arms = arms, .dimension = d, .samples = 1'000'000, .schedule = schedule});
  return plan ? plan->survivors : std::vector<std::size_t>{};
}

TEST(EliminationPlan, GivesTheSheetsSchedules) {
  using S = std::vector<std::size_t>;
  constexpr auto kPaper = EliminationSchedule::kPaper;
  EXPECT_EQ(survivors(30, 3, kPaper), (S{30, 4, 3, 2, 1}));
  EXPECT_EQ(survivors(100, 5, kPaper), (S{100, 12, 7, 4, 2, 1}));
  EXPECT_EQ(survivors(1000, 10, kPaper), (S{1000, 74, 27, 25, 13, 7, 4, 2, 1}));
  EXPECT_EQ(survivors(2, 2, kPaper), (S{2, 1}));
  EXPECT_EQ(survivors(7, 1, kPaper), (S{7, 1}));
  EXPECT_EQ(survivors(1, 1, kPaper), (S{1}));
  EXPECT_EQ(survivors(100, 5, EliminationSchedule::kHalving), (S{100, 3, 2, 1}));
  EXPECT_EQ(survivors(8, 8, EliminationSchedule::kHalving), (S{8, 4, 2, 1}));
}

TEST(EliminationPlan, ShrinksFromAllArmsToOneForEveryShape) {
  for (const auto schedule : {EliminationSchedule::kPaper, EliminationSchedule::kHalving}) {
    for (std::size_t k = 1; k <= 60; ++k) {
      for (std::size_t d = 1; d <= k; ++d) {
        const auto s = survivors(k, d, schedule);
        ASSERT_FALSE(s.empty());
        EXPECT_EQ(s.front(), k);
        EXPECT_EQ(s.back(), 1U);
        for (std::size_t p = 1; p < s.size(); ++p) EXPECT_LT(s[p], s[p - 1]) << k << " arms, dimension " << d;
      }
    }
  }
}

TEST(EliminationPlan, NamesTheFewestSamplesThatWork) {
  const EliminationProblem few{.arms = 30, .dimension = 3, .samples = 10};
  const auto plan = plan_elimination(few);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::kInfeasible);
  EXPECT_NE(plan.error().message.find("the fewest that work are 14"), std::string::npos) << plan.error().message;
  EXPECT_TRUE(plan_elimination({.arms = 30, .dimension = 3, .samples = 14}));
  EXPECT_FALSE(plan_elimination({.arms = 30, .dimension = 3, .samples = 13}));
}

TEST(EliminationPlan, RefusesWhatCannotBeMeant) {
  EXPECT_EQ(plan_elimination({}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(plan_elimination({.arms = 2, .dimension = 3, .samples = 9}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(plan_elimination({.arms = 2, .dimension = 1, .samples = UINT64_MAX}).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(elimination_hardness({}, 1, 1).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(elimination_hardness(std::vector{1.0}, 1, 0).error().code, ErrorCode::kInvalidArgument);
}

TEST(EliminationHardness, TakesTheWorstRankOverItsGap) {
  const auto h = elimination_hardness(std::vector{.1, .9, .5, .6}, 2, .5);
  ASSERT_TRUE(h);
  EXPECT_NEAR(h->samples, std::max({2 / .09, 3 / .16, 4 / .64}), 1e-9);
  EXPECT_NEAR(h->privacy, 2 * std::max({2 / .3, 3 / .4, 4 / .8}), 1e-9);
  EXPECT_EQ(elimination_hardness(std::vector{.1, .9}, 2, std::numeric_limits<double>::infinity())->privacy, 0);
  EXPECT_TRUE(std::isinf(elimination_hardness(std::vector{.9, .9}, 2, 1)->samples));
  EXPECT_EQ(elimination_error_bound(*plan_elimination({.arms = 2, .dimension = 2, .samples = 9}),
                                    *elimination_hardness(std::vector{.9, .9}, 2, 1)),
            1);
}

}  // namespace
}  // namespace bursar::explore
