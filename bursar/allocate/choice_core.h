// Exact search over the core of a multiple choice: the options that the LP bound does not rule out. Internal to this
// room.
//
// At the price p of the relaxation an option differs from its item's break option by (dc, dv); its loss p dc - dv is
// not negative. Items enter by rising loss / |dc|, so that after each item every remaining one gains at most p - up per
// unit of cost that it uses, and gives up at least p + down per unit that it returns. A partial answer (cost D, gain G)
// with the residual budget r therefore ends at no more than  V + G + max(0, p - up)(r - D)  or  V + G - (p + down)(D -
// r), V the value of the break choice. What cannot beat the best answer so far, or is dominated, is dropped; when
// nothing is left the best is optimal.
#pragma once

#include <cstdint>

#include "bursar/allocate/choice_relaxation.h"

namespace bursar::allocate::detail {

struct CoreResult {
  double value = 0;
  double bound = 0;
  StopReason stop = StopReason::kOptimal;
  std::uint64_t states = 0;
  bool passed = false;  // whether it passed over the data
};

// Improves the relaxation's answer: on return relaxation.choice is the best answer found (`filled` is spent).
[[nodiscard]] CoreResult search_core(const ChoiceTable& table, double budget, const ChoiceOptions& options,
                                     Relaxation& relaxation);

// The greatest number of which all differences within an item are integer multiples, over all of the table; 0 where
// some number is no integer, or all differences are 0.
[[nodiscard]] double common_step(const ChoiceTable& table, std::span<const double> numbers);

// The largest value that a choice can have at or below the bound, where values are integers; otherwise the bound.
[[nodiscard]] double reachable_bound(const ChoiceTable& table, double bound);

}  // namespace bursar::allocate::detail
