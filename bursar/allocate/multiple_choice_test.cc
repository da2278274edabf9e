#include "bursar/allocate/multiple_choice.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>
#include <optional>
#include <rapidcheck/gtest.h>

#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

using testing::HasSubstr;

struct Instance {
  std::vector<double> value, cost;
  std::vector<std::uint64_t> first{0};
  std::vector<std::uint8_t> forbidden;
  double budget = 0;

  [[nodiscard]] ChoiceTable table() const {
    return {.value = value, .cost = cost, .first = first, .forbidden = forbidden};
  }
};

// Items of 1 … 5 options; `kind` picks the numbers: small integers with many ties, reals, strong correlation, signs,
// and magnitudes that span sixteen decades.
Instance random_instance(RandomStream& random, int kind, std::size_t most_items) {
  Instance p;
  const std::size_t items = 1 + random.uniform_int(most_items);
  double least = 0, most = 0;
  for (std::size_t i = 0; i < items; ++i) {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (std::size_t k = 0, n = 1 + random.uniform_int(std::uint64_t{5}); k < n; ++k) {
      double v = static_cast<double>(random.uniform_int(std::uint64_t{6})),
             c = static_cast<double>(random.uniform_int(std::uint64_t{6}));
      if (kind == 1) v = random.uniform01(), c = random.uniform01();
      if (kind == 2) v = c + 2;
      if (kind == 3)
        v = static_cast<double>(random.uniform_int(-9, 9)), c = static_cast<double>(random.uniform_int(-9, 9));
      if (kind == 4) v = std::pow(10, random.uniform(-8, 8)), c = std::pow(10, random.uniform(-8, 8));
      if (kind == 5) v = c;
      p.value.push_back(v);
      p.cost.push_back(c);
      low = std::min(low, c);
      high = std::max(high, c);
    }
    p.first.push_back(p.value.size());
    least += low;
    most += high;
  }
  p.budget = least + (most - least) * random.uniform(-0.05, 1.1);
  if (kind != 1 && kind != 4) p.budget = std::round(p.budget);
  return p;
}

// Best value over every choice within the budget (or exactly on it); nullopt where there is none.
std::optional<double> brute_force(const Instance& p, bool exactly, std::size_t item = 0, double cost = 0) {
  if (item + 1 == p.first.size()) {
    const bool fits = exactly ? cost == p.budget : cost <= with_tolerance(p.budget);
    return fits ? std::optional(0.0) : std::nullopt;
  }
  std::optional<double> best;
  for (std::size_t o = p.first[item]; o < p.first[item + 1]; ++o) {
    if (!p.forbidden.empty() && p.forbidden[o] != 0) continue;
    const auto rest = brute_force(p, exactly, item + 1, cost + p.cost[o]);
    if (rest && (!best || *rest + p.value[o] > *best)) best = *rest + p.value[o];
  }
  return best;
}

void expect_consistent(const Instance& p, const ChoiceResult& r) {
  double value = 0, cost = 0;
  for (std::size_t i = 0; i < r.choice.size(); ++i) {
    ASSERT_LT(r.choice[i], p.first[i + 1] - p.first[i]);
    const std::size_t o = p.first[i] + r.choice[i];
    EXPECT_TRUE(p.table().allowed(o));
    value += p.value[o];
    cost += p.cost[o];
  }
  const double scale = 1e-12 * std::max(1.0, std::abs(value));
  EXPECT_NEAR(value, r.value, scale);
  EXPECT_NEAR(cost, r.cost, 1e-12 * std::max(1.0, std::abs(cost)));
  EXPECT_LE(r.cost, with_tolerance(p.budget) + 1e-12 * std::abs(p.budget));
  EXPECT_GE(r.bound, r.value);
  EXPECT_GE(r.price, 0);
}

TEST(MultipleChoice, CoreEqualsBruteForceOnThousandsOfSmallInstances) {
  RandomStream random(1);
  for (int trial = 0; trial < 6000; ++trial) {
    const Instance p = random_instance(random, trial % 6, 6);
    const auto best = brute_force(p, false);
    const auto r = multiple_choice(p.table(), p.budget, {.method = ChoiceMethod::kCore, .relative_gap = 0});
    if (!best) {
      ASSERT_FALSE(r);
      EXPECT_EQ(r.error().code, ErrorCode::kInfeasible);
      continue;
    }
    ASSERT_TRUE(r) << trial << ": " << r.error().message;
    ASSERT_NEAR(r->value, *best, 1e-12 * std::max(1.0, std::abs(*best))) << "trial " << trial;
    EXPECT_EQ(r->stop, StopReason::kOptimal);
    EXPECT_NEAR(r->bound, *best, 1e-11 * std::max(1.0, std::abs(*best)));
    expect_consistent(p, *r);
  }
}

