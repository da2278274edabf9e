// A linear program, solved by CLP: the bound of small problems with several resources.
//
//   LinearProgram lp{.objective = {3, 2}, .upper = {1, 1}, .start = {0, 1, 2}};
//   lp.row = {0, 0}, lp.element = {2, 1}, lp.row_upper = {2};
//   auto r = maximise(lp);   // r->x = {0.5, 1}, r->objective = 3.5, r->price = {1.5}
//
// Maximises  objective . x  subject to  row_lower <= A x <= row_upper,  0 <= x <= upper.  A is given by columns: column
// j has the entries [start_j, start_{j+1}). The answer is a vertex: where A is totally unimodular it is whole.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
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

// A linear program whose columns are found while it is solved (column generation): each solve starts from the basis of
// the one before.
//
//   GrowingProgram master({1, 1});                    // row_upper; A x <= row_upper, x >= 0
//   while (true) {
//     auto at = master.solve();                       // at->price says what a column may cost
//     if (!a column is worth more than it costs at these prices) break;
//     master.add_column(worth, rows, elements);
//   }
class GrowingProgram {
 public:
  explicit GrowingProgram(std::span<const double> row_upper);
  ~GrowingProgram();
  GrowingProgram(GrowingProgram&&) noexcept;
  GrowingProgram& operator=(GrowingProgram&&) noexcept;

  // `row` without doubles, each below the number of rows; as many elements. Returns the column's number, from 0.
  std::size_t add_column(double objective, std::span<const int> row, std::span<const double> element);
  // Errors as maximise().
  [[nodiscard]] Result<LinearSolution> solve();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bursar::allocate
