#include "bursar/allocate/riemannian.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/allocate/multiple_choice.h"
#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

// systems/rco B: L(x) = || sum_i a_i(x_i) u_i ||^2, a_i(k) = sqrt(s_i 4^-k), u_i random unit vectors.
struct Joint {
  std::size_t n, k, d;
  std::vector<double> a, u, cost;
  double budget = 0;

  Joint(RandomStream& random, std::size_t groups, std::size_t options)
      : n(groups), k(options), d(std::max<std::size_t>(4, groups / 2)) {
    double least = 0, most = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double s = std::exp(.7 * random.normal()), w = static_cast<double>(random.uniform_int(1, 4));
      for (std::size_t o = 0; o < k; ++o) {
        a.push_back(std::sqrt(s * std::pow(4, -static_cast<double>(o))));
        cost.push_back(w * static_cast<double>(2 + o));
      }
      double norm = 0;
      std::vector<double> v(d);
      for (double& x : v) x = random.normal(), norm += x * x;
      for (const double x : v) u.push_back(x / std::sqrt(norm));
      least += 2 * w;
      most += w * static_cast<double>(1 + k);
    }
    budget = std::floor(least + .45 * (most - least));
  }

  double operator()(std::span<const std::uint32_t> x, std::span<double> gradient) const {
    std::vector<double> sum(d);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t c = 0; c < d; ++c) sum[c] += a[i * k + x[i]] * u[i * d + c];
    }
    double loss = 0;
    for (const double c : sum) loss += c * c;
    if (!gradient.empty()) {
      for (std::size_t i = 0; i < n; ++i) {
        double along = 0;
        for (std::size_t c = 0; c < d; ++c) along += sum[c] * u[i * d + c];
        for (std::size_t o = 0; o < k; ++o) gradient[i * k + o] = 2 * along * a[i * k + o];
      }
    }
    return loss;
  }
};

double best_of_all(const Joint& p) {
  double best = 1e300;
  std::vector<std::uint32_t> x(p.n);
  std::size_t count = 1;
  for (std::size_t i = 0; i < p.n; ++i) count *= p.k;
  for (std::size_t code = 0; code < count; ++code) {
    double cost = 0;
    for (std::size_t i = 0, c = code; i < p.n; ++i, c /= p.k)
      x[i] = static_cast<std::uint32_t>(c % p.k), cost += p.cost[i * p.k + x[i]];
    if (cost <= p.budget) best = std::min(best, p(x, {}));
  }
  return best;
}

TEST(RiemannianSearch, ComesNearTheBestOfAllJointChoices) {
  RandomStream random(3);
  double ratio = 0, proxy_ratio = 0;
  const int trials = 12;
  for (int t = 0; t < trials; ++t) {
    const Joint p(random, 6, 4);
    const double best = best_of_all(p);
    const auto r =
        riemannian_search({p.n, p.k, p.cost}, p.budget, p, {.steps = 150, .seed = static_cast<std::uint64_t>(t)});
    ASSERT_TRUE(r) << r.error().message;
    EXPECT_LE(r->cost, p.budget);
    EXPECT_EQ(r->evaluations, 601);
    EXPECT_NEAR(r->loss, p(r->choice, {}), 1e-12);
    EXPECT_LE(r->loss, r->rounded_loss);
    for (const auto& step : r->trace) EXPECT_LE(step.off_budget, 1e-10 * p.budget);
    ratio += r->loss / best / trials;
    std::vector<double> separable;
    for (const double x : p.a) separable.push_back(-x * x);
    const auto knapsack = multiple_choice({.value = separable, .cost = p.cost, .width = p.k}, p.budget);
    proxy_ratio += p(knapsack->choice, {}) / best / trials;
  }
  EXPECT_LE(ratio, 1.6);
  EXPECT_LT(ratio, proxy_ratio * .5);
}

TEST(RiemannianSearch, FindsTheOptimumWhereValuesAddUp) {
  // systems/rco A: the decomposable case, whose optimum the program knows.
  RandomStream random(4);
  for (int t = 0; t < 3; ++t) {
    std::vector<double> value, costs;
    double budget = 0;
    for (std::size_t i = 0; i < 30; ++i) {
      std::vector<double> row;
      const auto weight = static_cast<double>(random.uniform_int(1, 5));
      for (int k = 0; k < 5; ++k) {
        row.push_back(random.uniform01() * 2);
        costs.push_back(weight * (2 + k));
        budget += .9 * costs.back() / 5;
      }
      std::ranges::sort(row);
      value.insert(value.end(), row.begin(), row.end());
    }
    budget = std::floor(budget);
    const auto best =
        multiple_choice({.value = value, .cost = costs, .width = 5}, budget, {.sense = ChoiceSense::kLargestReachable});
    ASSERT_TRUE(best);
    const auto r =
        riemannian_search({30, 5, costs}, budget, [&](std::span<const std::uint32_t> x, std::span<double> gradient) {
          double loss = 0;
          for (std::size_t i = 0; i < 30; ++i) loss -= value[i * 5 + x[i]];
          for (std::size_t j = 0; j < value.size(); ++j) gradient[j] = -value[j];
          return loss;
        });
    ASSERT_TRUE(r);
    EXPECT_GE(-r->loss, .98 * best->value);
    EXPECT_EQ(r->cost, best->cost);
  }
}

