#include "bursar/allocate/marginal_greedy.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

// Value of n rollouts of a prompt solved with probability p (systems/knapsack-rl).
double rollout_value(double p, std::int64_t n) {
  const double k = static_cast<double>(n);
  return (1 - std::pow(p, k) - std::pow(1 - p, k)) * p * (1 - p) * (1 - p);
}

// The best total over every split of `budget` units, by trying all of them.
double brute_force(const std::vector<std::vector<double>>& gains, std::size_t item, std::int64_t budget) {
  if (item == gains.size()) return 0;
  double best = -std::numeric_limits<double>::infinity();
  double own = 0;
  for (std::int64_t n = 0; n <= std::min<std::int64_t>(budget, std::ssize(gains[item])); ++n) {
    best = std::max(best, own + brute_force(gains, item + 1, budget - n));
    if (n < std::ssize(gains[item])) own += gains[item][static_cast<std::size_t>(n)];
  }
  return best;
}

auto lookup(const std::vector<std::vector<double>>& gains) {
  return [&gains](std::size_t i, std::int64_t n) { return gains[i][static_cast<std::size_t>(n)]; };
}

std::vector<std::vector<double>> random_gains(RandomStream& random, bool sorted) {
  std::vector<std::vector<double>> gains(1 + random.uniform_int(std::uint64_t{4}), std::vector<double>(4));
  for (auto& g : gains) {
    for (double& x : g) x = random.bernoulli(.2) ? 0.25 : random.uniform(-.3, 1);
    if (sorted) std::ranges::sort(g, std::greater{});
  }
  return gains;
}

TEST(MarginalGreedy, GivesTheSheetsSplitOfSixtyFourRollouts) {
  const std::vector<double> p{.02, .05, .1, .2, .33, .5, .8, .95};
  const auto split = marginal_greedy(
      {.items = p.size(), .budget = 64, .floor = 2, .ceiling = 64},
      [&](std::size_t i, std::int64_t n) { return rollout_value(p[i], n + 1) - rollout_value(p[i], n); });
  ASSERT_TRUE(split) << split.error().message;
  EXPECT_EQ(split->units, (std::vector<std::int64_t>{2, 8, 16, 13, 9, 7, 7, 2}));
  double value = split->gained, uniform = 0;
  for (const double q : p) value += rollout_value(q, 2), uniform += rollout_value(q, 8);
  EXPECT_NEAR(value, .49556, 5e-6);
  EXPECT_NEAR(uniform, .46427, 5e-6);
  EXPECT_EQ(split->spent, 64);
  EXPECT_FALSE(split->grows);
}

TEST(MarginalGreedy, GivesTheSheetsSplitUnderABetaBelief) {
  // systems/dora: the gain of rollout r of weight w is -log(1 - kappa w / (kappa + r)); kappa = 2, N = 40.
  const std::vector<double> w{.5, .3, .15, .05};
  const auto split = marginal_greedy({.items = 4, .budget = 40, .ceiling = 40}, [&](std::size_t i, std::int64_t r) {
    return -std::log(1 - 2 * w[i] / (2 + static_cast<double>(r)));
  });
  ASSERT_TRUE(split);
  EXPECT_EQ(split->units, (std::vector<std::int64_t>{22, 12, 5, 1}));
}

TEST(MarginalGreedy, EqualsBruteForceWhereGainsDecrease) {
  RandomStream random(7);
  for (int trial = 0; trial < 3000; ++trial) {
    const auto gains = random_gains(random, true);
    const std::int64_t budget = random.uniform_int(0, 12);
    const auto split = marginal_greedy({.items = gains.size(), .budget = budget, .ceiling = 4}, lookup(gains));
    ASSERT_TRUE(split) << split.error().message;
    EXPECT_NEAR(split->gained, brute_force(gains, 0, budget), 1e-12);
    EXPECT_EQ(split->gained, split->bound);
    EXPECT_FALSE(split->grows);
  }
}