TEST(MultipleChoice, LagrangianStaysWithinOneStepAndItsBoundHolds) {
  RandomStream random(2);
  for (int trial = 0; trial < 3000; ++trial) {
    const Instance p = random_instance(random, trial % 6, 6);
    const auto best = brute_force(p, false);
    if (!best) continue;
    const auto r = multiple_choice(p.table(), p.budget, {.method = ChoiceMethod::kLagrangian});
    ASSERT_TRUE(r) << r.error().message;
    const double slack = 1e-11 * std::max(1.0, std::abs(*best));
    EXPECT_LE(r->value, *best + slack);
    EXPECT_GE(r->bound, *best - slack);
    expect_consistent(p, *r);
  }
}

TEST(MultipleChoice, ProgramEqualsBruteForceAtMostAndExactly) {
  RandomStream random(3);
  int reached = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    const Instance p = random_instance(random, std::array{0, 2, 3, 5}[trial % 4], 6);
    for (const bool exactly : {false, true}) {
      const auto best = brute_force(p, exactly);
      const auto r = multiple_choice(
          p.table(), p.budget,
          {.method = ChoiceMethod::kDynamicProgram, .sense = exactly ? ChoiceSense::kExactly : ChoiceSense::kAtMost});
      ASSERT_EQ(r.has_value(), best.has_value()) << trial << (r ? "" : r.error().message);
      if (!best) continue;
      ++reached;
      ASSERT_EQ(r->value, *best);
      expect_consistent(p, *r);
      if (exactly) {
        EXPECT_EQ(r->cost, p.budget);
      }
    }
  }
  EXPECT_GT(reached, 2000);
}

TEST(MultipleChoice, TakesTheLargestReachableTotalWhereTheExactOneIsNot) {
  const Instance p{.value = {0, 5, 0, 1}, .cost = {0, 4, 0, 6}, .first = {0, 2, 4}, .budget = 9};
  EXPECT_THAT(multiple_choice(p.table(), 9, {.sense = ChoiceSense::kExactly}).error().message,
              HasSubstr("largest total below it is 6"));
  const auto r = multiple_choice(p.table(), 9, {.sense = ChoiceSense::kLargestReachable});
  ASSERT_TRUE(r);
  EXPECT_EQ(r->cost, 6);
  EXPECT_EQ(r->value, 1);
}

TEST(MultipleChoice, NeverTakesForbiddenOptions) {
  RandomStream random(4);
  for (int trial = 0; trial < 2000; ++trial) {
    Instance p = random_instance(random, trial % 4, 5);
    for (std::size_t o = 0; o < p.value.size(); ++o) p.forbidden.push_back(random.bernoulli(.3) ? 1 : 0);
    const auto best = brute_force(p, false);
    for (const auto method : {ChoiceMethod::kCore, ChoiceMethod::kAutomatic}) {
      const auto r = multiple_choice(p.table(), p.budget, {.method = method, .relative_gap = 0});
      ASSERT_EQ(r.has_value(), best.has_value());
      if (!best) continue;
      ASSERT_NEAR(r->value, *best, 1e-11 * std::max(1.0, std::abs(*best)));
      expect_consistent(p, *r);
    }
  }
}

// Large enough for the sampled interval, the passes and the settled items to matter.
Instance large_instance(RandomStream& random, std::size_t items, std::size_t width, int kind) {
  Instance p;
  double total = 0;
  for (std::size_t i = 0; i < items; ++i) {
    const double size = kind == 3 ? std::pow(10, random.uniform(-6, 6)) : 1.0;
    for (std::size_t k = 0; k < width; ++k) {
      const double c = kind == 0 ? random.uniform01() : std::floor(random.uniform(1, 1000));
      double v = kind == 0 ? random.uniform01() : std::floor(random.uniform(1, 1000));
      if (kind == 2) v = c;
      p.cost.push_back(c * size);
      p.value.push_back(v * size);
      total += c * size;
    }
    p.first.push_back(p.value.size());
  }
  p.budget = std::floor(total / static_cast<double>(width) * 0.5);
  return p;
}

