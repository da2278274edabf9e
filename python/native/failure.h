// Errors on their way to Python: a Result that failed becomes the exception of its code, with the same text.
//
//   auto split = unwrap(apportion(weights, total));     // raises bursar.InvalidArgument: "weights[2] is nan; …"
//
// The classes are Python's own (bursar/errors.py); they are looked up when something is raised.
#pragma once

#include <exception>
#include <pybind11/pybind11.h>
#include <string>
#include <utility>

#include "bursar/core/result.h"

namespace bursar::python {

class Failure : public std::exception {
 public:
  explicit Failure(Error error) : error_(std::move(error)) {}
  [[nodiscard]] const char* what() const noexcept override { return error_.message.c_str(); }
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  Error error_;
};

// str(value).
[[nodiscard]] inline std::string text_of(pybind11::handle value) { return pybind11::str(value); }

[[noreturn]] inline void refuse(std::string message) {
  throw Failure({.code = ErrorCode::kInvalidArgument, .message = std::move(message)});
}

// An argument of the wrong type: bursar.WrongType, which is a TypeError as well.
class WrongType : public std::exception {
 public:
  explicit WrongType(std::string message) : message_(std::move(message)) {}
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

template <class T>
[[nodiscard]] T unwrap(Result<T> result) {
  if (!result) throw Failure(std::move(result.error()));
  return std::move(*result);
}
inline void unwrap(Result<void> result) {
  if (!result) throw Failure(std::move(result.error()));
}

void bind_failures(pybind11::module_& module);

}  // namespace bursar::python
