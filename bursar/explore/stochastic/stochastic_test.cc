#include <cmath>
#include <gtest/gtest.h>

#include "bursar/explore/bayesian/thompson.h"
#include "bursar/explore/policies.h"
#include "bursar/explore/stochastic/epsilon_greedy.h"
#include "bursar/explore/stochastic/explore_first.h"
#include "bursar/explore/stochastic/successive_elimination.h"
#include "bursar/explore/worlds.h"

namespace bursar::explore {
namespace {

double regret(std::string_view name, const std::vector<double>& means, std::uint64_t rounds, std::uint64_t seeds) {
  double sum = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    auto policy = make_bandit(name, {{"arms", means.size()}, {"seed", seed}}, rounds).value();
    sum += simulate(*policy, bernoulli_world(means), rounds, RandomStream(seed))->regret;
  }
  return sum / static_cast<double>(seeds);
}

TEST(StochasticBandits, StandInTheSheetsOrder) {
  const std::vector<double> means{.9, .8, .7, .5, .3};
  const double thompson = regret("thompson", means, 4000, 6), ucb = regret("ucb1", means, 4000, 6),
               first = regret("explore-first", means, 4000, 6), greedy = regret("epsilon-greedy", means, 4000, 6);
  EXPECT_LT(thompson, ucb);
  EXPECT_LT(ucb, first);
  EXPECT_LT(first, greedy);
}

TEST(ExploreFirst, ExploresAsLongAsTheTheoremSays) {
  auto learner = ExploreFirst::make({.arms = 4, .horizon = 1000}).value();
  EXPECT_EQ(learner->each(), std::ceil(std::pow(250, 2.0 / 3) * std::cbrt(std::log(1000))));
  RandomStream random(1);
  for (std::uint64_t t = 0; t < 4 * learner->each(); ++t) {
    const auto pick = learner->pick({}, random).value();
    EXPECT_EQ(*pick.arm, t % 4);
    EXPECT_FALSE(learner->committed());
    EXPECT_TRUE(learner->update(pick, {.reward = *pick.arm == 2 ? .6 : .5}, random));
  }
  EXPECT_EQ(learner->pick({}, random)->arm, 2);
  EXPECT_EQ(learner->committed(), 2);
}

TEST(EpsilonGreedy, SaysTheProbabilityOfEachPick) {
  auto learner = EpsilonGreedy::make({.arms = 4, .epsilon = .2}).value();
  RandomStream random(1);
  std::vector<double> count(4);
  for (int t = 0; t < 4000; ++t) {
    const auto pick = learner->pick({}, random).value();
    ++count[*pick.arm];
    if (t >= 4) {
      EXPECT_NEAR(pick.propensity, *pick.arm == 3 ? .85 : .05, 1e-12);
    }
    EXPECT_TRUE(learner->update(pick, {.reward = *pick.arm == 3 ? 1.0 : 0.0}, random));
  }
  EXPECT_NEAR(count[3] / 4000, .85, .03);
  EXPECT_NEAR(exploration_rate(1000, 4), std::cbrt(4 * std::log(1000) / 1000), 1e-15);
}

TEST(SuccessiveElimination, NeverDropsTheBestAndDropsTheWorst) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    auto learner = SuccessiveElimination::make({.arms = 3, .horizon = 5000}).value();
    RandomStream random(seed);
    for (int t = 0; t < 5000; ++t) {
      const auto pick = learner->pick({}, random).value();
      const double mean = *pick.arm == 1 ? .8 : *pick.arm == 0 ? .2 : .78;
      ASSERT_TRUE(learner->update(pick, {.reward = random.bernoulli(mean) ? 1.0 : 0.0}, random));
    }
    EXPECT_EQ(learner->active()[0], 1);
  }
}

