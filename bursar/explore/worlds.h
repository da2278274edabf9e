// Worlds in which bandits can be tried, and what they lose there.
//
//   World world = bernoulli_world({.6, .5, .5});
//   auto policy = make_policy(entry, {.budget = …, .horizon = 20'000, .parameters = {{"arms", 3}}});
//   Run run = simulate(**policy, world, 20'000, RandomStream(seed)).value();
//   use(run.regret, run.curve);
//
// Regret is against the right benchmark of the world: the best arm's mean, in worlds with contexts the best mean in
// each, in worlds with budgets rounds x the value of the best mix (knapsack_mix.h). Without budgets it counts means of
// what was chosen (pseudo-regret), so that luck with rewards is no skill; with budgets it counts what was earned.
// Where nothing is chosen, nothing is earned. Source: systems/bandits.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "bursar/core/policy.h"
#include "bursar/core/random.h"
#include "bursar/core/result.h"
#include "bursar/explore/bandit.h"

namespace bursar::explore {

struct Pull {
  double reward = 0;
  std::vector<double> spent = {};  // [resources]; empty: nothing
};

struct World {
  std::size_t arms = 0;
  // Absent: no contexts. Fills the context of a round.
  std::function<void(RandomStream& random, std::vector<double>& context)> context = {};
  std::function<Pull(Arm arm, std::span<const double> context, RandomStream& random)> pull;
  std::function<double(Arm arm, std::span<const double> context)> mean;  // of the reward
  std::optional<double> best = {};                                       // where it is not an arm's: of a continuum
  // Worlds with budgets, a round:
  std::vector<double> mean_costs = {};  // [arms x resources]
  std::vector<double> allowance = {};   // [resources]; empty: no budgets
};

struct Run {
  double earned = 0, regret = 0;
  std::vector<double> spent = {};         // [resources]
  std::vector<std::uint64_t> picks = {};  // [arms]
  std::vector<double> curve = {};         // regret after 1/64, 2/64, … of the rounds
  std::uint64_t idle = 0;                 // rounds in which nothing was chosen
};

inline constexpr std::size_t kCurvePoints = 64;

// Errors: the policy's. Each round's randomness depends on the stream and the round alone, so that policies meet the
// same world.
[[nodiscard]] Result<Run> simulate(Policy& policy, const World& world, std::uint64_t rounds,
                                   const RandomStream& random);

[[nodiscard]] World bernoulli_world(std::vector<double> means);             // in [0, 1]
[[nodiscard]] World normal_world(std::vector<double> means, double noise);  // cut to [0, 1]
// Prices are offered to customers whose value is uniform on [0, 1]; a sale uses one unit of what is for sale.
[[nodiscard]] World pricing_world(std::vector<double> prices, double units_a_round);
// Features of length 1 at random for each arm and round, shared weights of length 1; reward (1 + theta . x) / 2 as a
// coin. The context is [arms x dimension].
[[nodiscard]] World linear_world(std::size_t arms, std::size_t dimension, const RandomStream& random);
// Arms are places on [0, 1]; mean = top - slope min(.5, |x - peak|), Bernoulli rewards.
struct Peak {
  double top = .9, slope = .8, at = .37;
};
[[nodiscard]] World peak_world(std::vector<double> places, Peak peak);

}  // namespace bursar::explore