TEST(MultipleChoice, SampledPassesGiveTheSameBoundAsSolvingEveryItem) {
  RandomStream random(5);
  for (int kind = 0; kind < 4; ++kind) {
    const Instance p = large_instance(random, 40'000, 6, kind);
    const auto r = multiple_choice(p.table(), p.budget, {.method = ChoiceMethod::kLagrangian});
    ASSERT_TRUE(r) << r.error().message;
    expect_consistent(p, *r);
    // The dual function at the price is a bound by weak duality; it must agree with the one reported.
    double dual = r->price * p.budget;
    for (std::size_t i = 0; i + 1 < p.first.size(); ++i) {
      double best = -std::numeric_limits<double>::infinity();
      for (std::size_t o = p.first[i]; o < p.first[i + 1]; ++o)
        best = std::max(best, p.value[o] - r->price * p.cost[o]);
      dual += best;
    }
    EXPECT_NEAR(r->bound / dual, 1, 1e-11) << "kind " << kind;
    EXPECT_LE(relative_gap(r->value, r->bound), kind == 3 ? 1e-3 : 1e-6) << "kind " << kind;
    const auto core = multiple_choice(p.table(), p.budget, {.method = ChoiceMethod::kCore});
    ASSERT_TRUE(core);
    expect_consistent(p, *core);
    EXPECT_GE(core->value, r->value - 1e-12 * std::abs(r->value));
    EXPECT_LE(core->value, r->bound * (1 + 1e-12));
    EXPECT_LE(relative_gap(core->value, core->bound), kind == 3 ? 1e-6 : 1e-9) << "kind " << kind;
  }
}

TEST(MultipleChoice, ScalingValuesOrCostsChangesNothing) {
  RandomStream random(6);
  for (int trial = 0; trial < 500; ++trial) {
    Instance p = random_instance(random, trial % 4, 8);
    const auto before = multiple_choice(p.table(), p.budget, {.relative_gap = 0});
    for (double& v : p.value) v *= 1024;
    for (double& c : p.cost) c *= 0.125;
    p.budget *= 0.125;
    const auto after = multiple_choice(p.table(), p.budget, {.relative_gap = 0});
    ASSERT_EQ(before.has_value(), after.has_value());
    if (before) {
      EXPECT_NEAR(after->value, before->value * 1024, 1e-9 * std::max(1.0, std::abs(after->value)));
    }
  }
}

TEST(MultipleChoice, OrderOfItemsChangesNothing) {
  RandomStream random(7);
  for (int trial = 0; trial < 500; ++trial) {
    const Instance p = random_instance(random, trial % 4, 8);
    Instance q{.budget = p.budget};
    for (std::size_t i = p.first.size() - 1; i-- > 0;) {
      q.value.insert(q.value.end(), p.value.begin() + static_cast<long>(p.first[i]),
                     p.value.begin() + static_cast<long>(p.first[i + 1]));
      q.cost.insert(q.cost.end(), p.cost.begin() + static_cast<long>(p.first[i]),
                    p.cost.begin() + static_cast<long>(p.first[i + 1]));
      q.first.push_back(q.value.size());
    }
    const auto a = multiple_choice(p.table(), p.budget, {.relative_gap = 0});
    const auto b = multiple_choice(q.table(), q.budget, {.relative_gap = 0});
    ASSERT_EQ(a.has_value(), b.has_value());
    if (a) {
      EXPECT_NEAR(a->value, b->value, 1e-12 * std::max(1.0, std::abs(a->value)));
    }
  }
}

RC_GTEST_PROP(MultipleChoiceProperty, MoreBudgetIsNeverWorseAndConcaveInTheBound, ()) {
  RandomStream random(*rc::gen::arbitrary<std::uint64_t>());
  const Instance p = random_instance(random, 1, 12);
  double last = -std::numeric_limits<double>::infinity();
  for (double budget = p.budget; budget < p.budget + 3; budget += .5) {
    const auto r = multiple_choice(p.table(), budget, {.relative_gap = 0});
    if (!r) continue;
    RC_ASSERT(r->value >= last - 1e-12);
    last = r->value;
  }
}

TEST(MultipleChoice, AllocatesTheBitsOfAlphaqLikeAHeapOnConsecutiveWidths) {
  // systems/alphaq: widths 2, 3, 4; error s 4^-b; mean 3.5 bits. Every bit costs 1 and gains fall by a factor of 4.
  RandomStream random(8);
  Instance p;
  std::vector<double> gains;
  for (int i = 0; i < 200; ++i) {
    const double s = std::exp(random.normal());
    for (const double b : {2.0, 3.0, 4.0}) {
      p.value.push_back(-s * std::pow(4, -b));
      p.cost.push_back(b);
    }
    gains.push_back(s * (std::pow(4, -2) - std::pow(4, -3)));
    gains.push_back(s * (std::pow(4, -3) - std::pow(4, -4)));
    p.first.push_back(p.value.size());
  }
  std::ranges::sort(gains, std::greater{});
  double heap = 0;
  for (std::size_t i = 0; i < p.value.size(); i += 3) heap += p.value[i];
  for (int k = 0; k < 300; ++k) heap += gains[static_cast<std::size_t>(k)];
  for (const auto method : {ChoiceMethod::kCore, ChoiceMethod::kDynamicProgram, ChoiceMethod::kLagrangian}) {
    const auto r = multiple_choice(p.table(), 700, {.method = method});
    ASSERT_TRUE(r);
    EXPECT_NEAR(r->value, heap, 1e-12) << name_of(method);
  }
}

TEST(MultipleChoice, EndsAtItsLimitWithAValidBound) {
  // Strong correlation, even costs and an odd budget: nothing fills it, and the LP bound cannot tell.
  RandomStream random(9);
  Instance p;
  for (int i = 0; i < 200; ++i) {
    p.value.insert(p.value.end(), {0.0, 0.0});
    p.cost.insert(p.cost.end(), {0.0, std::pow(2, 20) * random.uniform01() * 16});
    p.value.back() = p.cost.back() + 1e5;
    p.first.push_back(p.value.size());
  }
  p.budget = 2e8;
  const auto r = multiple_choice(p.table(), p.budget, {.relative_gap = 0, .max_states = 2000});
  ASSERT_TRUE(r);
  EXPECT_EQ(r->stop, StopReason::kLimit);
  EXPECT_GT(r->bound, r->value);
  expect_consistent(p, *r);
  int asked = 0;
  const auto cut = multiple_choice(p.table(), p.budget, {.relative_gap = 0, .stop = [&] { return ++asked > 1; }});
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->stop, StopReason::kCancelled);
  expect_consistent(p, *cut);
}

