// Exact answers for small instances of online Bayesian matching, by other means than the library's.
//
//   best_online(m);                        // the philosopher: a dynamic program over what is free
//   clairvoyant(m);                        // who knows who will come: the mean of the best matching
//   rule_by_hand(m, lp);                   // the philosopher's rule, following every outcome as it is stated
//   online_lp_by_prefix_sums(m, true);     // the LP with its sums written out; false: the prophet's LP
#pragma once

#include "bursar/admit/matching/bayesian_matching.h"
#include "bursar/admit/matching/philosopher_value.h"
#include "bursar/core/result.h"

namespace bursar::reproduce {

// At most 12 items each. O(periods types 2^items items).
[[nodiscard]] Result<double> best_online(const admit::BayesianMatching& m);
// The heaviest free item to every buyer, ties to the lowest.
[[nodiscard]] Result<double> greedy_value(const admit::BayesianMatching& m);
// Welfare of posted prices from this table, buyers taking the largest value - price above 0, ties to the lowest.
// `worst_lead`: the least of welfare - V over all states, where wanted.
[[nodiscard]] Result<double> price_welfare(const admit::BayesianMatching& m, const admit::PhilosopherValue& value,
                                           double* worst_lead = nullptr);

// kInvalidArgument past 10^6 sequences of buyers.
[[nodiscard]] Result<double> clairvoyant(const admit::BayesianMatching& m);

// For 4 items and few periods: time exponential in both.
[[nodiscard]] double rule_by_hand(const admit::BayesianMatching& m, const admit::OnlineLp& lp);

[[nodiscard]] Result<double> online_lp_by_prefix_sums(const admit::BayesianMatching& m, bool past_is_independent);

}  // namespace bursar::reproduce
