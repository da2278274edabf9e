#include "bursar/allocate/linear_program.h"

#include <coin/Clp_C_Interface.h>
#include <limits>
#include <memory>
#include <string>

namespace bursar::allocate {
namespace {

struct Delete {
  void operator()(Clp_Simplex* model) const { Clp_deleteModel(model); }
};

}  // namespace

Result<LinearSolution> maximise(const LinearProgram& p, int max_iterations) {
  const std::size_t columns = p.objective.size(), rows = p.row_upper.size();
  if (p.upper.size() != columns || p.start.size() != columns + 1 || p.row.size() != p.element.size() ||
      static_cast<std::size_t>(p.start.back()) != p.row.size() ||
      (!p.row_lower.empty() && p.row_lower.size() != rows)) {
    return invalid_argument("the arrays of a linear program with " + std::to_string(columns) + " columns and " +
                            std::to_string(rows) + " rows do not fit together");
  }
  const std::unique_ptr<Clp_Simplex, Delete> model(Clp_newModel());
  Clp_setLogLevel(model.get(), 0);
  const std::vector<double> lower(columns, 0.0);
  std::vector<double> row_lower = p.row_lower;
  if (row_lower.empty()) row_lower.assign(rows, -std::numeric_limits<double>::infinity());
  Clp_loadProblem(model.get(), static_cast<int>(columns), static_cast<int>(rows), p.start.data(), p.row.data(),
                  p.element.data(), lower.data(), p.upper.data(), p.objective.data(), row_lower.data(),
                  p.row_upper.data());
  Clp_setOptimizationDirection(model.get(), -1);
  if (max_iterations > 0) Clp_setMaximumIterations(model.get(), max_iterations);
  Clp_initialSolve(model.get());
  switch (Clp_status(model.get())) {
    case 0: break;
    case 1: return fail(ErrorCode::kInfeasible, "the linear program has no solution");
    case 2: return fail(ErrorCode::kExhausted, "the objective of the linear program has no bound");
    default: return fail(ErrorCode::kExhausted, "the simplex method stopped before the optimum");
  }
  LinearSolution s{.objective = Clp_objectiveValue(model.get())};
  const double* x = Clp_primalColumnSolution(model.get());
  const double* price = Clp_dualRowSolution(model.get());
  s.x.assign(x, x + columns);
  s.price.assign(price, price + rows);
  return s;
}

}  // namespace bursar::allocate
