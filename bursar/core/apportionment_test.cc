#include "bursar/core/apportionment.h"

#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <rapidcheck/gtest.h>
#include <vector>

#include "bursar/core/wide.h"

namespace bursar {
namespace {

using Units = std::vector<std::int64_t>;

std::int64_t sum_of(const Units& units) { return std::accumulate(units.begin(), units.end(), std::int64_t{0}); }

// Hamilton in exact integer arithmetic.
Units exact_hamilton(const Units& weights, std::int64_t total) {
  const std::int64_t sum = sum_of(weights);
  Units units, remainders;
  std::int64_t left = total;
  for (const std::int64_t w : weights) {
    const Wide product = static_cast<Wide>(w) * total;
    units.push_back(static_cast<std::int64_t>(product / sum));
    remainders.push_back(static_cast<std::int64_t>(product % sum));
    left -= units.back();
  }
  for (; left > 0; --left) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < remainders.size(); ++i) best = remainders[i] > remainders[best] ? i : best;
    ++units[best];
    remainders[best] = -1;
  }
  return units;
}

TEST(Apportion, GivesTheUnitsLeftToTheLargestFractions) {
  EXPECT_EQ(apportion(std::vector{41.0, 33.0, 26.0}, 10), (Units{4, 3, 3}));
  EXPECT_EQ(apportion(std::vector{1.0, 1.0, 1.0}, 10), (Units{4, 3, 3}));  // ties: lowest index
  EXPECT_EQ(apportion(std::vector{0.0, 5.0, 0.0}, 7), (Units{0, 7, 0}));
  EXPECT_EQ(apportion(std::vector{0.0, 0.0}, 3), (Units{2, 1}));
  EXPECT_EQ(apportion(std::vector{1e308, 1e308, 1e-300}, 4), (Units{2, 2, 0}));
  EXPECT_EQ(apportion({}, 0), Units{});
}

TEST(Apportion, KeepsFloorsAndCeilings) {
  const Units floors{0, 0, 4}, ceilings{3, 10, 10};
  EXPECT_EQ(apportion(std::vector{10.0, 1.0, 1.0}, 12, {.floors = floors, .ceilings = ceilings}), (Units{3, 5, 4}));
  EXPECT_EQ(apportion(std::vector{1.0, 1.0}, 5, {.floors = Units{5, 0}}), (Units{5, 0}));
  EXPECT_EQ(apportion(std::vector{0.0, 1.0}, 5, {.floors = Units{2, 0}}), (Units{2, 3}));
}