TEST(MarginalGreedy, EqualsBruteForceWhereGainsGrowAndItLooksAhead) {
  RandomStream random(8);
  for (int trial = 0; trial < 3000; ++trial) {
    const auto gains = random_gains(random, false);
    const std::int64_t budget = random.uniform_int(0, 12);
    const double best = brute_force(gains, 0, budget);
    const UnitProblem problem{.items = gains.size(), .budget = budget, .ceiling = 4};
    const auto exact = marginal_greedy(problem, lookup(gains), {.look_ahead = true});
    ASSERT_TRUE(exact) << exact.error().message;
    EXPECT_NEAR(exact->gained, best, 1e-12);
    EXPECT_NEAR(exact->bound, best, 1e-12);
    const auto hull = marginal_greedy(problem, lookup(gains), {.when_gains_grow = Growth::kHull, .look_ahead = true});
    ASSERT_TRUE(hull);
    EXPECT_LE(hull->gained, best + 1e-12);
    EXPECT_GE(hull->bound, best - 1e-12);
  }
}

TEST(MarginalGreedy, SaysWhereAGainGrows) {
  const auto gain = [](std::size_t i, std::int64_t n) { return i == 1 && n == 1 ? 2.0 : 1.0; };
  const auto split =
      marginal_greedy({.items = 2, .budget = 3, .ceiling = 2}, gain, {.when_gains_grow = Growth::kReport});
  ASSERT_TRUE(split);
  ASSERT_TRUE(split->grows);
  EXPECT_EQ(split->grows->item, 1U);
  EXPECT_EQ(split->grows->unit, 1);
  EXPECT_EQ(split->bound, std::numeric_limits<double>::infinity());
  const auto exact = marginal_greedy({.items = 2, .budget = 3, .ceiling = 2}, gain);
  ASSERT_TRUE(exact);
  EXPECT_EQ(exact->gained, 4);
}

TEST(MarginalGreedy, KeepsUnitsThatNobodyGainsFrom) {
  const auto split = marginal_greedy({.items = 2, .budget = 9, .ceiling = 9},
                                     [](std::size_t, std::int64_t n) { return n < 2 ? 1.0 : 0.0; });
  ASSERT_TRUE(split);
  EXPECT_EQ(split->units, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(split->spent, 4);
  EXPECT_EQ(split->next_gain, 0);
}

TEST(MarginalGreedy, HoldsFloorsAndCeilingsOfEachItem) {
  const std::vector<std::int64_t> floors{0, 3, 1}, ceilings{1, 3, 9};
  const auto split = marginal_greedy({.items = 3, .budget = 9, .floors = floors, .ceilings = ceilings},
                                     [](std::size_t i, std::int64_t) { return i == 0 ? 5.0 : 1.0; });
  ASSERT_TRUE(split);
  EXPECT_EQ(split->units, (std::vector<std::int64_t>{1, 3, 5}));
}

TEST(MarginalGreedy, RefusesWhatCannotBeMeant) {
  const auto zero = [](std::size_t, std::int64_t) { return 0.0; };
  EXPECT_EQ(marginal_greedy({.items = 1, .budget = -1, .ceiling = 1}, zero).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(marginal_greedy({.items = 1, .budget = 1, .floor = 2, .ceiling = 1}, zero).error().code,
            ErrorCode::kInvalidArgument);
  const auto short_of = marginal_greedy({.items = 5, .budget = 9, .floor = 2, .ceiling = 3}, zero);
  EXPECT_EQ(short_of.error().code, ErrorCode::kInfeasible);
  EXPECT_THAT(short_of.error().message, testing::HasSubstr("1 short"));
  const auto hole = [](std::size_t, std::int64_t) { return std::nan(""); };
  const auto bad = marginal_greedy({.items = 1, .budget = 1, .ceiling = 1}, hole);
  EXPECT_EQ(bad.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(bad.error().message, testing::HasSubstr("gain(0, 0) is nan"));
  const auto rising = [](std::size_t, std::int64_t n) { return static_cast<double>(n + 1); };
  EXPECT_EQ(marginal_greedy({.items = 1, .budget = 1000, .ceiling = 1000}, rising, {.max_cells = 100}).error().code,
            ErrorCode::kExhausted);
}

}  // namespace
}  // namespace bursar::allocate
