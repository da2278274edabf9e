// Two-dimensional arrays of numbers in NumPy's file format, versions 1 to 3.
//
//   auto value = read_npy(value_file), cost = read_npy(cost_file);
//   auto stated = problem_from_arrays(std::move(*value), {std::move(*cost)});   // [items, options] each
//
// Read: float64, float32 and int64 in little-endian and C order. int64 beyond 2^53 is refused, since a double could not
// hold it. Memory: the numbers that are really there; a shape that promises more is refused before.
#pragma once

#include <vector>

#include "bursar/allocate/format/source.h"
#include "bursar/allocate/format/stated_problem.h"

namespace bursar::allocate {

struct NumberArray {
  std::uint64_t rows = 0, columns = 0;
  std::vector<double> numbers;  // [rows x columns]
};

// Errors (kInvalidArgument): no NumPy file, another type, order or number of dimensions, a shape that is empty, and a
// file that is shorter or longer than its shape says; kExhausted past limits.max_options.
[[nodiscard]] Result<NumberArray> read_npy(const ByteSource& source, const ReadLimits& limits = {});

// One array of values, one of costs for every resource. Errors name row, column and value: as read_problem_csv.
[[nodiscard]] Result<StatedProblem> problem_from_arrays(NumberArray value, std::vector<NumberArray> costs);

}  // namespace bursar::allocate
