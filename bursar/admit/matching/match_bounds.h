// Upper bounds on what any policy can earn that spends the slots of a MatchInstance in their order of arrival.
//
//   auto bound = stochastic_configuration_lp(instance);    // bound->value = 1.25, bound->bound >= it
//   double ratio = earned / bound->bound;                  // at least so much of the best policy
//
// Three linear programs, x_{u,S} the chance that goal u is offered exactly the slots S if all its tries fail,
// q(u,S,v) the chance that u still needs slot v then, P(u,S) that one of S works:
//  - stochastic configuration LP: max sum w_u P(u,S) x_{u,S}, sum_S x_{u,S} <= 1 for each goal, sum_{u,S has v}
//    q(u,S,v) x_{u,S} <= 1 for each slot. Holds for the best adaptive policy (S-OPT). A reconstruction from the
//    abstract of arXiv 2309.10289; that it is a bound is proved in systems/stochastic-balance.
//  - configuration LP (Huang and Zhang): w_u min(1, sum of p) in place of P, and q = 1.
//  - matching LP: max sum w_u p_uv x_uv, sum_v p_uv x_uv <= 1, sum_u x_uv <= 1. The weakest.
// Neither configuration LP lies below the other where p is not small. Both are solved by column generation: the first's
// columns are priced exactly by a pass over the goal's slots from last to first, the second's by branch and bound.
#pragma once

#include <cstddef>
#include <vector>

#include "bursar/admit/matching/match_instance.h"
#include "bursar/core/result.h"

namespace bursar::admit {

struct MatchBound {
  double value = 0;                // of the columns found: a lower bound on the LP
  double bound = 0;                // >= the LP, from the prices; equal to value up to rounding where it was solved out
  std::vector<double> goal_price;  // [goals]: what one more goal like it is worth
  std::vector<double> slot_price;  // [slots]: what one more slot like it is worth
  std::size_t columns = 0, rounds = 0;
};

struct MatchBoundOptions {
  double tolerance = 1e-9;                  // relative gap of value and bound that is good enough
  std::size_t max_rounds = 2000;            // of column generation; past it the gap is left open
  std::size_t max_pricing_nodes = 200'000;  // of branch and bound, a goal and round
};

// Errors: as check() of the instance; kExhausted where the simplex method does not end.
[[nodiscard]] Result<MatchBound> stochastic_configuration_lp(const MatchInstance& instance,
                                                             const MatchBoundOptions& options = {});
[[nodiscard]] Result<MatchBound> configuration_lp(const MatchInstance& instance, const MatchBoundOptions& options = {});
[[nodiscard]] Result<MatchBound> matching_lp(const MatchInstance& instance);

}  // namespace bursar::admit
