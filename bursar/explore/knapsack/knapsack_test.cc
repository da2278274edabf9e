#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <gtest/gtest.h>

#include "bursar/explore/knapsack/knapsack_bandit.h"
#include "bursar/explore/knapsack/knapsack_mix.h"
#include "bursar/explore/policies.h"
#include "bursar/explore/worlds.h"

namespace bursar::explore {
namespace {

// Basic solutions have at most two arms: every arm alone and every pair, with one or both constraints tight.
double brute_force(const MixProblem& p) {
  const double rho = p.allowance[0];
  double best = 0;
  for (std::size_t a = 0; a < p.reward.size(); ++a) {
    const double share = p.cost[a] > 0 ? std::min(1.0, rho / p.cost[a]) : 1;
    best = std::max(best, share * p.reward[a]);
    for (std::size_t b = 0; b < p.reward.size(); ++b) {
      if (p.cost[a] > rho || p.cost[b] <= rho) continue;
      const double x = (rho - p.cost[a]) / (p.cost[b] - p.cost[a]);
      best = std::max(best, (1 - x) * p.reward[a] + x * p.reward[b]);
    }
  }
  return best;
}

TEST(KnapsackMix, IsTheBestOverPairsOfArms) {
  RandomStream random(8);
  for (int trial = 0; trial < 400; ++trial) {
    const std::size_t arms = 1 + random.uniform_int(std::uint64_t{6});
    std::vector<double> reward(arms), cost(arms);
    for (double& r : reward) r = random.uniform01();
    for (double& c : cost) c = random.bernoulli(.2) ? 0 : random.uniform01();
    const std::vector<double> rho{random.uniform01()};
    const MixProblem problem{.reward = reward, .cost = cost, .allowance = rho};
    const Mix mix = best_mix(problem).value();
    ASSERT_NEAR(mix.value, brute_force(problem), 1e-12);
    double used = 0, mass = 0, value = 0;
    for (std::size_t a = 0; a < arms; ++a) {
      used += mix.x[a] * cost[a];
      mass += mix.x[a];
      value += mix.x[a] * reward[a];
    }
    ASSERT_LE(used, rho[0] + 1e-12);
    ASSERT_LE(mass, 1 + 1e-12);
    ASSERT_NEAR(value, mix.value, 1e-12);
    ASSERT_LE(std::ranges::count_if(mix.x, [](double x) { return x > 0; }), 2);
    // The simplex method agrees, with a second resource that is never short.
    std::vector<double> both;
    for (const double c : cost) both.insert(both.end(), {c, c / 2});
    const std::vector<double> two{rho[0], 1};
    const Mix general = best_mix({.reward = reward, .cost = both, .allowance = two}).value();
    ASSERT_NEAR(general.value, mix.value, 1e-9);
    ASSERT_NEAR(general.price[1], 0, 1e-9);
  }
}

TEST(KnapsackMix, OfTheSheetsPricesIsHalfAndHalf) {
  std::vector<double> prices, cost, reward;
  for (int i = 1; i <= 10; ++i) {
    prices.push_back(i / 10.0);
    cost.push_back(1 - prices.back());
    reward.push_back(prices.back() * cost.back());
  }
  const std::vector<double> rho{.25};
  const Mix mix = best_mix({.reward = reward, .cost = cost, .allowance = rho}).value();
  EXPECT_NEAR(40'000 * mix.value, 7400, 1e-6);
  EXPECT_NEAR(mix.x[6], .5, 1e-9);
  EXPECT_NEAR(mix.x[7], .5, 1e-9);
}

TEST(KnapsackMix, RefusesWhatDoesNotFit) {
  const std::vector<double> one{1}, two{1, 1}, negative{-1};
  EXPECT_FALSE(best_mix({.reward = one, .cost = two, .allowance = one}));
  EXPECT_FALSE(best_mix({.reward = one, .cost = negative, .allowance = one}));
  EXPECT_FALSE(best_mix({.reward = {}, .cost = {}, .allowance = one}));
}

TEST(KnapsackBandits, BeatABlindOneAndKeepTheBudget) {
  const World world = pricing_world({.1, .2, .3, .4, .5, .6, .7, .8, .9, 1}, .25);
  const std::uint64_t rounds = 2000;
  const auto regret = [&](std::string_view name) {
    double sum = 0;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      boost::json::object parameters{{"arms", 10}, {"most", boost::json::array{1.0}}, {"seed", seed}};
      auto policy = make_policy(*find_policy(policies(), name),
                                {.budget = {500}, .horizon = rounds, .parameters = std::move(parameters)});
      EXPECT_TRUE(policy) << policy.error().message;
      const auto run = simulate(**policy, world, rounds, RandomStream(seed)).value();
      EXPECT_LE(run.spent[0], 500);
      sum += run.regret / 4;
    }
    return sum;
  };
  const double blind = regret("ucb1");
  EXPECT_LT(regret("primal-dual-bwk"), blind);
  EXPECT_LT(regret("ucb-bwk"), blind);
}

TEST(KnapsackBandit, NeedsTheMostThatAChoiceUses) {
  EXPECT_FALSE(KnapsackBandit::make({.arms = 2, .budget = {10}, .most = {}, .horizon = 100}));
  EXPECT_FALSE(KnapsackBandit::make({.arms = 2, .budget = {10}, .most = {0}, .horizon = 100}));
  EXPECT_FALSE(KnapsackBandit::make({.arms = 2, .budget = {10}, .most = {1}, .horizon = 0}));
}

}  // namespace
}  // namespace bursar::explore
