#include "python/native/choice_arguments.h"

#include <algorithm>

#include "bursar/allocate/format/stated_problem.h"
#include "python/native/failure.h"

namespace bursar::python {
namespace py = pybind11;
using allocate::Method;

ChoiceArguments::ChoiceArguments(const py::kwargs& given)
    : value(doubles(given["value"], "value", {1, 2})),
      cost(doubles(given["cost"], "cost", {1, 2, 3})),
      budget(doubles(given["budget"], "budget", {0, 1})),
      first(integers(given["first"], "first")),
      forbidden(flags(given["forbidden"], "forbidden", {1, 2})),
      group(positions(given["group"], "group")),
      caps(doubles(given["caps"], "caps")),
      minimise(given["minimise"].cast<bool>()),
      sense(unwrap(allocate::sense_named(given["sense"].cast<std::string>()))),
      method(unwrap(allocate::method_named(given["method"].cast<std::string>()))) {
  check_shapes();
  check_method();
  if (!minimise) return;
  negated_.resize(value.numbers.size());
  std::ranges::transform(value.numbers, negated_.begin(), std::negate());
}

void ChoiceArguments::check_shapes() const {
  if (value.shape.size() == 1 && !first.given())
    refuse("value: has shape " + shape_text(value.shape) +
           "; give it a row an item, or say with `first` where each item begins");
  if (value.shape.size() == 2 && first.given()) refuse("first: is for values of 1 dimension; value has 2");
  if (first.given()) require_starts(first, value.numbers.size(), "options");
  if (budget.numbers.empty()) refuse("budget: names no resource");
  std::vector<std::size_t> wanted = value.shape;
  if (resources() > 1 || cost.shape.size() > value.shape.size()) wanted.insert(wanted.begin(), resources());
  require_shape(cost.shape, wanted, "cost", resources() > 1 ? "budget and value" : "value");
  if (forbidden.given()) require_shape(forbidden.shape, value.shape, "forbidden", "value");
  if (group.given() != caps.given()) refuse("group and caps: give both or neither");
  require_length(group, first.given() ? first.numbers.size() - 1 : value.shape[0], "group", "items");
}

void ChoiceArguments::check_method() const {
  const bool one = resources() == 1 && !group.given();
  if (group.given() && resources() > 1)
    refuse("group: caps of groups take one resource here; write the caps as further resources");
  if (sense != allocate::ChoiceSense::kAtMost && !one)
    refuse("sense: only 'at_most' is taken with several resources or with groups");
  const bool fits = method == Method::kAutomatic || (group.given()                  ? method == Method::kGroups
                                                     : method == Method::kGroups    ? false
                                                     : method == Method::kResources ? true
                                                                                    : one);
  if (!fits)
    refuse("method: '" + std::string(name_of(method)) + "' does not take this problem; 'auto' takes the one that does");
}

allocate::ResourceTable ChoiceArguments::table() const {
  // The positions were found to be >= 0, and both types may view the same numbers.
  const auto* starts = reinterpret_cast<const std::uint64_t*>(first.numbers.data());
  return {.value = minimise ? std::span<const double>(negated_) : value.numbers,
          .cost = cost,
          .resources = resources(),
          .first = {starts, first.numbers.size()},
          .width = value.shape.size() == 2 ? value.shape[1] : 0,
          .forbidden = forbidden};
}

}  // namespace bursar::python
