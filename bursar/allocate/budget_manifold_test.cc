#include "bursar/allocate/budget_manifold.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <vector>

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

}  // namespace
}  // namespace bursar::allocate
