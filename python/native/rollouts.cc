// Tokens and rollouts by rule, and the pairs of a matrix: the smaller kernels of allocate.
#include <pybind11/stl.h>

#include "bursar/allocate/direction_split.h"
#include "bursar/allocate/neyman_split.h"
#include "bursar/allocate/sparse_matching.h"
#include "bursar/allocate/token_split.h"
#include "python/native/arrays.h"
#include "python/native/failure.h"
#include "python/native/module.h"
#include "python/native/unlocked.h"

namespace bursar::python {
namespace py = pybind11;
using py::arg;

namespace {

py::dict neyman(const py::object& spread, const py::object& cost, double budget, std::int64_t least,
                std::int64_t most) {
  const auto s = doubles(spread, "spread"), c = doubles(cost, "cost");
  require_length(c, s.numbers.size(), "cost", "spread");
  std::vector<allocate::NeymanItem> items;
  for (std::size_t i = 0; i < s.numbers.size(); ++i) items.push_back({s.numbers[i], c.numbers[i]});
  auto r = unwrap(unlocked([&] { return allocate::neyman_split(items, budget, {least, most}); }));
  py::dict d;
  d["rollouts"] = to_array(std::move(r.rollouts));
  d["spent"] = r.spent;
  d["variance"] = r.variance;
  d["variance_bound"] = r.variance_bound;
  d["saturated"] = r.saturated;
  return d;
}

py::array_t<std::int64_t> tokens(const py::object& credits, std::int64_t total, const std::string& decay, double power,
                                 double base, double floor) {
  using allocate::Decay;
  static constexpr std::pair<std::string_view, Decay> kDecays[] = {{"constant", Decay::kConstant},
                                                                   {"linear", Decay::kLinear},
                                                                   {"polynomial", Decay::kPolynomial},
                                                                   {"exponential", Decay::kExponential},
                                                                   {"cosine", Decay::kCosine}};
  const auto c = doubles(credits, "credits");
  for (const auto& [name, kind] : kDecays)
    if (name == decay) return to_array(unwrap(allocate::split_tokens(c, total, kind, {power, base, floor})));
  refuse("decay: is '" + decay + "'; known are constant, linear, polynomial, exponential, cosine");
}

py::array_t<std::int64_t> directions(const py::object& scores, const py::object& similarity, std::int64_t rollouts,
                                     double quality_temperature, double similarity_temperature) {
  const auto s = doubles(scores, "scores"), m = doubles(similarity, "similarity", {2});
  const std::size_t k = s.numbers.size();
  const std::size_t square[] = {k, k};
  if (!m.given()) refuse("similarity: is missing");
  require_shape(m.shape, square, "similarity", "scores");
  return to_array(unwrap(unlocked([&] {
    return allocate::split_over_directions({.scores = s,
                                            .similarity = m,
                                            .quality_temperature = quality_temperature,
                                            .similarity_temperature = similarity_temperature},
                                           rollouts);
  })));
}

py::dict match(const py::object& affinity, std::int64_t total, std::int64_t per_row, std::int64_t per_column,
               const py::object& row_caps, const py::object& column_caps, bool allow_negative) {
  const auto a = floats(affinity, "affinity");
  const auto rows = integers(row_caps, "row_caps"), columns = integers(column_caps, "column_caps");
  auto r = unwrap(unlocked([&] {
    return allocate::sparse_match(
        {.data = a.numbers.data(), .rows = a.shape[0], .columns = a.shape[1]},
        {.total = total, .per_row = per_row, .per_column = per_column, .row_caps = rows, .column_caps = columns},
        {.allow_negative = allow_negative});
  }));
  py::dict d;
  d["first"] = to_array(std::vector<std::int64_t>(r.first.begin(), r.first.end()));
  d["column"] = to_array(std::move(r.column));
  d["value"] = r.value;
  d["bound"] = r.bound;
  d["threshold"] = static_cast<double>(r.threshold);
  d["stop"] = std::string(name_of(r.stop));
  return d;
}

}  // namespace

void bind_rollouts(py::module_& module) {
  module.def("neyman_split", &neyman, arg("spread"), arg("cost"), arg("budget"), arg("least"), arg("most"));
  module.def("split_tokens", &tokens, arg("credits"), arg("total"), arg("decay"), arg("power"), arg("base"),
             arg("floor"));
  module.def("split_over_directions", &directions, arg("scores"), arg("similarity"), arg("rollouts"),
             arg("quality_temperature"), arg("similarity_temperature"));
  module.def("sparse_match", &match, arg("affinity"), arg("total"), arg("per_row"), arg("per_column"), arg("row_caps"),
             arg("column_caps"), arg("allow_negative"));
}

}  // namespace bursar::python
