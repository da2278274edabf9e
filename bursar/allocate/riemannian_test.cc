#include "bursar/allocate/riemannian.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/allocate/multiple_choice.h"
#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

struct Surface {
  std::vector<double> cost, logits;
  BudgetGroups groups;
  double budget = 0;
};

Surface random_surface(RandomStream& random, std::size_t n, std::size_t k) {
  Surface s;
  for (std::size_t i = 0; i < n; ++i) {
    const double weight = static_cast<double>(random.uniform_int(1, 5));
    for (std::size_t o = 0; o < k; ++o) {
      s.cost.push_back(weight * static_cast<double>(2 + o));
      s.logits.push_back(random.normal());
      s.budget += s.cost.back() / static_cast<double>(k);
    }
  }
  s.budget = std::floor(s.budget * .9);
  s.groups = {n, k, {}};
  return s;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t j = 0; j < a.size(); ++j) sum += a[j] * b[j];
  return sum;
}

TEST(BudgetManifold, NormalIsTheGradientOfTheCost) {
  RandomStream random(1);
  Surface s = random_surface(random, 5, 4);
  s.groups.cost = s.cost;
  const auto m = BudgetManifold::make(s.groups, s.budget);
  ASSERT_TRUE(m);
  std::vector<double> n(s.logits.size());
  m->normal(s.logits, n);
  for (std::size_t j = 0; j < n.size(); ++j) {
    auto up = s.logits, down = s.logits;
    up[j] += 1e-5, down[j] -= 1e-5;
    EXPECT_NEAR(n[j], (m->cost(up) - m->cost(down)) / 2e-5, 1e-8);
  }
  auto up = s.logits, down = s.logits;
  for (std::size_t j = 0; j < n.size(); ++j) up[j] += 1e-6 * s.cost[j], down[j] -= 1e-6 * s.cost[j];
  EXPECT_NEAR(m->cost_slope(s.logits), (m->cost(up) - m->cost(down)) / 2e-6, 1e-6);
}

TEST(BudgetManifold, ProjectionIsTangentAndRetractionLandsOnTheBudgetOnce) {
  RandomStream random(2);
  for (int trial = 0; trial < 200; ++trial) {
    Surface s = random_surface(random, 12, 7);
    s.groups.cost = s.cost;
    double least = 0, most = 0;
    for (std::size_t i = 0; i < 12; ++i) least += s.cost[i * 7], most += s.cost[i * 7 + 6];
    const double budget = least + (most - least) * random.uniform(.002, .998);
    const auto m = BudgetManifold::make(s.groups, budget);
    ASSERT_TRUE(m);
    std::vector<double> g(s.logits.size()), n(s.logits.size());
    for (double& x : g) x = random.normal();
    ASSERT_TRUE(m->project(s.logits, g));
    m->normal(s.logits, n);
    EXPECT_NEAR(dot(g, n), 0, 1e-10 * std::sqrt(dot(g, g) * dot(n, n)) + 1e-13);
    const int evaluations = m->retract(s.logits);
    EXPECT_NEAR(m->cost(s.logits), budget, 1e-10 * budget);
    EXPECT_LE(evaluations, 60);
    const auto once = s.logits;
    m->retract(s.logits);
    for (std::size_t j = 0; j < once.size(); ++j) EXPECT_NEAR(once[j], s.logits[j], 1e-8);
  }
}

TEST(BudgetManifold, CostRisesAlongTheRetractionFromTheLeastToTheMost) {
  RandomStream random(7);
  Surface s = random_surface(random, 9, 5);
  s.groups.cost = s.cost;
  const auto m = BudgetManifold::make(s.groups, s.budget);
  ASSERT_TRUE(m);
  double least = 0, most = 0;
  for (std::size_t i = 0; i < 9; ++i) {
    const auto [low, high] = std::ranges::minmax(std::span(s.cost).subspan(i * 5, 5));
    least += low, most += high;
  }
  const auto at = [&](double t) {
    auto moved = s.logits;
    for (std::size_t j = 0; j < moved.size(); ++j) moved[j] += t * s.cost[j];
    return m->cost(moved);
  };
  double before = at(-200);
  EXPECT_NEAR(before, least, 1e-9 * most);
  for (double t = -3; t <= 3; t += .25) {
    EXPECT_GE(at(t), before);
    before = at(t);
  }
  EXPECT_NEAR(at(200), most, 1e-9 * most);
}

TEST(BudgetManifold, FollowsAPermutationOfItsGroups) {
  RandomStream random(8);
  Surface s = random_surface(random, 6, 4);
  s.groups.cost = s.cost;
  std::vector<double> cost, logits;  // the groups in the other order
  for (std::size_t i = 6; i-- > 0;) {
    for (std::size_t k = 0; k < 4; ++k) cost.push_back(s.cost[i * 4 + k]), logits.push_back(s.logits[i * 4 + k]);
  }
  const auto a = BudgetManifold::make(s.groups, s.budget), b = BudgetManifold::make({6, 4, cost}, s.budget);
  ASSERT_TRUE(a && b);
  a->retract(s.logits), b->retract(logits);
  for (std::size_t i = 0; i < 6; ++i) {
    for (std::size_t k = 0; k < 4; ++k) EXPECT_NEAR(logits[(5 - i) * 4 + k], s.logits[i * 4 + k], 1e-9);
  }
}

TEST(BudgetManifold, RefusesABudgetThatNoMixtureHas) {
  const std::vector<double> cost{1, 2, 3, 4};
  const BudgetGroups groups{2, 2, cost};
  EXPECT_FALSE(BudgetManifold::make(groups, 4));
  EXPECT_FALSE(BudgetManifold::make(groups, 6));
  EXPECT_EQ(BudgetManifold::make(groups, 6.5).error().code, ErrorCode::kInfeasible);
}

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
    Surface s = random_surface(random, 30, 5);
    std::vector<double> value;
    for (std::size_t i = 0; i < 30; ++i) {
      std::vector<double> row;
      for (int k = 0; k < 5; ++k) row.push_back(random.uniform01() * 2);
      std::ranges::sort(row);
      value.insert(value.end(), row.begin(), row.end());
    }
    const auto best = multiple_choice({.value = value, .cost = s.cost, .width = 5}, s.budget,
                                      {.sense = ChoiceSense::kLargestReachable});
    ASSERT_TRUE(best);
    const auto r =
        riemannian_search({30, 5, s.cost}, s.budget, [&](std::span<const std::uint32_t> x, std::span<double> gradient) {
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
