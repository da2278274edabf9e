#include "bursar/allocate/many_resources.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>

#include "bursar/allocate/linear_program.h"
#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

struct Instance {
  std::vector<double> value, cost, budget;
  std::size_t resources = 1, width = 3;
  [[nodiscard]] ResourceTable table() const {
    return {.value = value, .cost = cost, .resources = resources, .width = width};
  }
};

Instance random_instance(RandomStream& random, std::size_t items, std::size_t resources, bool whole) {
  Instance p{.resources = resources};
  const std::size_t options = items * p.width;
  for (std::size_t o = 0; o < options; ++o)
    p.value.push_back(whole ? static_cast<double>(random.uniform_int(0, 9)) : random.uniform01());
  for (std::size_t r = 0; r < resources; ++r) {
    double total = 0;
    for (std::size_t o = 0; o < options; ++o) {
      p.cost.push_back(whole ? static_cast<double>(random.uniform_int(0, 9)) : random.uniform01());
      total += p.cost.back();
    }
    const double share = total / static_cast<double>(p.width) * random.uniform(.5, 1.1);
    p.budget.push_back(whole ? std::floor(share) : share);
  }
  return p;
}

std::optional<double> brute_force(const Instance& p, std::size_t item, std::vector<double> left) {
  if (item * p.width == p.value.size()) {
    for (const double b : left) {
      if (b < -1e-9) return std::nullopt;
    }
    return 0.0;
  }
  std::optional<double> best;
  for (std::size_t k = 0; k < p.width; ++k) {
    auto rest = left;
    for (std::size_t r = 0; r < p.resources; ++r) rest[r] -= p.cost[r * p.value.size() + item * p.width + k];
    const auto value = brute_force(p, item + 1, rest);
    if (value && (!best || *value + p.value[item * p.width + k] > *best)) best = *value + p.value[item * p.width + k];
  }
  return best;
}

TEST(ManyResources, EqualsBruteForceOnThousandsOfSmallInstances) {
  RandomStream random(1);
  int feasible = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    const Instance p = random_instance(random, 1 + random.uniform_int(std::uint64_t{6}),
                                       1 + random.uniform_int(std::uint64_t{3}), trial % 2 == 0);
    const auto best = brute_force(p, 0, p.budget);
    const auto r = many_resources(p.table(), p.budget, {.relative_gap = 0});
    ASSERT_EQ(r.has_value(), best.has_value()) << trial << (r ? "" : r.error().message);
    if (!best) {
      EXPECT_EQ(r.error().code, ErrorCode::kInfeasible);
      continue;
    }
    ++feasible;
    ASSERT_NEAR(r->value, *best, 1e-9) << trial;
    EXPECT_GE(r->bound, *best - 1e-9);
    EXPECT_EQ(r->stop, StopReason::kOptimal);
    for (std::size_t k = 0; k < p.resources; ++k) EXPECT_LE(r->cost[k], p.budget[k] * (1 + 1e-9));
  }
  EXPECT_GT(feasible, 1000);
}

TEST(ManyResources, CuttingPlanesReachTheLinearProgramsBound) {
  RandomStream random(2);
  for (int trial = 0; trial < 10; ++trial) {
    const Instance p = random_instance(random, 300, 1 + static_cast<std::size_t>(trial % 5), false);
    const auto lp = many_resources(p.table(), p.budget, {.max_search_items = 0});
    const auto cuts =
        many_resources(p.table(), p.budget, {.max_lp_entries = 0, .max_probes = 300, .max_search_items = 0});
    ASSERT_EQ(lp.has_value(), cuts.has_value());
    if (!lp) continue;
    EXPECT_NEAR(cuts->bound / lp->bound, 1, 1e-6) << trial;
    EXPECT_GE(cuts->bound, lp->bound * (1 - 1e-9));
    EXPECT_LE(relative_gap(lp->value, lp->bound), 0.03) << trial;
    // Weak duality at any prices, and strong duality at those of the LP.
    EXPECT_NEAR(dual_value(p.table(), p.budget, lp->price), lp->bound, 1e-8 * lp->bound);
    for (int k = 0; k < 20; ++k) {
      std::vector<double> prices;
      for (std::size_t r = 0; r < p.resources; ++r) prices.push_back(random.exponential());
      EXPECT_GE(dual_value(p.table(), p.budget, prices), lp->bound * (1 - 1e-9));
    }
  }
}