// P(theta_1 > theta_2) of Beta(a, b) and Beta(c, d), by the midpoint rule.
double exceeds(int a, int b, int c, int d) {
  constexpr int kSteps = 20'000;
  double sum = 0, below = 0;
  const double first = std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b);
  const double second = std::lgamma(c + d) - std::lgamma(c) - std::lgamma(d);
  for (int i = 0; i < kSteps; ++i) {
    const double x = (i + .5) / kSteps;
    const double p = std::exp(first + (a - 1) * std::log(x) + (b - 1) * std::log1p(-x)) / kSteps;
    const double q = std::exp(second + (c - 1) * std::log(x) + (d - 1) * std::log1p(-x)) / kSteps;
    sum += p * (below + q / 2);
    below += q;
  }
  return sum;
}

TEST(ThompsonBeta, PicksAnArmAsOftenAsItIsProbablyTheBest) {
  auto learner = ThompsonBeta::make({.arms = 2}).value();
  RandomStream random(5);
  const auto teach = [&](Arm arm, double reward, int times) {
    for (int i = 0; i < times; ++i) ASSERT_TRUE(learner->update({.arm = arm}, {.reward = reward}, random));
  };
  teach(0, 1, 6), teach(0, 0, 4), teach(1, 1, 3), teach(1, 0, 3);
  const double exact = exceeds(7, 5, 4, 4);
  int first = 0;
  for (int i = 0; i < 20'000; ++i) first += *learner->pick({}, random)->arm == 0;
  EXPECT_NEAR(first / 20'000.0, exact, 4 * std::sqrt(exact * (1 - exact) / 20'000));
  EXPECT_NEAR(learner->beliefs()[0].mean, 7.0 / 12, 1e-12);
}

TEST(ThompsonGaussian, WeighsPriorAndRewardsByTheirPrecision) {
  auto learner = ThompsonGaussian::make({.arms = 1, .mean = .5, .deviation = .5, .noise = .25}).value();
  RandomStream random(5);
  for (const double r : {.9, .7, .8}) ASSERT_TRUE(learner->update({.arm = 0}, {.reward = r}, random));
  EXPECT_NEAR(learner->beliefs()[0].mean, (4 * .5 + 16 * 2.4) / (4 + 48), 1e-12);
  EXPECT_EQ(learner->beliefs()[0].pulls, 3);
}

TEST(ThompsonFinite, KeepsTheExactPosteriorOfItsProblems) {
  auto learner = ThompsonFinite::make({.arms = 2, .problems = {.8, .5, .3, .5}, .weights = {1, 3}}).value();
  RandomStream random(5);
  for (const double r : {1.0, 1.0, 0.0}) ASSERT_TRUE(learner->update({.arm = 0}, {.reward = r}, random));
  const double first = 1 * .8 * .8 * .2, second = 3 * .3 * .3 * .7;
  EXPECT_NEAR(learner->posterior()[0], first / (first + second), 1e-12);
  const auto pick = learner->pick({}, random).value();
  EXPECT_NEAR(pick.propensity, *pick.arm == 0 ? first / (first + second) : second / (first + second), 1e-12);
  EXPECT_FALSE(ThompsonFinite::make({.arms = 2, .problems = {.1, .2, .3}}));
}

TEST(StochasticBandits, KeepTheRegretThatTheyBound) {
  const std::vector<double> means{.5, .55, .6};
  const double rounds = 2000;
  const auto first = ExploreFirst::make({.arms = 3, .horizon = 2000}).value();
  const auto elimination = SuccessiveElimination::make({.arms = 3, .horizon = 2000}).value();
  EXPECT_LT(regret("explore-first", means, 2000, 8), first->regret_bound(rounds).value());
  EXPECT_LT(regret("successive-elimination", means, 2000, 8), elimination->regret_bound(rounds).value());
  EXPECT_FALSE(SuccessiveElimination::make({.arms = 3, .horizon = 2000, .conf = .5}).value()->regret_bound(rounds));
}

}  // namespace
}  // namespace bursar::explore
