// Multiple choice in groups: one budget for all, and a cap for each group (two-level budgets).
//
//   // 200 layers in 8 blocks; at most 3.5 bits on average in all, and no block above its own memory.
//   auto r = grouped_choice(table, group_of_layer, caps, budget);
//   use(r->choice);  // r->price, r->group_price[g]: what one more unit of the budget, and of a group's cap, is worth
//
// Maximises  sum_i v[i, x_i]  subject to  sum_i c[i, x_i] <= B  and  sum_{i in g} c[i, x_i] <= C_g  for every group g.
// Choose multiple_choice.h where there are no groups, many_resources.h where groups limit different resources. The LP
// relaxation is solved exactly in one sort: the hull steps of all items are taken by falling slope while their group
// and the whole have room (nested caps keep greedy optimal). The answer follows the same order in whole steps, and each
// group is then solved anew within what it may still use (the core search of multiple_choice). Small problems are
// searched to the optimum by many_resources. O(options log options); memory 32 bytes a hull step.
// Source: systems/rco (a budget for each block); greedy on nested caps is a polymatroid's.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bursar/allocate/multiple_choice.h"

namespace bursar::allocate {

struct GroupedOptions {
  double relative_gap = 1e-9;
  std::uint64_t max_states = 1 << 24;   // of the core search, per group
  std::size_t max_exact_options = 600;  // up to here, and 32 groups, the search for the optimum is tried
  std::uint64_t max_nodes = 200'000;    // of that search
  StopCallback stop = nullptr;
};

struct GroupedResult {
  std::vector<std::uint32_t> choice;  // [items]
  double value = 0;
  double cost = 0;
  double bound = 0;                 // no answer is worth more
  double price = 0;                 // of the budget
  std::vector<double> group_cost;   // [groups]
  std::vector<double> group_price;  // [groups]: what a cap's unit is worth on top of the budget's price
  StopReason stop = StopReason::kOptimal;
};

// group[i] < caps.size() is the group of item i; an infinite cap is none. Errors: as multiple_choice, with "group g: "
// where a cap is below its group's cheapest answer.
[[nodiscard]] Result<GroupedResult> grouped_choice(const ChoiceTable& table, std::span<const std::uint32_t> group,
                                                   std::span<const double> caps, double budget,
                                                   const GroupedOptions& options = {});

}  // namespace bursar::allocate
