// How often to play each arm, so that the reward of a round is highest and no resource is used faster than it may be.
//
//   auto mix = best_mix({.reward = r, .cost = c, .allowance = rho}).value();
//   // mix.x: probabilities, the rest is doing nothing; mix.value x rounds bounds what any policy can earn
//
// max x . r  subject to  sum_a x_a c_aj <= allowance_j,  sum x <= 1,  x >= 0: the benchmark of bandits with knapsacks.
// At most resources + 1 arms have x > 0. One resource: the upper hull of (cost, reward), O(K log K); more: the simplex
// method. Source: systems/bandits, chapter 10.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::explore {

struct MixProblem {
  std::span<const double> reward;     // [arms], finite
  std::span<const double> cost;       // [arms x resources], >= 0
  std::span<const double> allowance;  // [resources] a round, >= 0
};

struct Mix {
  std::vector<double> x;      // [arms]
  double value = 0;           // a round
  std::vector<double> price;  // [resources]: reward that one more unit of allowance would bring
};

// kInvalidArgument for arrays that do not fit together or numbers out of range.
[[nodiscard]] Result<Mix> best_mix(const MixProblem& problem);

}  // namespace bursar::explore
