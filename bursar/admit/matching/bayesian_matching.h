// Items that are each used once, and buyers who come in a known order with known chances and values: the model that
// online Bayesian matching plans for.
//
//   BayesianMatching m{.items = 2, .periods = {
//       {.types = {{.probability = .5, .value = {.9, .3}}}},                        // comes half the time
//       {.types = {{.probability = .4, .value = {.4, .8}}, {.probability = .4, .value = {.7, .6}}}}}};
//   OnlineLp lp = *solve_online_lp(m);            // lp.objective bounds every online policy
//
// In period t a buyer of type j comes with probability p_{t,j} (the rest of the time nobody), independent of the other
// periods, and may get one item i for w_{i,t,j} >= 0 or none; what is decided stays. Sources: systems/philosopher;
// Papadimitriou, Pollner, Saberi and Wajc (2021) for the linear program
//   max sum w_itj x_itj   s.t.   sum_i x_itj <= p_tj,   x_itj <= p_tj (1 - y_it),   y_it = sum_{t' < t, j} x_it'j,
// whose last family says that an item's past is independent of who comes now; without it the LP is the prophet's.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::admit {

struct BuyerType {
  double probability = 0;
  std::vector<double> value;  // [items], >= 0; 0: of no use
};

struct Period {
  std::vector<BuyerType> types;  // probabilities add up to at most 1
};

struct BayesianMatching {
  std::size_t items = 0;
  std::vector<Period> periods;
};

// kInvalidArgument naming period and type: probabilities outside [0, 1], or above 1 + 1e-9 in sum; values that are not
// one an item, negative or not finite. O(size).
[[nodiscard]] Result<void> check(const BayesianMatching& matching);

// A solution of the LP. Arrays over (t, j) pairs k = first[t] + j, and over periods.
struct OnlineLp {
  double objective = 0;
  std::size_t items = 0;
  std::vector<std::size_t> first;     // [periods + 1]
  std::vector<double> x;              // [pairs x items]: chance that the buyer comes and gets the item
  std::vector<double> used;           // [periods x items]: y_it, chance that the item is gone before t
  std::vector<double> rate;           // [pairs x items]: r = x / (p (1 - y)), in [0, 1]; 0 where 1 - y < 1e-9
  std::vector<double> arrival_price;  // [pairs]: what more of this buyer's chance is worth; empty: not from the LP
  std::vector<double> item_price;     // [periods x items]: what having the item after t is worth, falling in t; ditto
};

// Sparse: only pairs with w > 0 and p > 0 have a variable, and y runs along them (y_next = y + sum_j x), so that the
// entries are as many as the edges. Some degenerate optimum; guarantees hold for each. Errors: as check(); kExhausted
// past 20 million edges or where the simplex method does not end.
[[nodiscard]] Result<OnlineLp> solve_online_lp(const BayesianMatching& matching);

// The same from an x that one brings along, [pairs x items]. kInvalidArgument where x breaks a constraint by more than
// 1e-7; objective, used and rate are filled, prices are empty.
[[nodiscard]] Result<OnlineLp> solution_from(const BayesianMatching& matching, std::vector<double> x);

}  // namespace bursar::admit
