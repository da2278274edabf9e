#include "python/native/arrays.h"

#include <algorithm>

#include "python/native/failure.h"

namespace bursar::python {
namespace py = pybind11;

namespace {

std::string quoted(std::string_view field) { return std::string(field) + ": "; }

std::vector<std::size_t> shape_of(const py::array& array) { return {array.shape(), array.shape() + array.ndim()}; }

// A list, tuple or number as an array, provided that it holds numbers: NumPy would read "1" as one, and cut 1.5 to 1.
py::array converted(py::handle argument, std::string_view field, const py::dtype& type, bool whole) {
  py::array loose;
  try {
    loose = py::module_::import("numpy").attr("asarray")(argument);
  } catch (const py::error_already_set& error) {
    throw WrongType(quoted(field) + "must be an array of numbers (" + text_of(error.value()) + ")");
  }
  const std::string kinds = type.kind() == 'b' ? "b" : whole ? "iu" : "iuf";
  if (loose.size() > 0 && kinds.find(loose.dtype().kind()) == std::string::npos) {
    const std::string what = type.kind() == 'b' ? "truth values" : whole ? "whole numbers" : "numbers";
    throw WrongType(quoted(field) + "must hold " + what + ", holds " + text_of(loose.dtype()));
  }
  if (type.kind() == 'u' && loose.size() > 0 && py::bool_(loose.attr("min")().attr("__lt__")(0)))
    refuse(quoted(field) + "must hold whole numbers of at least 0");
  return py::array(loose.attr("astype")(type));
}

// As ==, without a call into Python: a policy reads several arrays a decision.
bool same(const py::dtype& a, const py::dtype& b) {
  return py::detail::npy_api::get().PyArray_EquivTypes_(a.ptr(), b.ptr());
}

void check_layout(const py::array& array, std::string_view field, const py::dtype& type) {
  const auto aligned = py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  if ((array.flags() & py::array::c_style) == 0) {
    throw WrongType(quoted(field) + "must be contiguous in C order, has strides " + text_of(array.attr("strides")) +
                    "; pass numpy.ascontiguousarray(" + std::string(field) + ")");
  }
  if ((array.flags() & aligned) == 0)
    throw WrongType(quoted(field) + "must be aligned; pass numpy.require(" + std::string(field) + ", '" +
                    text_of(type) + "', 'A')");
}

void check_dimensions(const py::array& array, std::string_view field, std::initializer_list<std::size_t> dimensions) {
  const auto n = static_cast<std::size_t>(array.ndim());
  if (std::ranges::find(dimensions, n) != dimensions.end()) return;
  std::string taken;
  for (const std::size_t d : dimensions) taken += (taken.empty() ? "" : " or ") + std::to_string(d);
  refuse(quoted(field) + "must have " + taken + (taken == "1" ? " dimension" : " dimensions") + ", has shape " +
         shape_text(shape_of(array)));
}

template <class T>
Numbers<T> read(py::handle argument, std::string_view field, std::initializer_list<std::size_t> dimensions,
                const py::dtype& type) {
  if (argument.is_none()) return {py::none(), {}, {}};
  py::array array;
  if (py::isinstance<py::array>(argument)) {
    array = py::reinterpret_borrow<py::array>(argument);
    if (!same(array.dtype(), type)) {
      throw WrongType(quoted(field) + "must be an array of " + text_of(type) + ", is " + text_of(array.dtype()) +
                      "; pass numpy.asarray(" + std::string(field) + ", dtype='" + text_of(type) + "')");
    }
  } else {
    array = converted(argument, field, type, type.kind() != 'f');
  }
  check_layout(array, field, type);
  check_dimensions(array, field, dimensions);
  const auto* data = static_cast<const T*>(array.data());
  return {array, {data, static_cast<std::size_t>(array.size())}, shape_of(array)};
}

}  // namespace

Numbers<double> doubles(py::handle argument, std::string_view field, std::initializer_list<std::size_t> dimensions) {
  return read<double>(argument, field, dimensions, py::dtype::of<double>());
}

Numbers<float> floats(py::handle argument, std::string_view field) {
  return read<float>(argument, field, {2}, py::dtype::of<float>());
}

Numbers<std::int64_t> integers(py::handle argument, std::string_view field,
                               std::initializer_list<std::size_t> dimensions) {
  return read<std::int64_t>(argument, field, dimensions, py::dtype::of<std::int64_t>());
}

Numbers<std::uint32_t> positions(py::handle argument, std::string_view field) {
  return read<std::uint32_t>(argument, field, {1}, py::dtype::of<std::uint32_t>());
}

Numbers<std::uint8_t> flags(py::handle argument, std::string_view field,
                            std::initializer_list<std::size_t> dimensions) {
  const bool bytes = py::isinstance<py::array>(argument) &&
                     py::reinterpret_borrow<py::array>(argument).dtype().equal(py::dtype::of<std::uint8_t>());
  return read<std::uint8_t>(argument, field, dimensions, bytes ? py::dtype::of<std::uint8_t>() : py::dtype::of<bool>());
}

std::string shape_text(std::span<const std::size_t> shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

void require_shape(std::span<const std::size_t> shape, std::span<const std::size_t> wanted, std::string_view field,
                   std::string_view as) {
  if (std::ranges::equal(shape, wanted)) return;
  refuse(quoted(field) + "has shape " + shape_text(shape) + ", must be " + shape_text(wanted) + " as " +
         std::string(as));
}

void require_starts(const Numbers<std::int64_t>& first, std::size_t end, std::string_view of) {
  const auto n = first.numbers;
  const bool good =
      !n.empty() && n.front() == 0 && static_cast<std::size_t>(n.back()) == end && std::ranges::is_sorted(n);
  if (!good) refuse("first: must rise from 0 to the number of " + std::string(of) + ", " + std::to_string(end));
}

}  // namespace bursar::python
