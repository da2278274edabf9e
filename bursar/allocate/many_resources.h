// Multiple choice under several resources at once: every item takes one option, and each resource has its own budget.
//
//   // 500 jobs, 3 ways to run each; tokens, dollars and milliseconds are all limited.
//   ResourceTable table{.value = v, .cost = c, .resources = 3, .width = 3};   // c[r * options + o]
//   auto r = many_resources(table, budgets);
//   use(r->choice);   // r->price[1]: what one more dollar is worth; r->bound: nothing better exists
//
// Maximises  sum_i v[i, x_i]  subject to  sum_i c_r[i, x_i] <= B_r  for every resource r.
// Choose multiple_choice.h where there is one resource: it is exact and far faster. Here the bound is the Lagrangian
// dual
//   L(p) = sum_i max_k (v - p . c) + p . B,  p >= 0,
// minimised by the LP itself (CLP) where it is small, and else by cutting planes within a trust region, one pass over
// the data a probe. The answer starts from the options at those prices, is repaired where it exceeds a budget (the
// least loss per overrun first), filled where budgets are left, and, for up to max_search_items, improved by
// depth-first search with L as bound, which proves the optimum where it ends before max_nodes. Time O(options x
// resources) a probe; memory 16 bytes an item beside the LP.
// Where values are whole multiples of one number the bound is rounded down to one that can occur.
// Source: systems/dual-mirror-descent for the prices; the cutting planes are Kelley's.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bursar/allocate/multiple_choice.h"

namespace bursar::allocate {

struct ResourceTable {
  std::span<const double> value;            // [options]
  std::span<const double> cost;             // [resources x options], one resource after the other
  std::size_t resources = 0;                // 1 … kMostResources
  std::span<const std::uint64_t> first;     // as in ChoiceTable
  std::size_t width = 0;                    // as in ChoiceTable
  std::span<const std::uint8_t> forbidden;  // as in ChoiceTable

  static constexpr std::size_t kMostResources = 256;

  // The table of one resource.
  [[nodiscard]] ChoiceTable of(std::size_t resource) const {
    return {value, cost.subspan(resource * value.size(), value.size()), first, width, forbidden};
  }
};

struct ResourceOptions {
  double relative_gap = 1e-9;
  std::size_t max_lp_entries = 400'000;  // options x (resources + 1); beyond it, cutting planes
  int max_probes = 200;                  // of the cutting planes
  std::size_t max_search_items = 500;
  std::uint64_t max_nodes = 2'000'000;  // of the depth-first search
  StopCallback stop = nullptr;
};

struct ResourceResult {
  std::vector<std::uint32_t> choice;  // [items]
  double value = 0;
  std::vector<double> cost;   // [resources]
  double bound = 0;           // no answer is worth more
  std::vector<double> price;  // [resources]
  StopReason stop = StopReason::kOptimal;
  int probes = 0;
  std::uint64_t nodes = 0;
};

// Errors: as multiple_choice, naming item, option and resource; kInfeasible where one budget is below its cheapest
// answer or no mixture of options meets all budgets; kExhausted where mixtures do and no choice that does was found.
[[nodiscard]] Result<ResourceResult> many_resources(const ResourceTable& table, std::span<const double> budgets,
                                                    const ResourceOptions& options = {});

// L(p) of the table at prices p >= 0: an upper bound whatever the prices.
[[nodiscard]] double dual_value(const ResourceTable& table, std::span<const double> budgets,
                                std::span<const double> prices);

}  // namespace bursar::allocate
