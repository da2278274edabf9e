// Budgets split over curves: water-filling, whole units by marginal gains, and curves that are learned from pilots.
#include <pybind11/stl.h>

#include "bursar/allocate/marginal_greedy.h"
#include "bursar/allocate/response_curve.h"
#include "bursar/allocate/water_filling.h"
#include "python/native/arrays.h"
#include "python/native/failure.h"
#include "python/native/module.h"
#include "python/native/unlocked.h"

namespace bursar::python {
namespace py = pybind11;
using allocate::Growth;
using py::arg;

namespace {

allocate::Curve curve(const std::string& family, double weight, double shape) {
  if (family == "power") return allocate::PowerCurve{weight, shape};
  if (family == "log") return allocate::LogCurve{weight, shape};
  if (family == "saturating") return allocate::SaturatingCurve{weight, shape};
  refuse("family: is '" + family + "'; known are power, log, saturating");
}

std::vector<allocate::WaterItem> water_items(const py::dict& d) {
  const auto families = d["family"].cast<std::vector<std::string>>();
  const auto weight = doubles(d["weight"], "weight"), shape = doubles(d["shape"], "shape");
  const auto floor = doubles(d["floors"], "floors"), ceiling = doubles(d["ceilings"], "ceilings");
  const auto cost = doubles(d["costs"], "costs");
  const std::size_t n = weight.numbers.size();
  require_length(shape, n, "shape", "weight");
  require_length(floor, n, "floors", "weight");
  require_length(ceiling, n, "ceilings", "weight");
  require_length(cost, n, "costs", "weight");
  if (families.size() != 1 && families.size() != n)
    refuse("family: names " + std::to_string(families.size()) + " curves, must be 1 or " + std::to_string(n));
  std::vector<allocate::WaterItem> items(n);
  for (std::size_t i = 0; i < n; ++i) {
    items[i].curve = curve(families[families.size() == 1 ? 0 : i], weight.numbers[i], shape.numbers[i]);
    if (floor.given()) items[i].floor = floor.numbers[i];
    if (ceiling.given()) items[i].ceiling = ceiling.numbers[i];
    if (cost.given()) items[i].cost = cost.numbers[i];
  }
  return items;
}

py::dict water(const py::dict& curves, double budget) {
  const auto items = water_items(curves);
  auto r = unwrap(unlocked([&] { return allocate::water_filling(items, budget); }));
  py::dict d;
  d["amounts"] = to_array(std::move(r.amounts));
  d["value"] = r.value;
  d["spent"] = r.spent;
  d["bound"] = r.bound;
  d["price"] = r.price;
  return d;
}

py::dict units_of(allocate::UnitSplit split) {
  py::dict d;
  d["units"] = to_array(std::move(split.units));
  d["spent"] = split.spent;
  d["gained"] = split.gained;
  d["bound"] = split.bound;
  d["next_gain"] = split.next_gain;
  d["grows"] = split.grows ? py::object(py::make_tuple(split.grows->item, split.grows->unit)) : py::object(py::none());
  d["stop"] = std::string(name_of(split.stop));
  return d;
}

py::dict water_units(const py::dict& curves, std::int64_t budget) {
  const auto items = water_items(curves);
  return units_of(unwrap(unlocked([&] { return allocate::water_filling_units(items, budget); })));
}

Growth growth(const std::string& name) {
  if (name == "exact") return Growth::kExact;
  if (name == "hull") return Growth::kHull;
  if (name == "report") return Growth::kReport;
  refuse("when_gains_grow: is '" + name + "'; known are exact, hull, report");
}

// gains [items x most]: of the (n+1)-th unit of each item; most is everybody's ceiling.
py::dict greedy(const py::object& gains, std::int64_t budget, const py::object& floors, const py::object& ceilings,
                const std::string& when_gains_grow, bool look_ahead) {
  const auto g = doubles(gains, "gains", {2});
  if (!g.given()) refuse("gains: are missing");
  const auto low = integers(floors, "floors"), high = integers(ceilings, "ceilings");
  const std::size_t items = g.shape[0], most = g.shape[1];
  require_length(low, items, "floors", "gains");
  require_length(high, items, "ceilings", "gains");
  for (std::size_t i = 0; i < high.numbers.size(); ++i) {
    if (high.numbers[i] > static_cast<std::int64_t>(most))
      refuse("ceilings[" + std::to_string(i) + "]: is " + std::to_string(high.numbers[i]) + "; gains has only " +
             std::to_string(most) + " columns");
  }
  const allocate::UnitOptions options{.when_gains_grow = growth(when_gains_grow), .look_ahead = look_ahead};
  return units_of(unwrap(unlocked([&] {
    return allocate::marginal_greedy(
        {.items = items,
         .budget = budget,
         .ceiling = static_cast<std::int64_t>(most),
         .floors = low.numbers,
         .ceilings = high.numbers},
        [&](std::size_t i, std::int64_t n) { return g.numbers[i * most + static_cast<std::size_t>(n)]; }, options);
  })));
}

allocate::ResponseFamily response_family(const std::string& name) {
  if (name == "best") return allocate::ResponseFamily::kBest;
  if (name == "power") return allocate::ResponseFamily::kPower;
  if (name == "saturating") return allocate::ResponseFamily::kSaturating;
  refuse("family: is '" + name + "'; known are best, power, saturating");
}

allocate::ResponseFit fit(const py::object& units, const py::object& value, const py::object& error,
                          const std::string& family) {
  const auto x = doubles(units, "units"), y = doubles(value, "value"), e = doubles(error, "error");
  require_length(y, x.numbers.size(), "value", "units");
  require_length(e, x.numbers.size(), "error", "units");
  std::vector<allocate::Observation> seen;
  for (std::size_t i = 0; i < x.numbers.size(); ++i)
    seen.push_back({x.numbers[i], y.numbers[i], e.given() ? e.numbers[i] : 0.0});
  return unwrap(allocate::fit_response(seen, response_family(family)));
}

py::dict plan(const std::vector<allocate::ResponseFit>& fits, double budget, const py::dict& bounds, int draws,
              double coverage, std::uint64_t seed) {
  const auto numbers = [&](const char* field) {
    const auto n = doubles(bounds[field], field);
    return std::vector<double>(n.numbers.begin(), n.numbers.end());
  };
  const allocate::ResponseProblem problem{
      .fits = fits, .floors = numbers("floors"), .ceilings = numbers("ceilings"), .costs = numbers("costs")};
  auto r = unwrap(unlocked([&] {
    return allocate::allocate_responses(problem, budget, {.draws = draws, .coverage = coverage, .seed = seed});
  }));
  py::dict d;
  d["amounts"] = to_array(std::move(r.amounts));
  d["low"] = to_array(std::move(r.low));
  d["high"] = to_array(std::move(r.high));
  d["value"] = r.value;
  d["error"] = r.error;
  d["spent"] = r.spent;
  d["price"] = r.price;
  d["bound"] = r.bound;
  d["regret"] = r.regret;
  return d;
}

}  // namespace

void bind_curves(py::module_& module) {
  module.def("water_filling", &water, arg("curves"), arg("budget"));
  module.def("water_filling_units", &water_units, arg("curves"), arg("budget"));
  module.def("split_units", &greedy, arg("gains"), arg("budget"), arg("floors"), arg("ceilings"),
             arg("when_gains_grow"), arg("look_ahead"));
  py::class_<allocate::ResponseFit>(module, "ResponseFit", "A response curve that was fitted to observations.")
      .def_property_readonly(
          "family",
          [](const allocate::ResponseFit& f) {
            return f.family == allocate::ResponseFamily::kPower ? "power" : "saturating";
          },
          "'power' or 'saturating'")
      .def_readonly("level", &allocate::ResponseFit::level, "what the curve rises to (power) or from (saturating)")
      .def_readonly("gain", &allocate::ResponseFit::gain, "by how much")
      .def_readonly("shape", &allocate::ResponseFit::shape, "exponent, or units of one e-fold")
      .def_readonly("r_squared", &allocate::ResponseFit::r_squared, "1 - residual / variance, weighted")
      .def_readonly("shape_at_edge", &allocate::ResponseFit::shape_at_edge, "the data do not tell the shape")
      .def(
          "predict",
          [](const allocate::ResponseFit& f, double units) {
            const auto p = allocate::predict(f, units);
            return std::make_pair(p.value, p.error);
          },
          arg("units"), "(value, standard error) at so many units.");
  module.def("fit_response", &fit, arg("units"), arg("value"), arg("error"), arg("family"));
  module.def("plan_responses", &plan, arg("fits"), arg("budget"), arg("bounds"), arg("draws"), arg("coverage"),
             arg("seed"));
}

}  // namespace bursar::python
