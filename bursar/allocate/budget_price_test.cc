#include "bursar/allocate/budget_price.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

namespace bursar::allocate {
namespace {

TEST(BudgetPrice, InvertsSmoothDemandOverFortyDecades) {
  for (double truth = 1e-20; truth < 1e20; truth *= 317) {
    const auto p = budget_price([&](double price) { return 5 * std::pow(truth / price, .7); }, 5);
    ASSERT_TRUE(p);
    EXPECT_NEAR(p->price / truth, 1, 1e-11);
    EXPECT_LE(p->demand, 5);
    EXPECT_GT(p->demand_below, 5);
    EXPECT_LE(p->probes, 90);
  }
}

TEST(BudgetPrice, FindsTheJumpOfAStep) {
  const auto p = budget_price([](double price) { return price < 0.3125 ? 10.0 : 2.0; }, 5);
  ASSERT_TRUE(p);
  EXPECT_NEAR(p->price, 0.3125, 1e-11);
  EXPECT_EQ(p->demand, 2);
  EXPECT_EQ(p->demand_below, 10);
  EXPECT_LE(p->probes, 150);
}

TEST(BudgetPrice, IsZeroWhereTheBudgetDoesNotBind) {
  const auto p = budget_price([](double price) { return 3 - price; }, 3);
  ASSERT_TRUE(p);
  EXPECT_EQ(p->price, 0);
}

TEST(BudgetPrice, TakesInfiniteDemandAtSmallPrices) {
  const auto p =
      budget_price([](double price) { return price < 1e-3 ? std::numeric_limits<double>::infinity() : 1 / price; }, 10);
  ASSERT_TRUE(p);
  EXPECT_NEAR(p->price, .1, 1e-12);
}

TEST(BudgetPrice, SaysByHowMuchNoPriceHelps) {
  const auto p = budget_price([](double) { return 7.0; }, 5);
  ASSERT_FALSE(p);
  EXPECT_EQ(p.error().code, ErrorCode::kInfeasible);
  EXPECT_THAT(p.error().message, testing::HasSubstr("2 above the budget of 5"));
}

TEST(BudgetPrice, RefusesWhatIsNotANumber) {
  EXPECT_FALSE(budget_price([](double) { return std::nan(""); }, 5));
  EXPECT_FALSE(budget_price([](double) { return 1.0; }, std::nan("")));
  EXPECT_FALSE(budget_price([](double) { return 1.0; }, 1, {.first = 0}));
}

}  // namespace
}  // namespace bursar::allocate
