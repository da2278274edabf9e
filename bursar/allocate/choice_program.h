// The exact program of multiple choice over integer costs. Internal to this room.
//
// best[b] = largest value of the items so far whose costs add up to exactly b; one row of decisions an item. Costs are
// counted from each item's cheapest option and in units of their greatest common divisor.
// Time O(options x B), memory items x B bytes.
#pragma once

#include "bursar/allocate/multiple_choice.h"

namespace bursar::allocate::detail {

// Cells that the program would fill, 0 where costs are not integers or the budget is below the cheapest answer.
[[nodiscard]] double program_cells(const ChoiceTable& table, double budget);

// The numbers must have been checked.
[[nodiscard]] Result<ChoiceResult> solve_program(const ChoiceTable& table, double budget, const ChoiceOptions& options);

}  // namespace bursar::allocate::detail
