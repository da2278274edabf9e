#include "bursar/plan/effort.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <limits>

#include "bursar/core/random.h"

namespace bursar::plan {
namespace {

using Efforts = std::vector<Effort>;
constexpr Effort kFast = Effort::kFast, kSlow = Effort::kDeliberate;

TEST(Effort, FollowsAStrictThreshold) {
  const std::vector<double> d{.2, .8, .5};
  EXPECT_EQ(*assign_threshold(d, .5, false), (Efforts{kFast, kSlow, kFast}));
  EXPECT_EQ(*assign_threshold(d, .5), (Efforts{kFast, kSlow, kSlow})) << "the last is forced";
  EXPECT_EQ(*assign_threshold(d, 1), (Efforts{kFast, kFast, kFast}));
  EXPECT_EQ(*assign_threshold(d, 0), (Efforts{kSlow, kSlow, kSlow}));
  EXPECT_EQ(*assign_threshold(d, .95), (Efforts{kFast, kFast, kSlow})) << "no cliff at .9";
}

std::vector<EffortModel> draw(std::size_t n, RandomStream& random) {
  std::vector<EffortModel> out;
  for (std::size_t i = 0; i < n; ++i) {
    const double fast = random.uniform(.2, .95), tokens = static_cast<double>(random.uniform_int(std::uint64_t{20}));
    out.push_back({fast, fast + (1 - fast) * random.uniform01(), tokens,
                   tokens + static_cast<double>(random.uniform_int(std::uint64_t{30}))});
  }
  return out;
}

TEST(Effort, SpendsABudgetAsBruteForceWould) {
  RandomStream random(1);
  for (int round = 0; round < 60; ++round) {
    const std::size_t n = 1 + random.uniform_int(std::uint64_t{10});
    const auto steps = draw(n, random);
    const double least = outcome_of(steps, Efforts(n, kFast)).tokens,
                 most = outcome_of(steps, Efforts(n, kSlow)).tokens;
    const double budget = random.uniform(least, most + 1);
    const auto got = assign_budget(steps, budget);
    ASSERT_TRUE(got) << got.error().message;
    double best = 0;
    for (std::size_t mask = 0; mask < std::size_t{1} << n; ++mask) {
      Efforts effort;
      for (std::size_t i = 0; i < n; ++i) effort.push_back((mask >> i & 1) != 0 ? kSlow : kFast);
      const auto outcome = outcome_of(steps, effort);
      if (outcome.tokens <= budget) best = std::max(best, outcome.success);
    }
    EXPECT_LE(outcome_of(steps, *got).tokens, budget);
    EXPECT_NEAR(outcome_of(steps, *got).success, best, 1e-9);
  }
}

TEST(Effort, IsAThresholdWhereCostsAreEqualAndGainsRise) {
  std::vector<EffortModel> steps;
  std::vector<double> d;
  for (int i = 0; i < 9; ++i) {
    d.push_back(.1 * i);
    steps.push_back({.95 - .08 * i, .95, 100, 400});
  }
  for (double budget = 900; budget <= 3600; budget += 150) {
    const auto effort = *assign_budget(steps, budget);
    EXPECT_TRUE(std::ranges::is_sorted(effort)) << budget;
    const auto tau = *tau_for_budget(d, steps, budget, false);
    ASSERT_TRUE(tau);
    EXPECT_LE(outcome_of(steps, *assign_threshold(d, *tau, false)).success, outcome_of(steps, effort).success + 1e-12);
  }
  EXPECT_EQ(*assign_budget(steps, 900), Efforts(9, kFast));
}

TEST(Effort, RefusesWhatCannotBe) {
  EXPECT_FALSE(assign_threshold({}, .5));
  EXPECT_FALSE(assign_threshold(std::vector{1.5}, .5));
  EXPECT_FALSE(assign_threshold(std::vector{std::numeric_limits<double>::quiet_NaN()}, .5));
  EXPECT_FALSE(assign_threshold(std::vector{.5}, 2));
  EXPECT_FALSE(assign_budget({}, 10));
  EXPECT_FALSE(assign_budget(std::vector<EffortModel>{{.5, .9, 10, 5}}, 10));
  EXPECT_FALSE(assign_budget(std::vector<EffortModel>{{0, .9, 1, 5}}, 10));
  const auto broke = assign_budget(std::vector<EffortModel>{{.5, .9, 100, 200}}, 99);
  EXPECT_EQ(broke.error().code, ErrorCode::kInfeasible);
  EXPECT_NE(broke.error().message.find("all fast costs 100"), std::string::npos);
}

}  // namespace
}  // namespace bursar::plan
