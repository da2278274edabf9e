// A linear program, solved by CLP: the bound of small problems with several resources.
//
//   LinearProgram lp{.objective = {3, 2}, .upper = {1, 1}, .start = {0, 1, 2}, .row = {0, 0}, .element = {2, 1},
//   .row_upper = {2}}; auto r = maximise(lp);   // r->x = {0.5, 1}, r->objective = 3.5, r->price = {1.5}
//
// Maximises  objective . x  subject to  row_lower <= A x <= row_upper,  0 <= x <= upper.  A is given by columns: column
// j has the entries [start_j, start_{j+1}). The answer is a vertex: where A is totally unimodular it is whole.
#pragma once

#include <cstdint>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::allocate {

struct LinearProgram {
  std::vector<double> objective;       // [columns]
  std::vector<double> upper;           // [columns], may be infinite
  std::vector<int> start;              // [columns + 1]
  std::vector<int> row;                // [entries]
  std::vector<double> element;         // [entries]
  std::vector<double> row_lower = {};  // [rows] or empty: no lower limits
  std::vector<double> row_upper;       // [rows], may be infinite
};

struct LinearSolution {
  double objective = 0;
  std::vector<double> x;      // [columns]
  std::vector<double> price;  // [rows]: what one more unit of the row's limit is worth
};

// Errors: kInvalidArgument for arrays that do not fit together; kInfeasible where no x exists; kExhausted past
// max_iterations of the simplex method (0: no limit) or for an objective without bound. Thread-safe.
[[nodiscard]] Result<LinearSolution> maximise(const LinearProgram& program, int max_iterations = 0);

}  // namespace bursar::allocate
