// The best new column of a configuration LP for one goal at given slot prices beta; for match_bounds.cc alone.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "bursar/admit/matching/match_instance.h"

namespace bursar::admit {

struct GoalView {
  double weight = 0;
  std::span<const GoalSlot> slots;  // in order of arrival, probabilities above 0
};

struct Configuration {
  std::vector<std::size_t> slot;  // S, in order of arrival
  std::vector<double> use;        // [S]: chance that the slot is needed
  double worth = 0;               // its entry in the objective
  double gain = 0;                // worth less what its slots cost
  double most_gain = 0;           // >= the gain of every configuration
};

// max w P(S) - sum q(S,v) beta_v, exactly: G_k = max(G_{k+1}, p_k w - beta_k + (1 - p_k) G_{k+1}). O(slots).
[[nodiscard]] Configuration price_stochastic(const GoalView& goal, std::span<const double> slot_price);

// max w min(1, sum p) - sum beta_v, by branch and bound over the fractional relaxation (a knapsack filled by beta / p),
// best found after max_nodes.
[[nodiscard]] Configuration price_truncated(const GoalView& goal, std::span<const double> slot_price,
                                            std::size_t max_nodes);

}  // namespace bursar::admit
