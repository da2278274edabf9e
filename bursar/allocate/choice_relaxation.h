// The LP relaxation of multiple choice in one or two passes over the data. Internal to this room.
//
// A sample of the items gives an interval (a, b) that holds the price p* of the budget with near certainty. One pass
// takes every item's option at both ends: where they agree the option is optimal at every price between, and the item
// is settled. The few items left (a few percent) are solved exactly: their hull steps, sorted by slope, are taken until
// the budget is met. The pass itself proves or refutes the interval; where it failed, it is widened on the side it
// missed. Expected time O(options + sample log sample), memory 4 bytes an item and 32 bytes a step of unsettled items.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "bursar/allocate/multiple_choice.h"

namespace bursar::allocate::detail {

struct Relaxation {
  std::vector<std::uint32_t> choice;  // [items]: optimal at `price`, total within the budget ("break" choice)
  double break_value = 0;
  double break_cost = 0;
  double price = 0;
  double bound = 0;                                             // break_value + price x what the budget leaves
  std::vector<std::pair<std::uint32_t, std::uint32_t>> filled;  // (item, option) that fit after the break
  double value = 0;                                             // with `filled`
  double cost = 0;
  std::uint32_t passes = 0;
};

// Errors as multiple_choice. Items and options per item < 2^32 - 1.
[[nodiscard]] Result<Relaxation> relax(const ChoiceTable& table, double budget);

// "item 3, option 2: value is nan; …" for option o of the table.
[[nodiscard]] tl::unexpected<Error> bad_number(const ChoiceTable& table, std::size_t option);
// The error for a budget below the cheapest answer: by how much, and the items that need most.
[[nodiscard]] tl::unexpected<Error> below_minimum(const ChoiceTable& table, double budget);
// Shape, forbidden items and the budget; not the numbers.
[[nodiscard]] Result<void> check_shape(const ChoiceTable& table, double budget);

}  // namespace bursar::allocate::detail
