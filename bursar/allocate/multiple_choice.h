// Multiple choice: every item takes exactly one of its options, the costs share one budget, the values add up.
//
//   // 10,000 layers, 8 bit widths each: value = -error, cost = bits of the layer at that width.
//   ChoiceTable table{.value = values, .cost = costs, .width = 8};
//   auto r = multiple_choice(table, budget_bits);
//   if (!r) return report(r.error());
//   use(r->choice);  // r->value, r->bound, name_of(r->stop)
//
// Maximises  sum_i v[i, x_i]  subject to  sum_i c[i, x_i] <= B  (or = B). Choose
//  - kAutomatic (default): the core solver, and the exact program where the core ran out of states and the program
//  fits.
//  - kDynamicProgram for integer costs and a modest budget, and whenever the total must be exactly B. Exact.
//    Time O(options x B / g), memory items x B / g bytes, g the greatest common divisor of the cost differences.
//  - kCore for any real costs and any size: the LP relaxation over the concave hulls, then an exact search over the
//  core,
//    the few options that the LP bound cannot rule out. Ends optimal, within the gap, or at its limit of states.
//  - kLagrangian when one answer near the optimum is enough and speed is all: the relaxation, rounded down and filled.
//    One or two passes over the data; the gap is at most the value of one step of one item.
//
// Dominance: an option is never taken where another of its item costs no more and is worth more. Hull: at a price p of
// the budget an item takes argmax_k v - p c, and as p falls it climbs the concave hull of its (cost, value) points; the
// price at which the total meets B solves the LP relaxation, whose value is the bound U. An option whose loss at that
// price exceeds U - value cannot be part of a better answer. Memory beside the input: 4 bytes an item, and at most as
// much again as the input for the items whose option is still open. Costs and values may be negative.
// Source: systems/rocket, systems/alphaq, systems/rco; the core search follows Pisinger (1995) in idea.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bursar/allocate/solve.h"

namespace bursar::allocate {

// A view of the options of all items, in structure-of-arrays form; option o of the table belongs to the item i with
// begin(i) <= o < end(i). The arrays must outlive the call.
struct ChoiceTable {
  std::span<const double> value;            // [options]
  std::span<const double> cost;             // [options]
  std::span<const std::uint64_t> first;     // [items + 1], where items differ in their number of options
  std::size_t width = 0;                    // or: every item has this many options, and `first` is empty
  std::span<const std::uint8_t> forbidden;  // [options], nonzero: must not be taken; empty: none is

  [[nodiscard]] std::size_t items() const {
    return first.empty() ? (width == 0 ? 0 : value.size() / width) : first.size() - 1;
  }
  [[nodiscard]] std::size_t begin(std::size_t item) const { return first.empty() ? item * width : first[item]; }
  [[nodiscard]] std::size_t end(std::size_t item) const { return first.empty() ? (item + 1) * width : first[item + 1]; }
  [[nodiscard]] bool allowed(std::size_t option) const { return forbidden.empty() || forbidden[option] == 0; }
};

enum class ChoiceMethod : std::uint8_t { kAutomatic, kDynamicProgram, kCore, kLagrangian };

enum class ChoiceSense : std::uint8_t {
  kAtMost,            // total cost <= B
  kExactly,           // total cost = B; kInfeasible, naming the nearest totals, where no choice costs B
  kLargestReachable,  // total cost = the largest total <= B that some choice has
};

struct ChoiceOptions {
  ChoiceMethod method = ChoiceMethod::kAutomatic;
  ChoiceSense sense = ChoiceSense::kAtMost;
  double relative_gap = 1e-9;          // good enough: (U - value) / |U|; 0 asks for the optimum
  std::uint64_t max_states = 1 << 26;  // core: partial answers looked at, about a second; a byte of memory each
  std::uint64_t max_cells = 1 << 28;   // program: items x budget cells, one byte each (two past 255 options)
  StopCallback stop = nullptr;         // core and program ask it
};

struct ChoiceResult {
  std::vector<std::uint32_t> choice;  // [items]: position of the option within its item
  double value = 0;
  double cost = 0;
  double bound = 0;  // no answer is worth more; >= value
  double price = 0;  // value of one more unit of budget in the LP relaxation; 0 where the budget does not bind
  StopReason stop = StopReason::kOptimal;
  ChoiceMethod method = ChoiceMethod::kAutomatic;  // the one that gave the answer
  std::uint32_t passes = 0;                        // over all of the data
  std::uint64_t states = 0;                        // partial answers or cells looked at
};

// Errors: kInvalidArgument for a number that is not finite or beyond kLargestNumber (naming item, option and value),
// for an item without options, and for costs that are not integers where the program needs them; kInfeasible where the
// cheapest options already exceed B (by how much, and the items that need most), where all options of an item are
// forbidden, and where no choice costs exactly B; kExhausted where the program would need more than max_cells.
[[nodiscard]] Result<ChoiceResult> multiple_choice(const ChoiceTable& table, double budget,
                                                   const ChoiceOptions& options = {});

[[nodiscard]] std::string_view name_of(ChoiceMethod method);  // "automatic", "program", "core", "lagrangian"

}  // namespace bursar::allocate