TEST(ManyResources, AgreesWithMultipleChoiceOnOneResource) {
  RandomStream random(3);
  for (int trial = 0; trial < 100; ++trial) {
    const Instance p = random_instance(random, 40, 1, true);
    const auto a = many_resources(p.table(), p.budget, {.relative_gap = 0});
    const auto b = multiple_choice(p.table().of(0), p.budget[0], {.relative_gap = 0});
    ASSERT_EQ(a.has_value(), b.has_value());
    if (!a) continue;
    EXPECT_LE(a->value, b->value);
    EXPECT_GE(a->bound, b->value);
    if (a->stop == StopReason::kOptimal) {
      EXPECT_EQ(a->value, b->value);
    }
  }
}

TEST(ManyResources, RoundsTheBoundOfWholeValuesDownToOneThatCanOccur) {
  RandomStream random(7);
  for (int trial = 0; trial < 50; ++trial) {
    Instance p = random_instance(random, 40, 3, true);
    for (double& v : p.value) v = 4 * v + 1;  // any answer is worth 40 more than a multiple of 4
    const auto loose = many_resources(p.table(), p.budget, {.relative_gap = 1, .max_search_items = 0});
    if (!loose) continue;
    const auto best = many_resources(p.table(), p.budget, {.relative_gap = 0});
    ASSERT_TRUE(best);
    EXPECT_EQ(std::fmod(loose->bound, 4), 0);
    EXPECT_GE(loose->bound, best->value);
    EXPECT_GE(loose->bound, dual_value(p.table(), p.budget, loose->price) - 4 - 1e-6);
  }
}

TEST(ManyResources, HandlesTwentyThousandItemsAndFourResources) {
  RandomStream random(4);
  Instance p = random_instance(random, 20'000, 4, false);
  for (std::size_t r = 0; r < 4; ++r) p.budget[r] = 20'000 * .42;
  const auto r = many_resources(p.table(), p.budget, {.max_lp_entries = 0});
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_LE(relative_gap(r->value, r->bound), 1e-3);
  for (std::size_t k = 0; k < 4; ++k) EXPECT_LE(r->cost[k], p.budget[k] * (1 + 1e-12));
}

TEST(ManyResources, SaysWhichResourceIsShortAndRefusesBadNumbersByName) {
  const Instance p{.value = {1, 2, 3}, .cost = {1, 2, 3, 7, 8, 9}, .budget = {5, 6}, .resources = 2};
  const auto r = many_resources(p.table(), p.budget);
  EXPECT_EQ(r.error().code, ErrorCode::kInfeasible);
  EXPECT_THAT(r.error().message, testing::HasSubstr("resource 1: "));
  EXPECT_THAT(r.error().message, testing::HasSubstr("1 short"));
  Instance bad = p;
  bad.cost[4] = std::nan("");
  EXPECT_THAT(many_resources(bad.table(), p.budget).error().message,
              testing::HasSubstr("resource 1: item 0, option 1: cost is nan"));
  EXPECT_EQ(many_resources(p.table(), std::vector{1.0}).error().code, ErrorCode::kInvalidArgument);
  // Either budget alone can be met: option 0 needs the first, option 1 the second.
  const Instance apart{.value = {1, 2}, .cost = {0, 9, 9, 0}, .budget = {4, 4}, .resources = 2, .width = 2};
  EXPECT_EQ(many_resources(apart.table(), apart.budget).error().code, ErrorCode::kInfeasible);
}

TEST(LinearProgram, SolvesTheExampleOfItsHeader) {
  const LinearProgram lp{
      .objective = {3, 2}, .upper = {1, 1}, .start = {0, 1, 2}, .row = {0, 0}, .element = {2, 1}, .row_upper = {2}};
  const auto r = maximise(lp);
  ASSERT_TRUE(r);
  EXPECT_NEAR(r->objective, 3.5, 1e-9);
  EXPECT_NEAR(r->x[0], .5, 1e-9);
  EXPECT_NEAR(r->price[0], 1.5, 1e-9);
}

TEST(LinearProgram, TellsInfeasibleFromUnbounded) {
  const LinearProgram none{
      .objective = {1}, .upper = {1}, .start = {0, 1}, .row = {0}, .element = {1}, .row_lower = {2}, .row_upper = {3}};
  EXPECT_EQ(maximise(none).error().code, ErrorCode::kInfeasible);
  const LinearProgram endless{
      .objective = {1}, .upper = {INFINITY}, .start = {0, 1}, .row = {0}, .element = {-1}, .row_upper = {0}};
  EXPECT_EQ(maximise(endless).error().code, ErrorCode::kExhausted);
}

}  // namespace
}  // namespace bursar::allocate