TEST(Apportion, RefusesWhatCannotBeAndSaysWhy) {
  const auto code = [](const auto& result) { return result ? ErrorCode::kInternal : result.error().code; };
  const std::vector weights{1.0, 2.0};
  EXPECT_EQ(code(apportion({}, 1)), ErrorCode::kInfeasible);
  EXPECT_EQ(code(apportion(weights, -1)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(apportion(weights, (std::int64_t{1} << 50) + 1)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(apportion(std::vector{-1.0}, 1)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(apportion(std::vector{std::nan("")}, 1)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(apportion(weights, 1, {.floors = Units{1}})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(apportion(weights, 9, {.floors = Units{2, 0}, .ceilings = Units{1, 9}})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(apportion(weights, 1, {.floors = Units{-1, 0}})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(apportion(weights, 1, {.floors = Units{1, 1}})), ErrorCode::kInfeasible);
  EXPECT_EQ(code(apportion(weights, 3, {.ceilings = Units{1, 1}})), ErrorCode::kInfeasible);
  EXPECT_EQ(code(apportion(std::vector{0.0, 1.0}, 3, {.ceilings = Units{9, 1}})), ErrorCode::kInfeasible);
}

RC_GTEST_PROP(Apportion, EqualsHamiltonInExactArithmetic, ()) {
  const auto weights = *rc::gen::nonEmpty(rc::gen::container<Units>(rc::gen::inRange<std::int64_t>(0, 2000)));
  RC_PRE(sum_of(weights) > 0);
  const auto total = *rc::gen::inRange<std::int64_t>(0, 100'000);
  const std::vector<double> doubles(weights.begin(), weights.end());
  RC_ASSERT(apportion(doubles, total) == exact_hamilton(weights, total));
}

RC_GTEST_PROP(Apportion, SumsExactlyWithinBoundsAndQuota, ()) {
  const auto n = *rc::gen::inRange<std::size_t>(1, 12);
  std::vector<double> weights;
  Units floors, ceilings;
  for (std::size_t i = 0; i < n; ++i) {
    weights.push_back(std::pow(10.0, *rc::gen::inRange(-300, 600) / 100.0));
    floors.push_back(*rc::gen::inRange(0, 20));
    ceilings.push_back(floors.back() + *rc::gen::inRange(0, 200));
  }
  const auto total = *rc::gen::inRange<std::int64_t>(sum_of(floors), sum_of(ceilings) + 1);
  const auto units = apportion(weights, total, {.floors = floors, .ceilings = ceilings});
  RC_ASSERT(units.has_value());
  RC_ASSERT(sum_of(*units) == total);
  // The multiplier by bisection, to check the quota.
  double low = 0, high = 1e12;
  const auto quota = [&](double lambda, std::size_t i) {
    return std::clamp(lambda * weights[i], static_cast<double>(floors[i]), static_cast<double>(ceilings[i]));
  };
  for (int step = 0; step < 300; ++step) {
    const double middle = (low + high) / 2;
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += quota(middle, i);
    (sum < static_cast<double>(total) ? low : high) = middle;
  }
  for (std::size_t i = 0; i < n; ++i) {
    RC_ASSERT((*units)[i] >= floors[i] && (*units)[i] <= ceilings[i]);
    RC_ASSERT(static_cast<double>((*units)[i]) >= std::floor(quota(high, i) - 1e-6));
    RC_ASSERT(static_cast<double>((*units)[i]) <= std::ceil(quota(high, i) + 1e-6));
  }
}

RC_GTEST_PROP(Apportion, SumsExactlyForVeryLargeTotals, ()) {
  const auto weights = *rc::gen::nonEmpty(rc::gen::container<std::vector<double>>(
      rc::gen::map(rc::gen::inRange(1, 1'000'000), [](int w) { return w / 7.0; })));
  const auto total = *rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << 50);
  const auto units = apportion(weights, total);
  RC_ASSERT(units.has_value());
  RC_ASSERT(sum_of(*units) == total);
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double quota = weights[i] / sum * static_cast<double>(total);
    RC_ASSERT(std::abs(static_cast<double>((*units)[i]) - quota) < 2 + 1e-13 * quota);
  }
}

TEST(RoundCumulatively, SpreadsTheUnits) {
  EXPECT_EQ(round_cumulatively(std::vector{.5, .5, .5, .5}), (Units{1, 0, 1, 0}));
  EXPECT_EQ(round_cumulatively(std::vector{.3, .3, .3, .3}), (Units{0, 1, 0, 0}));
  EXPECT_EQ(round_cumulatively(std::vector{-.6, 1.2, .4}), (Units{-1, 2, 0}));
  EXPECT_EQ(round_cumulatively({}), Units{});
  EXPECT_FALSE(round_cumulatively(std::vector{1.0, std::nan("")}));
  EXPECT_FALSE(round_cumulatively(std::vector{1e300}));
}

RC_GTEST_PROP(RoundCumulatively, NoPrefixIsOffByMoreThanAHalf, ()) {
  const auto thousandths = *rc::gen::container<Units>(rc::gen::inRange<std::int64_t>(-3000, 3000));
  std::vector<double> values;
  for (const std::int64_t t : thousandths) values.push_back(static_cast<double>(t) / 1000);
  const auto units = round_cumulatively(values);
  RC_ASSERT(units.has_value());
  std::int64_t truth = 0, rounded = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    truth += thousandths[i];
    rounded += (*units)[i];
    RC_ASSERT(std::abs(rounded * 1000 - truth) <= 500);
  }
}

}  // namespace
}  // namespace bursar
