// One point or one split for parties that each want another one.
#include <pybind11/stl.h>

#include "bursar/agree/axioms.h"
#include "bursar/agree/independent_markets.h"
#include "bursar/agree/phantom.h"
#include "python/native/arrays.h"
#include "python/native/failure.h"
#include "python/native/module.h"
#include "python/native/unlocked.h"

namespace bursar::python {
namespace py = pybind11;
using py::arg;

namespace {

// The arrays of a profile, kept while it is used.
struct Parties {
  Parties(const py::object& given_reports, const py::object& given_weights, double low, double high)
      : reports(doubles(given_reports, "reports")), weights(doubles(given_weights, "weights")), interval{low, high} {
    require_length(weights, reports.numbers.size(), "weights", "reports");
  }
  [[nodiscard]] agree::Profile profile() const {
    return {.reports = reports, .weights = weights, .interval = interval};
  }

  Numbers<double> reports, weights;
  agree::Interval interval;
};

double decide(const py::object& reports, const std::string& rule, const py::object& weights, double low, double high) {
  const Parties parties(reports, weights, low, high);
  const auto named = unwrap(agree::rule_named(rule));
  return unwrap(unlocked([&] { return agree::decide(named, parties.profile()); }));
}

py::array_t<double> markets(const py::object& proposals, const py::object& weights) {
  const auto shares = doubles(proposals, "proposals", {2});
  const auto w = doubles(weights, "weights");
  if (!shares.given()) refuse("proposals: are missing");
  require_length(w, shares.shape[0], "weights", "proposals");
  return to_array(unwrap(unlocked(
      [&] { return agree::independent_markets({.lines = shares.shape[1], .shares = shares, .weights = w}); })));
}

py::dict guarantees(const py::object& reports, double outcome, const py::object& weights, double low, double high) {
  const Parties parties(reports, weights, low, high);
  std::vector<double> distance, individual, unanimous, proportional;
  for (const agree::Guarantee& g : unwrap(unlocked([&] { return agree::guarantees(parties.profile(), outcome); }))) {
    distance.push_back(g.distance);
    individual.push_back(g.individual);
    unanimous.push_back(g.unanimous);
    proportional.push_back(g.proportional);
  }
  py::dict d;
  d["distance"] = to_array(std::move(distance));
  d["individual"] = to_array(std::move(individual));
  d["unanimous"] = to_array(std::move(unanimous));
  d["proportional"] = to_array(std::move(proportional));
  return d;
}

py::list axioms(const py::object& reports, double outcome, const py::object& weights, double low, double high) {
  const Parties parties(reports, weights, low, high);
  const auto profile = parties.profile();
  const auto report = unwrap(unlocked([&] { return agree::check_axioms(profile, outcome); }));
  py::list list;
  for (const agree::AxiomFinding& f : report.findings) {
    py::dict d;
    d["axiom"] = std::string(name_of(f.axiom));
    d["applies"] = f.applies;
    d["holds"] = f.holds;
    d["slack"] = f.slack;
    d["group"] = f.group;
    d["text"] = agree::to_text(f, profile, outcome, {});
    list.append(d);
  }
  return list;
}

}  // namespace

void bind_agree(py::module_& module) {
  module.def("agree_decide", &decide, arg("reports"), arg("rule"), arg("weights"), arg("low"), arg("high"));
  module.def("agree_markets", &markets, arg("proposals"), arg("weights"));
  module.def("agree_guarantees", &guarantees, arg("reports"), arg("outcome"), arg("weights"), arg("low"), arg("high"));
  module.def("agree_axioms", &axioms, arg("reports"), arg("outcome"), arg("weights"), arg("low"), arg("high"));
}

}  // namespace bursar::python
