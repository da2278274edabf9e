#include "bursar/allocate/water_filling.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>

#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

std::vector<WaterItem> random_items(RandomStream& random, std::size_t n) {
  std::vector<WaterItem> items;
  for (std::size_t i = 0; i < n; ++i) {
    const double w = random.uniform(.1, 3), s = random.uniform(.2, 4);
    Curve curve = PowerCurve{w, random.uniform(.2, 3)};
    switch (random.uniform_int(std::uint64_t{4})) {
      case 0: curve = LogCurve{w, s}; break;
      case 1: curve = SaturatingCurve{w, s}; break;
      case 2:
        curve = UserCurve{[w, s](double x) { return w * std::sqrt(x + s); },
                          [w, s](double x) { return w / 2 / std::sqrt(x + s); }};
        break;
      default: break;
    }
    items.push_back({curve, random.bernoulli(.3) ? random.uniform01() : 0.0, random.bernoulli(.3) ? 3.0 : INFINITY,
                     random.uniform(.3, 2)});
  }
  return items;
}

TEST(WaterFilling, GivesTheSheetsSplitOfThreeHundredTokens) {
  const auto different = waterfill_power(std::vector{5.0, 20.0, 60.0}, std::vector{.5, 1.0, 2.0}, 300);
  ASSERT_TRUE(different) << different.error().message;
  EXPECT_THAT(*different, ElementsAre(DoubleNear(141.06, .01), DoubleNear(115.77, .01), DoubleNear(43.16, .01)));
  const auto equal = waterfill_power(std::vector{5.0, 20.0, 60.0}, std::vector{1.0, 1.0, 1.0}, 300);
  EXPECT_THAT(*equal, ElementsAre(DoubleNear(46.41, .01), DoubleNear(92.82, .01), DoubleNear(160.77, .01)));
  double residual = 0, residual_equal = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    const double c = std::array{5., 20., 60.}[i];
    residual += c / std::pow((*different)[i], std::array{.5, 1., 2.}[i]);
    residual_equal += c / (*equal)[i];
  }
  EXPECT_NEAR(residual, .626, 5e-4);
  EXPECT_NEAR(residual_equal, .69641, 5e-6);
}

TEST(WaterFilling, IsNeymansRuleForCostedRollouts) {
  // systems/duet: s = (1, 2, 1), L = (100, 100, 400), B = 2000 -> n = (4, 8, 2), variance (sum s sqrt L)^2 / B.
  const std::vector<WaterItem> items{{.curve = PowerCurve{1, 1}, .cost = 100},
                                     {.curve = PowerCurve{4, 1}, .cost = 100},
                                     {.curve = PowerCurve{1, 1}, .cost = 400}};
  const auto r = water_filling(items, 2000);
  ASSERT_TRUE(r);
  EXPECT_THAT(r->amounts, ElementsAre(DoubleNear(4, 1e-9), DoubleNear(8, 1e-9), DoubleNear(2, 1e-9)));
  EXPECT_NEAR(-r->value, 50.0 * 50 / 2000, 1e-11);
}

TEST(WaterFilling, MeetsTheConditionsOfTheOptimumOnRandomCurves) {
  RandomStream random(1);
  for (int trial = 0; trial < 1000; ++trial) {
    const auto items = random_items(random, 1 + random.uniform_int(std::uint64_t{6}));
    double floors = 0;
    for (const auto& item : items) floors += item.floor * item.cost;
    const double budget = floors + random.uniform(.01, 10);
    const auto r = water_filling(items, budget);
    ASSERT_TRUE(r) << r.error().message;
    EXPECT_LE(r->spent, budget * (1 + 1e-9));
    EXPECT_GE(r->bound, r->value);
    EXPECT_NEAR(r->bound, r->value, 1e-8 * std::max(1.0, std::abs(r->value)));
    for (std::size_t i = 0; i < items.size(); ++i) {
      const double x = r->amounts[i], slope = slope_of(items[i].curve, x), price = r->price * items[i].cost;
      EXPECT_GE(x, items[i].floor);
      EXPECT_LE(x, items[i].ceiling);
      if (x > items[i].floor * (1 + 1e-9) + 1e-9) {
        EXPECT_GE(slope, price * (1 - 1e-6)) << trial;
      }
      if (x < items[i].ceiling - 1e-9 && r->price > 0) {
        EXPECT_LE(slope, price * (1 + 1e-6)) << trial;
      }
    }
  }
}