TEST(RiemannianSearch, WorksFromLossesAlone) {
  RandomStream random(5);
  const Joint p(random, 6, 3);
  const double best = best_of_all(p);
  const auto r =
      riemannian_search({p.n, p.k, p.cost}, p.budget,
                        [&](std::span<const std::uint32_t> x, std::span<double>) { return p(x, {}); }, {.samples = 8});
  ASSERT_TRUE(r);
  EXPECT_LE(r->loss, 1.5 * best);
}

TEST(RiemannianSearch, RepeatsItselfForASeedAndTakesTheOnlyChoiceAtAnEnd) {
  RandomStream random(6);
  const Joint p(random, 5, 3);
  const auto a = riemannian_search({p.n, p.k, p.cost}, p.budget, p, {.steps = 20, .seed = 9});
  const auto b = riemannian_search({p.n, p.k, p.cost}, p.budget, p, {.steps = 20, .seed = 9});
  EXPECT_EQ(a->logits, b->logits);
  const std::vector<double> cost{1, 2, 1, 2};
  const auto end = riemannian_search({2, 2, cost}, 2, [](auto, auto) { return 1.0; });
  ASSERT_TRUE(end);
  EXPECT_EQ(end->choice, (std::vector<std::uint32_t>{0, 0}));
  EXPECT_EQ(end->stop, StopReason::kOptimal);
  EXPECT_EQ(riemannian_search({2, 2, cost}, 1, [](auto, auto) { return 1.0; }).error().code, ErrorCode::kInfeasible);
}

TEST(RiemannianSearch, HoldsTheBudgetOfEveryBlock) {
  RandomStream random(9);
  for (int trial = 0; trial < 5; ++trial) {
    const Joint p(random, 6, 3);
    std::vector<BudgetBlock> blocks{{2, 0}, {3, 0}, {1, 0}};
    std::size_t at = 0;
    for (BudgetBlock& block : blocks) {
      double least = 0, most = 0;
      for (std::size_t i = 0; i < block.groups; ++i, ++at) least += p.cost[at * 3], most += p.cost[at * 3 + 2];
      block.budget = block.groups == 1 ? least : std::floor((least + most) / 2);  // the last has one choice only
    }
    const auto spent = [&](std::span<const std::uint32_t> x) {
      std::vector<double> cost(3);
      for (std::size_t i = 0; i < 6; ++i) cost[i < 2 ? 0 : i < 5 ? 1 : 2] += p.cost[i * 3 + x[i]];
      return cost;
    };
    std::vector<double> largest(3);  // reachable within each budget
    double best = 1e300;
    std::vector<std::uint32_t> x(6);
    for (const bool counting : {true, false}) {
      for (std::size_t code = 0; code < 729; ++code) {
        for (std::size_t i = 0, c = code; i < 6; ++i, c /= 3) x[i] = static_cast<std::uint32_t>(c % 3);
        const auto cost = spent(x);
        for (std::size_t b = 0; b < 3 && counting; ++b) {
          if (cost[b] <= blocks[b].budget) largest[b] = std::max(largest[b], cost[b]);
        }
        if (!counting && cost == largest) best = std::min(best, p(x, {}));
      }
    }
    const auto r = riemannian_search({6, 3, p.cost}, blocks, p, {.seed = 2});
    ASSERT_TRUE(r) << r.error().message;
    EXPECT_EQ(spent(r->choice), largest);
    EXPECT_EQ(spent(r->rounded), largest);
    for (const auto& step : r->trace) EXPECT_LE(step.off_budget, 1e-10 * p.budget);
    EXPECT_LE(r->loss, 1.2 * best);
  }
  const Joint p(random, 4, 3);
  const std::vector<BudgetBlock> few{{3, 50}}, poor{{2, 1000}, {2, 1}};
  EXPECT_THAT(riemannian_search({4, 3, p.cost}, few, p).error().message, testing::HasSubstr("3 groups of 4"));
  const auto error = riemannian_search({4, 3, p.cost}, poor, p).error();
  EXPECT_EQ(error.code, ErrorCode::kInfeasible);
  EXPECT_THAT(error.message, testing::HasSubstr("block 1: "));
}

TEST(RiemannianSearch, DropsLossesThatAreNotNumbersAndRefusesBadCosts) {
  const std::vector<double> cost{1, 2, 1, 2};
  int calls = 0;
  const auto r = riemannian_search({2, 2, cost}, 3, [&](auto, auto) { return ++calls % 2 == 0 ? std::nan("") : 1.0; },
                                   {.steps = 5});
  ASSERT_TRUE(r);
  EXPECT_EQ(r->dropped, calls / 2);
  EXPECT_EQ(riemannian_search({2, 2, cost}, 3, [](auto, auto) { return std::nan(""); }, {.steps = 2}).error().code,
            ErrorCode::kUnavailable);
  const std::vector<double> real{1, 2, 1, 2.5};
  EXPECT_THAT(riemannian_search({2, 2, real}, 3, [](auto, auto) { return 1.0; }).error().message,
              testing::HasSubstr("group 1, option 1: cost is 2.5"));
}

}  // namespace
}  // namespace bursar::allocate
