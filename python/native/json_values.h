// Python values as JSON values and back: parameters and saved states.
//
//   boost::json::object parameters = to_json_object(kwargs, "parameters");
//   py::object saved = from_json(policy->save());
//
// Dicts with text keys, lists, tuples, one-dimensional arrays, text, None, truth values and numbers (NumPy's too).
// Doubles are kept to the last bit. kInvalidArgument names the place.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <pybind11/pybind11.h>
#include <string_view>

namespace bursar::python {

[[nodiscard]] boost::json::value to_json_value(pybind11::handle value, std::string_view place);
[[nodiscard]] boost::json::object to_json_object(const pybind11::dict& values, std::string_view place);
[[nodiscard]] pybind11::object from_json(const boost::json::value& value);

}  // namespace bursar::python
