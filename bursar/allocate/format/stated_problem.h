// A problem as somebody stated it: in a file or in a request, with what else stood there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bursar/allocate/problem.h"

namespace bursar::allocate {

struct StatedProblem {
  Problem problem;
  std::optional<Budget> budget;  // absent where the input names none
  AllocateOptions options;       // method, sense and gap, where the input names them
  std::optional<double> time_limit_s;
  std::vector<std::string> explain;  // items whose choice is to be explained, by name
  std::vector<std::string> notes;    // what was left out of account, one sentence each
};

// Sets the caps of groups by name. Errors: kNotFound for a group that the problem does not have.
struct NamedAmount {
  std::string name;
  double amount = 0;
};
[[nodiscard]] Result<void> set_caps(Problem& problem, const std::vector<NamedAmount>& caps);

// The budget in the order of the problem's resources. One amount without a name is the only resource's. Errors:
// kInvalidArgument for a resource that is missing, unknown or named twice, and for amounts that are negative or no
// finite number.
[[nodiscard]] Result<Budget> budget_of(const Problem& problem, const std::vector<NamedAmount>& amounts);

// Position of an item by its name, or by its number where no item has that name. kNotFound otherwise.
[[nodiscard]] Result<std::size_t> item_named(const Problem& problem, std::string_view name);

// "at_most", "exactly", "largest_reachable".
[[nodiscard]] Result<ChoiceSense> sense_named(std::string_view name);

// Names as they are printed: the given ones, or positions.
[[nodiscard]] std::string item_name(const Problem& problem, std::size_t item);
[[nodiscard]] std::string option_name(const Problem& problem, std::size_t item, std::uint32_t option);
[[nodiscard]] std::string resource_name(const Problem& problem, std::size_t resource);
[[nodiscard]] std::size_t resources_of(const Problem& problem);
[[nodiscard]] std::size_t first_option(const Problem& problem, std::size_t item);  // in the table

// What a reader refuses in a number, or empty: "is nan; it must be finite". Costs, budgets and minima are >= 0.
enum class Sign : std::uint8_t { kAny, kNotNegative };
[[nodiscard]] std::string why_refused(double number, Sign sign);

}  // namespace bursar::allocate
