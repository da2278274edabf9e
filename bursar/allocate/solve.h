// What every solver of this room says beside its answer: how far from the best it can be, and why it stopped.
//
//   auto r = knapsack(...);
//   if (r) std::print("{} of at most {} ({}), gap {:.1e}", r->value, r->bound, name_of(r->stop), relative_gap(r->value,
//   r->bound));
//
// Every solver maximises. To minimise a cost or a loss, pass its negative as the value.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "bursar/core/result.h"

namespace bursar::allocate {

enum class StopReason : std::uint8_t {
  kOptimal,    // nothing better exists
  kWithinGap,  // the bound is within the gap that was asked for
  kLimit,      // a count (states, nodes, rounds, cells) was used up; value and bound stand
  kCancelled,  // the caller's stop said so; value and bound stand
};

// "optimal", "within_gap", "limit", "cancelled".
[[nodiscard]] std::string_view name_of(StopReason reason);

// Asked now and then by a solver that may run long; true ends it with the best answer so far. This is how a time limit
// is set: solvers read no clock themselves.
using StopCallback = std::function<bool()>;

// (bound - value) / max(|bound|, |value|), and 0 where both are 0. Never negative.
[[nodiscard]] double relative_gap(double value, double bound);

// Numbers that a solver takes: finite, and of a magnitude whose products still are. Beyond it, change the unit.
inline constexpr double kLargestNumber = 1e60;

// Real-valued costs are added up in binary: a total may exceed its budget by this share of the budget, and never by
// more than 0.25, so that 0.1 + 0.2 fits into 0.3 while integers are held exactly.
inline constexpr double kCostTolerance = 1e-12;

// The budget with that tolerance.
[[nodiscard]] double with_tolerance(double budget);

// The shortest text that reads back as the same double.
[[nodiscard]] std::string to_text(double number);

}  // namespace bursar::allocate
