// Problems of choice over arrays: multiple choice under one budget or several, with caps of groups, and the knapsack.
#include <pybind11/stl.h>

#include "bursar/allocate/grouped_choice.h"
#include "bursar/allocate/knapsack.h"
#include "bursar/allocate/many_resources.h"
#include "bursar/allocate/problem.h"
#include "python/native/arrays.h"
#include "python/native/choice_arguments.h"
#include "python/native/failure.h"
#include "python/native/module.h"
#include "python/native/unlocked.h"

namespace bursar::python {
namespace py = pybind11;
using allocate::Method;
using py::arg;

namespace {

std::string text(std::string_view view) { return std::string(view); }

py::array_t<double> one(double number) { return to_array(std::vector{number}); }

// What every way to solve hands back, in the sense that was asked for: a loss where the problem minimises.
py::dict answer(const ChoiceArguments& a, std::vector<std::uint32_t> choice, double value, double bound,
                allocate::StopReason stop, Method method) {
  const double sign = a.minimise ? -1 : 1;
  py::dict d;
  d["choice"] = to_array(std::move(choice));
  d["value"] = sign * value + 0.0;  // no -0
  d["bound"] = sign * bound + 0.0;
  d["gap"] = allocate::relative_gap(value, bound);
  d["stop"] = text(name_of(stop));
  d["method"] = text(name_of(method));
  d["group_cost"] = py::none();
  d["group_price"] = py::none();
  return d;
}

py::dict solve_one(const ChoiceArguments& a, const ChoiceLimits& limits, Watch& watch) {
  using allocate::ChoiceMethod;
  allocate::ChoiceOptions options{
      .sense = a.sense, .relative_gap = limits.gap, .max_states = limits.max_states, .max_cells = limits.max_cells};
  options.method = a.method == Method::kProgram      ? ChoiceMethod::kDynamicProgram
                   : a.method == Method::kCore       ? ChoiceMethod::kCore
                   : a.method == Method::kLagrangian ? ChoiceMethod::kLagrangian
                                                     : ChoiceMethod::kAutomatic;
  auto r = unwrap(unlocked(watch, [&](const auto& stop) {
    options.stop = stop;
    return allocate::multiple_choice(a.table().of(0), a.budget.numbers[0], options);
  }));
  py::dict d =
      answer(a, std::move(r.choice), r.value, r.bound, r.stop, unwrap(allocate::method_named(name_of(r.method))));
  d["cost"] = one(r.cost);
  d["price"] = one(r.price);
  return d;
}

py::dict solve_groups(const ChoiceArguments& a, const ChoiceLimits& limits, Watch& watch) {
  auto r = unwrap(unlocked(watch, [&](const auto& stop) {
    return allocate::grouped_choice(
        a.table().of(0), a.group, a.caps, a.budget.numbers[0],
        {.relative_gap = limits.gap, .max_states = limits.max_states, .max_nodes = limits.max_nodes, .stop = stop});
  }));
  py::dict d = answer(a, std::move(r.choice), r.value, r.bound, r.stop, Method::kGroups);
  d["cost"] = one(r.cost);
  d["price"] = one(r.price);
  d["group_cost"] = to_array(std::move(r.group_cost));
  d["group_price"] = to_array(std::move(r.group_price));
  return d;
}

py::dict solve_resources(const ChoiceArguments& a, const ChoiceLimits& limits, Watch& watch) {
  auto r = unwrap(unlocked(watch, [&](const auto& stop) {
    return allocate::many_resources(a.table(), a.budget,
                                    {.relative_gap = limits.gap, .max_nodes = limits.max_nodes, .stop = stop});
  }));
  py::dict d = answer(a, std::move(r.choice), r.value, r.bound, r.stop, Method::kResources);
  d["cost"] = to_array(std::move(r.cost));
  d["price"] = to_array(std::move(r.price));
  return d;
}

py::dict choose(const py::kwargs& given, const ChoiceLimits& limits) {
  const ChoiceArguments a(given);
  Watch watch(limits.time_limit_s);
  if (a.group.given()) return solve_groups(a, limits, watch);
  return a.resources() > 1 || a.method == Method::kResources ? solve_resources(a, limits, watch)
                                                             : solve_one(a, limits, watch);
}

py::dict knapsack(const py::object& value, const py::object& cost, double budget, const py::object& copies,
                  const ChoiceLimits& limits) {
  const auto v = doubles(value, "value");
  const auto c = doubles(cost, "cost");
  const auto n = integers(copies, "copies");
  require_shape(c.shape, v.shape, "cost", "value");
  require_length(n, v.numbers.size(), "copies", "value");
  Watch watch(limits.time_limit_s);
  auto r = unwrap(unlocked(watch, [&](const auto& stop) {
    return allocate::knapsack(
        {v, c, n}, budget,
        {.relative_gap = limits.gap, .max_states = limits.max_states, .max_cells = limits.max_cells, .stop = stop});
  }));
  py::dict d;
  d["take"] = to_array(std::move(r.take));
  d["value"] = r.value;
  d["cost"] = r.cost;
  d["bound"] = r.bound;
  d["gap"] = allocate::relative_gap(r.value, r.bound);
  d["price"] = r.price;
  d["stop"] = text(name_of(r.stop));
  return d;
}

}  // namespace

void bind_choice(py::module_& module) {
  py::class_<ChoiceLimits>(module, "ChoiceLimits")
      .def(py::init([](double gap, std::uint64_t max_states, std::uint64_t max_cells, std::uint64_t max_nodes,
                       std::optional<double> time_limit_s) {
             return ChoiceLimits{gap, max_states, max_cells, max_nodes, time_limit_s};
           }),
           arg("gap"), arg("max_states"), arg("max_cells"), arg("max_nodes"), arg("time_limit_s"));
  module.def("choose", [](const ChoiceLimits& limits, const py::kwargs& given) { return choose(given, limits); });
  module.def("knapsack", &knapsack, arg("value"), arg("cost"), arg("budget"), arg("copies"), arg("limits"));
}

}  // namespace bursar::python
