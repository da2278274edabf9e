// Samples for groups by their learning curves: known ones, or learned batch after batch.
#include <pybind11/stl.h>

#include "bursar/explore/equitable/adaptive_sampler.h"
#include "bursar/explore/equitable/static_plan.h"
#include "python/native/arrays.h"
#include "python/native/failure.h"
#include "python/native/json_values.h"
#include "python/native/module.h"
#include "python/native/unlocked.h"

namespace bursar::python {
namespace py = pybind11;
using explore::AdaptiveSampler;
using explore::GroupSpec;
using py::arg;

namespace {

// Groups as arrays: names, and of each its cost, weight and bounds.
std::vector<GroupSpec> groups(const std::vector<std::string>& names, const py::object& costs, const py::object& weights,
                              const py::object& least, const py::object& most) {
  const auto c = doubles(costs, "costs"), w = doubles(weights, "weights");
  const auto low = integers(least, "least"), high = integers(most, "most");
  require_length(c, names.size(), "costs", "groups");
  require_length(w, names.size(), "weights", "groups");
  require_length(low, names.size(), "least", "groups");
  require_length(high, names.size(), "most", "groups");
  std::vector<GroupSpec> all(names.size());
  for (std::size_t g = 0; g < all.size(); ++g) {
    all[g].name = names[g];
    if (c.given()) all[g].cost = c.numbers[g];
    if (w.given()) all[g].weight = w.numbers[g];
    if (low.given()) all[g].min_n = low.numbers[g];
    if (high.given()) all[g].max_n = high.numbers[g];
  }
  return all;
}

py::dict plan(const std::vector<GroupSpec>& specs, const py::object& curves, double q, double budget) {
  const auto c = doubles(curves, "curves", {2});
  const std::size_t wanted[] = {specs.size(), 3};
  if (!c.given()) refuse("curves: are missing");
  require_shape(c.shape, wanted, "curves", "groups and (a, b, gamma)");
  std::vector<explore::LearningCurve> known;
  for (std::size_t g = 0; g < specs.size(); ++g)
    known.push_back({c.numbers[3 * g], c.numbers[3 * g + 1], c.numbers[3 * g + 2]});
  const explore::EquityObjective objective{.q = q};
  auto [p, why] = unwrap(unlocked([&]() -> Result<std::pair<explore::StaticPlan, explore::PlanExplanation>> {
    auto found = explore::plan_static(specs, known, objective, budget);
    if (!found) return tl::unexpected(found.error());
    auto explained = explore::explain_plan(specs, known, objective, budget, *found);
    if (!explained) return tl::unexpected(explained.error());
    return std::make_pair(std::move(*found), std::move(*explained));
  }));
  py::dict d;
  d["counts"] = to_array(std::move(p.counts));
  d["errors"] = to_array(std::move(p.errors));
  d["marginals"] = to_array(std::move(p.marginals));
  d["spent"] = p.spent;
  d["loss"] = p.loss;
  d["bound"] = p.bound;
  d["price"] = p.price;
  d["price_of_equity"] = why.price_of_equity;
  d["worst_error"] = why.worst_error;
  return d;
}

std::size_t position(std::int64_t group) {
  if (group < 0) refuse("group: is " + std::to_string(group) + "; it must be at least 0");
  return static_cast<std::size_t>(group);
}

py::object request(AdaptiveSampler& s) {
  const auto wanted = unwrap(s.request());
  if (!wanted) return py::none();
  return py::make_tuple(wanted->group, wanted->count);
}

py::dict report(const AdaptiveSampler& s) {
  const auto r = unwrap(s.report());
  std::vector<double> errors, deviations, marginals;
  for (const explore::GroupReport& g : r.groups) {
    errors.push_back(g.now.error);
    deviations.push_back(g.now.deviation);
    marginals.push_back(g.marginal);
  }
  py::dict d;
  d["errors"] = to_array(std::move(errors));
  d["deviations"] = to_array(std::move(deviations));
  d["marginals"] = to_array(std::move(marginals));
  d["spent"] = r.spent;
  d["left"] = r.left;
  d["loss"] = r.loss;
  d["price_of_equity"] = r.price_of_equity;
  return d;
}

void bind_sampler(py::module_& module) {
  py::class_<AdaptiveSampler>(module, "AdaptiveSampler")
      .def(py::init([](std::vector<GroupSpec> specs, double budget, double q, double batch, std::int64_t seed_count,
                       double tolerance, bool thompson, std::uint64_t seed) {
             return unwrap(AdaptiveSampler::make(std::move(specs), {.objective = {.q = q},
                                                                    .budget = budget,
                                                                    .batch = batch,
                                                                    .seed_count = seed_count,
                                                                    .tolerance = tolerance,
                                                                    .thompson = thompson,
                                                                    .seed = seed}));
           }),
           arg("groups"), arg("budget"), arg("q"), arg("batch"), arg("seed_count"), arg("tolerance"), arg("thompson"),
           arg("seed"))
      .def("request", &request)
      .def(
          "bought", [](AdaptiveSampler& s, std::int64_t count) { unwrap(s.bought(count)); }, arg("count"))
      .def(
          "record_sizes",
          [](const AdaptiveSampler& s, std::int64_t group) {
            if (position(group) >= s.groups().size())
              refuse("group: is " + std::to_string(group) + "; there are " + std::to_string(s.groups().size()));
            return to_array(s.record_sizes(position(group)));
          },
          arg("group"))
      .def(
          "observe",
          [](AdaptiveSampler& s, std::int64_t group, std::int64_t n, double error, double variance) {
            unwrap(s.observe(position(group), n, error, variance));
          },
          arg("group"), arg("n"), arg("error"), arg("variance"))
      .def_property_readonly(
          "counts", [](const AdaptiveSampler& s) { return to_array(s.counts()); }, "[groups]")
      .def_property_readonly("spent", &AdaptiveSampler::spent, "of the budget")
      .def("report", &report)
      .def("save", [](const AdaptiveSampler& s) { return from_json(unwrap(s.save())); })
      .def_static(
          "restore",
          [](const py::dict& saved) { return unwrap(AdaptiveSampler::restore(to_json_object(saved, "saved"))); },
          arg("saved"));
}

}  // namespace

void bind_equitable(py::module_& module) {
  py::class_<GroupSpec>(module, "GroupSpec");
  module.def("equity_groups", &groups, arg("names"), arg("costs"), arg("weights"), arg("least"), arg("most"));
  module.def("equity_plan", &plan, arg("groups"), arg("curves"), arg("q"), arg("budget"));
  bind_sampler(module);
}

}  // namespace bursar::python