TEST(MultipleChoice, SaysByHowMuchABudgetIsTooSmallAndWhoNeedsIt) {
  const Instance p{.value = {1, 1, 1, 1}, .cost = {2, 3, 50, 60}, .first = {0, 2, 4}};
  const auto r = multiple_choice(p.table(), 40);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, ErrorCode::kInfeasible);
  EXPECT_THAT(r.error().message, HasSubstr("12 short"));
  EXPECT_THAT(r.error().message, HasSubstr("item 1 (50)"));
}

TEST(MultipleChoice, RefusesWhatCannotBeMeantByName) {
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  for (const double bad : {nan, inf, -inf, 1e61}) {
    Instance p{.value = {1, 2, 3, 4}, .cost = {1, 2, 3, 4}, .first = {0, 2, 4}};
    p.value[3] = bad;
    for (const auto method : {ChoiceMethod::kCore, ChoiceMethod::kDynamicProgram}) {
      const auto r = multiple_choice(p.table(), 9, {.method = method});
      ASSERT_FALSE(r);
      EXPECT_EQ(r.error().code, ErrorCode::kInvalidArgument);
      EXPECT_THAT(r.error().message, HasSubstr("item 1, option 1: value"));
    }
    p.value[3] = 4;
    EXPECT_EQ(multiple_choice(p.table(), bad).error().code, ErrorCode::kInvalidArgument);
  }
  RandomStream random(10);
  Instance big = large_instance(random, 30'000, 6, 0);
  big.cost[100'001] = nan;
  EXPECT_THAT(multiple_choice(big.table(), big.budget).error().message, HasSubstr("item 16666, option 5: cost is nan"));
  const Instance empty{.value = {1}, .cost = {1}, .first = {0, 0, 1}};
  EXPECT_THAT(multiple_choice(empty.table(), 1).error().message, HasSubstr("item 0 has no options"));
  const Instance real{.value = {1}, .cost = {.5}, .first = {0, 1}};
  EXPECT_THAT(multiple_choice(real.table(), 1, {.sense = ChoiceSense::kExactly}).error().message,
              HasSubstr("item 0, option 0: cost is 0.5"));
}

TEST(MultipleChoice, HasAnAnswerForNoItems) {
  EXPECT_EQ(multiple_choice({}, 3)->value, 0);
  EXPECT_EQ(multiple_choice({}, -1).error().code, ErrorCode::kInfeasible);
}

}  // namespace
}  // namespace bursar::allocate
