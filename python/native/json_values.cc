#include "python/native/json_values.h"

#include <boost/json/array.hpp>
#include <cmath>
#include <string>

#include "python/native/failure.h"

namespace bursar::python {
namespace py = pybind11;
namespace json = boost::json;

namespace {

constexpr std::size_t kDeepest = 64;

json::value number_of(py::handle value, const std::string& place) {
  if (PyFloat_Check(value.ptr())) {
    const double x = value.cast<double>();
    if (!std::isfinite(x)) refuse(place + ": is " + text_of(value) + "; it must be finite");
    return x;
  }
  const auto whole = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
  if (whole) {
    int overflow = 0;
    const long long small = PyLong_AsLongLongAndOverflow(whole.ptr(), &overflow);
    if (overflow == 0) return static_cast<std::int64_t>(small);
    const unsigned long long large = PyLong_AsUnsignedLongLong(whole.ptr());
    if (PyErr_Occurred() == nullptr) return static_cast<std::uint64_t>(large);
    PyErr_Clear();
    refuse(place + ": is " + text_of(value) + ", which does not fit into 64 bits");
  }
  PyErr_Clear();
  throw WrongType(place + ": " + text_of(py::type::of(value).attr("__name__")) +
                  " is not taken; give text, numbers, truth values, lists or dicts");
}

json::value value_of(py::handle value, const std::string& place, std::size_t depth) {
  if (depth > kDeepest) refuse(place + ": is nested deeper than " + std::to_string(kDeepest) + " levels");
  if (value.is_none()) return nullptr;
  if (PyBool_Check(value.ptr())) return value.cast<bool>();
  if (PyUnicode_Check(value.ptr())) return json::string(value.cast<std::string>());
  if (py::isinstance<py::dict>(value)) {
    json::object object;
    for (const auto& [key, member] : py::reinterpret_borrow<py::dict>(value)) {
      if (!PyUnicode_Check(key.ptr())) throw WrongType(place + ": keys must be text");
      const auto name = key.cast<std::string>();
      object[name] = value_of(member, place + "." + name, depth + 1);
    }
    return object;
  }
  const bool array = py::hasattr(value, "dtype") && py::hasattr(value, "tolist");
  if (array) return value_of(value.attr("tolist")(), place, depth);  // a NumPy number becomes Python's
  if (PyList_Check(value.ptr()) || PyTuple_Check(value.ptr())) {
    json::array list;
    for (const auto& element : py::reinterpret_borrow<py::sequence>(value))
      list.push_back(value_of(element, place + "[" + std::to_string(list.size()) + "]", depth + 1));
    return list;
  }
  return number_of(value, place);
}

}  // namespace

json::value to_json_value(py::handle value, std::string_view place) { return value_of(value, std::string(place), 0); }

json::object to_json_object(const py::dict& values, std::string_view place) {
  return value_of(values, std::string(place), 0).as_object();
}

py::object from_json(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return py::none();
    case json::kind::bool_: return py::bool_(value.get_bool());
    case json::kind::int64: return py::int_(value.get_int64());
    case json::kind::uint64: return py::int_(value.get_uint64());
    case json::kind::double_: return py::float_(value.get_double());
    case json::kind::string: return py::str(value.get_string().data(), value.get_string().size());
    case json::kind::array: {
      py::list list;
      for (const auto& element : value.get_array()) list.append(from_json(element));
      return list;
    }
    case json::kind::object: {
      py::dict dict;
      for (const auto& member : value.get_object())
        dict[py::str(member.key().data(), member.key().size())] = from_json(member.value());
      return dict;
    }
  }
  return py::none();
}

}  // namespace bursar::python
