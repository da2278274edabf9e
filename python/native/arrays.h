// NumPy arrays in and out without copies.
//
//   auto value = doubles(argument, "value", {2});         // raises WrongType, InvalidArgument: "value: must have 2 …"
//   use(value.numbers, value.shape);                      // a span of the array's own memory
//   return to_array(std::move(result.choice));            // the vector's memory, owned by the array
//
// An array must have the type that is read, be contiguous in C order and aligned: it is never converted, because that
// would copy it unseen; the message says how to. Lists, tuples and single numbers are converted, where they hold
// numbers (whole ones for integers). None is an empty view. What a Numbers refers to lives as long as it does, and must
// not be changed by others meanwhile: the call may have released the interpreter lock.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bursar::python {

template <class T>
struct Numbers {
  pybind11::object holder;
  std::span<const T> numbers;
  std::vector<std::size_t> shape;  // empty for None and for a single number

  [[nodiscard]] bool given() const { return !holder.is_none(); }
  operator std::span<const T>() const { return numbers; }  // NOLINT(google-explicit-constructor)
};

// `dimensions`: those that are taken; 0 stands for a single number. Flags are arrays of bool or uint8.
[[nodiscard]] Numbers<double> doubles(pybind11::handle argument, std::string_view field,
                                      std::initializer_list<std::size_t> dimensions = {1});
[[nodiscard]] Numbers<float> floats(pybind11::handle argument, std::string_view field);  // [rows x columns]
[[nodiscard]] Numbers<std::int64_t> integers(pybind11::handle argument, std::string_view field,
                                             std::initializer_list<std::size_t> dimensions = {1});
[[nodiscard]] Numbers<std::uint32_t> positions(pybind11::handle argument, std::string_view field);
[[nodiscard]] Numbers<std::uint8_t> flags(pybind11::handle argument, std::string_view field,
                                          std::initializer_list<std::size_t> dimensions = {1});

// "(3, 4)", as NumPy writes it.
[[nodiscard]] std::string shape_text(std::span<const std::size_t> shape);

// kInvalidArgument: "cost: has shape (3, 4), must be (3, 5) as value".
void require_shape(std::span<const std::size_t> shape, std::span<const std::size_t> wanted, std::string_view field,
                   std::string_view as);
template <class T>
void require_length(const Numbers<T>& numbers, std::size_t length, std::string_view field, std::string_view as) {
  if (numbers.given()) require_shape(numbers.shape, std::span(&length, 1), field, as);
}

// Starts of rows: from 0, never falling, to `end`.
void require_starts(const Numbers<std::int64_t>& first, std::size_t end, std::string_view of);

// The vector's memory becomes the array's. `shape`, if given, has as many elements.
template <class T>
[[nodiscard]] pybind11::array_t<T> to_array(std::vector<T> numbers, std::vector<std::size_t> shape = {}) {
  auto* kept = new std::vector<T>(std::move(numbers));
  const pybind11::capsule owner(kept, [](void* p) { delete static_cast<std::vector<T>*>(p); });
  if (shape.empty()) shape = {kept->size()};
  return pybind11::array_t<T>(shape, kept->data(), owner);
}
template <class T>
[[nodiscard]] pybind11::array_t<T> to_array(std::span<const T> numbers) {
  return pybind11::array_t<T>(numbers.size(), numbers.data());
}

}  // namespace bursar::python
