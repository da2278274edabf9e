// Knapsack: which items to take, or how many copies of each, within one budget.
//
//   auto r = knapsack({.value = values, .cost = costs}, capacity);
//   if (!r) return report(r.error());
//   use(r->take);  // 0 or 1 each; r->value, r->bound, name_of(r->stop)
//
// Maximises  sum_i v_i t_i  subject to  sum_i c_i t_i <= B,  t_i in {0, …, copies_i}  (copies 1 where none are given).
// Choose it when an item is either in or out; choose multiple_choice.h when an item comes in several versions. It runs
// on the same core search: copies become bundles of 1, 2, 4, … so that an item of n copies counts as log n items. Exact
// where the search ends; instances made hard on purpose (subset sums of large even numbers, strong correlation) end at
// max_states with value, bound and hence the gap; for integer costs and a budget within max_cells the exact program
// then takes over. Costs and values may be negative: an item that costs nothing and is worth something is always taken.
// Time O(items log copies) for the bound, plus the search; memory 64 bytes an item bundle.
// Source: the core search follows Pisinger (1995) in idea; the hard classes are his (2005).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bursar/allocate/multiple_choice.h"

namespace bursar::allocate {

struct KnapsackItems {
  std::span<const double> value;              // [items]
  std::span<const double> cost;               // [items]
  std::span<const std::int64_t> copies = {};  // [items] or empty: one of each; 0 … 2^40
};

struct KnapsackResult {
  std::vector<std::int64_t> take;  // [items]
  double value = 0;
  double cost = 0;
  double bound = 0;  // no answer is worth more
  double price = 0;  // value per unit of budget of the item that the relaxation splits; 0 where everything fits
  StopReason stop = StopReason::kOptimal;
  ChoiceMethod method = ChoiceMethod::kAutomatic;
  std::uint64_t states = 0;
};

// options.sense must be kAtMost. Errors: as multiple_choice, naming item and number; kInfeasible for a budget below the
// sum of the negative costs.
[[nodiscard]] Result<KnapsackResult> knapsack(const KnapsackItems& items, double budget,
                                              const ChoiceOptions& options = {});

}  // namespace bursar::allocate
