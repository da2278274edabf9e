#include "bursar/allocate/grouped_choice.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <optional>

#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

struct Instance {
  std::vector<double> value, cost, caps;
  std::vector<std::uint32_t> group;
  std::size_t width = 3;
  double budget = 0;
  [[nodiscard]] ChoiceTable table() const { return {.value = value, .cost = cost, .width = width}; }
};

Instance random_instance(RandomStream& random, std::size_t items, std::size_t groups, bool whole) {
  Instance p;
  std::vector<double> total(groups);
  double all = 0;
  for (std::size_t i = 0; i < items; ++i) {
    p.group.push_back(static_cast<std::uint32_t>(random.uniform_int(std::uint64_t{groups})));
    for (std::size_t k = 0; k < p.width; ++k) {
      p.value.push_back(whole ? static_cast<double>(random.uniform_int(0, 9)) : random.uniform01());
      p.cost.push_back(whole ? static_cast<double>(random.uniform_int(0, 9)) : random.uniform01());
      total[p.group.back()] += p.cost.back() / 3;
      all += p.cost.back() / 3;
    }
  }
  for (const double t : total)
    p.caps.push_back(random.bernoulli(.3) ? std::numeric_limits<double>::infinity()
                     : whole              ? std::floor(t * random.uniform(.4, 1.2))
                                          : t * random.uniform(.4, 1.2));
  p.budget = whole ? std::floor(all * random.uniform(.4, 1.1)) : all * random.uniform(.4, 1.1);
  return p;
}

std::optional<double> brute_force(const Instance& p, std::size_t item, double left, std::vector<double> room) {
  if (left < -1e-9) return std::nullopt;
  if (item == p.group.size()) {
    for (const double r : room) {
      if (r < -1e-9) return std::nullopt;
    }
    return 0.0;
  }
  std::optional<double> best;
  for (std::size_t k = 0; k < p.width; ++k) {
    const std::size_t o = item * p.width + k;
    auto rest_room = room;
    rest_room[p.group[item]] -= p.cost[o];
    const auto rest = brute_force(p, item + 1, left - p.cost[o], rest_room);
    if (rest && (!best || *rest + p.value[o] > *best)) best = *rest + p.value[o];
  }
  return best;
}

TEST(GroupedChoice, EqualsBruteForceOnThousandsOfSmallInstances) {
  RandomStream random(1);
  int feasible = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    const Instance p = random_instance(random, 1 + random.uniform_int(std::uint64_t{6}),
                                       1 + random.uniform_int(std::uint64_t{3}), trial % 2 == 0);
    const auto best = brute_force(p, 0, p.budget, p.caps);
    const auto r = grouped_choice(p.table(), p.group, p.caps, p.budget, {.relative_gap = 0});
    ASSERT_EQ(r.has_value(), best.has_value()) << trial << (r ? "" : r.error().message);
    if (!best) continue;
    ++feasible;
    ASSERT_NEAR(r->value, *best, 1e-9) << trial;
    EXPECT_GE(r->bound, *best - 1e-9);
    const auto quick = grouped_choice(p.table(), p.group, p.caps, p.budget, {.max_exact_options = 0});
    EXPECT_LE(quick->value, *best + 1e-9);
    EXPECT_GE(quick->bound, *best - 1e-9);
    for (std::size_t g = 0; g < p.caps.size(); ++g) EXPECT_LE(quick->group_cost[g], p.caps[g] + 1e-9);
    EXPECT_LE(quick->cost, p.budget + 1e-9);
  }
  EXPECT_GT(feasible, 1000);
}

TEST(GroupedChoice, IsMultipleChoiceWhereNoCapBinds) {
  RandomStream random(2);
  Instance p = random_instance(random, 5000, 7, false);
  p.caps.assign(7, std::numeric_limits<double>::infinity());
  const auto grouped = grouped_choice(p.table(), p.group, p.caps, p.budget);
  const auto plain = multiple_choice(p.table(), p.budget);
  ASSERT_TRUE(grouped && plain);
  EXPECT_NEAR(grouped->bound / plain->bound, 1, 1e-6);
  EXPECT_NEAR(grouped->price, plain->price, 1e-9);
}

TEST(GroupedChoice, ItsBoundIsTheLagrangiansAtItsPrices) {
  RandomStream random(3);
  for (int trial = 0; trial < 50; ++trial) {
    const Instance p = random_instance(random, 2000, 6, false);
    const auto r = grouped_choice(p.table(), p.group, p.caps, p.budget);
    if (!r) continue;
    double dual = r->price * p.budget;
    for (std::size_t g = 0; g < p.caps.size(); ++g) {
      if (r->group_price[g] > 0) dual += r->group_price[g] * p.caps[g];
    }
    for (std::size_t i = 0; i < p.group.size(); ++i) {
      double best = -1e300;
      for (std::size_t k = 0; k < p.width; ++k)
        best = std::max(best, p.value[i * 3 + k] - (r->price + r->group_price[p.group[i]]) * p.cost[i * 3 + k]);
      dual += best;
    }
    EXPECT_NEAR(r->bound / dual, 1, 1e-9);
    EXPECT_LE(relative_gap(r->value, r->bound), 1e-3);
  }
}

TEST(GroupedChoice, SaysWhichGroupIsShort) {
  const Instance p{
      .value = {1, 1, 1, 1}, .cost = {1, 2, 5, 6}, .caps = {9, 3}, .group = {0, 1}, .width = 2, .budget = 20};
  const auto r = grouped_choice(p.table(), p.group, p.caps, p.budget);
  EXPECT_EQ(r.error().code, ErrorCode::kInfeasible);
  EXPECT_THAT(r.error().message, testing::AllOf(testing::HasSubstr("group 1"),
                                                testing::HasSubstr("2 short; most is needed by item 1 (5)")));
  EXPECT_EQ(grouped_choice(p.table(), std::vector<std::uint32_t>{0, 2}, p.caps, 20).error().code,
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace bursar::allocate
