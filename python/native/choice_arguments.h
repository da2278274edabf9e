// The arguments of bursar.allocate.choose, checked against each other: shapes, budgets, groups, and what the method
// takes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bursar/allocate/many_resources.h"
#include "bursar/allocate/problem.h"
#include "python/native/arrays.h"

namespace bursar::python {

struct ChoiceLimits {
  double gap = 1e-9;
  std::uint64_t max_states = 0, max_cells = 0, max_nodes = 0;
  std::optional<double> time_limit_s;
};

// value [items x width], or [options] with first [items + 1]; cost the same shape, or [resources x that shape].
struct ChoiceArguments {
  explicit ChoiceArguments(const pybind11::kwargs& given);

  [[nodiscard]] std::size_t resources() const { return budget.numbers.size(); }
  [[nodiscard]] allocate::ResourceTable table() const;

  Numbers<double> value, cost, budget;
  Numbers<std::int64_t> first;
  Numbers<std::uint8_t> forbidden;
  Numbers<std::uint32_t> group;
  Numbers<double> caps;
  bool minimise = false;
  allocate::ChoiceSense sense = allocate::ChoiceSense::kAtMost;
  allocate::Method method = allocate::Method::kAutomatic;

 private:
  void check_shapes() const;
  void check_method() const;
  std::vector<double> negated_;  // values, where the problem minimises
};

}  // namespace bursar::python
