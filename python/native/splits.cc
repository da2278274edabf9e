// Rounding and dividing whole budgets: core/apportionment.
#include "bursar/core/apportionment.h"
#include "python/native/arrays.h"
#include "python/native/failure.h"
#include "python/native/module.h"
#include "python/native/unlocked.h"

namespace bursar::python {
namespace py = pybind11;
using py::arg;

namespace {

py::array_t<std::int64_t> apportion_array(const py::object& weights, std::int64_t total, const py::object& floors,
                                          const py::object& ceilings) {
  const auto w = doubles(weights, "weights");
  const auto low = integers(floors, "floors");
  const auto high = integers(ceilings, "ceilings");
  return to_array(unwrap(unlocked([&] { return apportion(w, total, {low.numbers, high.numbers}); })));
}

py::array_t<std::int64_t> round_array(const py::object& values) {
  const auto v = doubles(values, "values");
  return to_array(unwrap(unlocked([&] { return round_cumulatively(v); })));
}

}  // namespace

void bind_splits(py::module_& module) {
  module.def("apportion", &apportion_array, arg("weights"), arg("total"), arg("floors"), arg("ceilings"));
  module.def("round_cumulatively", &round_array, arg("values"));
}

}  // namespace bursar::python