TEST(WaterFilling, BeatsTenThousandRandomSplits) {
  const std::vector<WaterItem> items{{PowerCurve{5, .5}}, {PowerCurve{20, 1}}, {PowerCurve{60, 2}}};
  const auto r = water_filling(items, 300);
  ASSERT_TRUE(r);
  RandomStream random(2);
  for (int trial = 0; trial < 10'000; ++trial) {
    const double a = random.exponential(), b = random.exponential(), c = random.exponential(),
                 scale = 300 / (a + b + c);
    EXPECT_LE(
        value_of(items[0].curve, a * scale) + value_of(items[1].curve, b * scale) + value_of(items[2].curve, c * scale),
        r->value + 1e-12);
  }
}

TEST(WaterFilling, SharesTheStraightStretchOfAUserCurve) {
  const UserCurve straight{[](double x) { return 2 * x; }, [](double) { return 2.0; }};
  const std::vector<WaterItem> items{{.curve = straight, .ceiling = 4}, {.curve = straight, .ceiling = 4}};
  const auto r = water_filling(items, 5);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_NEAR(r->spent, 5, 1e-9);
  EXPECT_NEAR(r->value, 10, 1e-9);
  EXPECT_NEAR(r->bound, 10, 1e-9);
}

TEST(WaterFilling, LeavesTheBudgetWhereEveryItemIsFull) {
  const std::vector<WaterItem> items{{.curve = LogCurve{1, 1}, .ceiling = 2}, {.curve = LogCurve{1, 1}, .ceiling = 3}};
  const auto r = water_filling(items, 100);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->spent, 5);
  EXPECT_EQ(r->price, 0);
}

double best_whole(const std::vector<WaterItem>& items, std::size_t i, std::int64_t left) {
  if (i == items.size()) return 0;
  double best = -INFINITY;
  const auto least = std::max<std::int64_t>(std::holds_alternative<PowerCurve>(items[i].curve) ? 1 : 0,
                                            static_cast<std::int64_t>(std::ceil(items[i].floor)));
  for (std::int64_t n = least; n <= left && static_cast<double>(n) <= items[i].ceiling; ++n) {
    best = std::max(best, value_of(items[i].curve, static_cast<double>(n)) + best_whole(items, i + 1, left - n));
  }
  return best;
}

TEST(WaterFillingUnits, EqualsEveryWholeSplit) {
  RandomStream random(3);
  int solved = 0;
  for (int trial = 0; trial < 1500; ++trial) {
    auto items = random_items(random, 1 + random.uniform_int(std::uint64_t{4}));
    for (auto& item : items) item.cost = 1;
    const std::int64_t budget = random.uniform_int(0, 14);
    const auto r = water_filling_units(items, budget);
    const double best = best_whole(items, 0, budget);
    ASSERT_EQ(r.has_value(), std::isfinite(best));
    if (!r) continue;
    ++solved;
    double value = 0;
    for (std::size_t i = 0; i < items.size(); ++i) value += value_of(items[i].curve, static_cast<double>(r->units[i]));
    ASSERT_NEAR(value, best, 1e-9) << trial;
    EXPECT_LE(std::reduce(r->units.begin(), r->units.end()), budget);
  }
  EXPECT_GT(solved, 1000);
}

TEST(WaterFilling, EqualCurvesGetEqualSharesAndMoreBudgetGivesEveryoneMore) {
  const std::vector<double> c(4, 7.0), a(4, 1.3);
  EXPECT_THAT(*waterfill_power(c, a, 100), testing::Each(DoubleNear(25, 1e-8)));
  const auto less = waterfill_power(std::vector{1., 9.}, std::vector{.4, 2.}, 10),
             more = waterfill_power(std::vector{1., 9.}, std::vector{.4, 2.}, 11);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_GT((*more)[i], (*less)[i]);
}

TEST(WaterFilling, RefusesWhatCannotBeMeantByName) {
  using testing::HasSubstr;
  EXPECT_THAT(waterfill_power(std::vector{1., -1.}, std::vector{1., 1.}, 1).error().message,
              HasSubstr("item 1: c is -1"));
  EXPECT_THAT(waterfill_power(std::vector{1.}, std::vector{std::nan("")}, 1).error().message,
              HasSubstr("item 0: a is nan"));
  EXPECT_THAT(waterfill_power(std::vector{1.}, std::vector{1.}, -1).error().message, HasSubstr("budget is -1"));
  const std::vector<WaterItem> floors{{.curve = LogCurve{}, .floor = 3}, {.curve = LogCurve{}, .floor = 4}};
  EXPECT_THAT(water_filling(floors, 5).error().message, HasSubstr("2 short; item 1"));
  const std::vector<WaterItem> convex{{UserCurve{[](double x) { return x * x; }, [](double x) { return 2 * x; }}}};
  EXPECT_THAT(water_filling(convex, 5).error().message, HasSubstr("not concave"));
}

}  // namespace
}  // namespace bursar::allocate
