#include "bursar/allocate/linear_program.h"

#include <array>
#include <coin/Clp_C_Interface.h>
#include <limits>
#include <memory>
#include <string>

namespace bursar::allocate {
namespace {

struct Delete {
  void operator()(Clp_Simplex* model) const { Clp_deleteModel(model); }
};

using Model = std::unique_ptr<Clp_Simplex, Delete>;

Model load(const LinearProgram& p, int max_iterations) {
  Model model(Clp_newModel());
  const std::size_t columns = p.objective.size(), rows = p.row_upper.size();
  Clp_setLogLevel(model.get(), 0);
  const std::vector<double> lower(columns, 0.0);
  std::vector<double> row_lower = p.row_lower;
  if (row_lower.empty()) row_lower.assign(rows, -std::numeric_limits<double>::infinity());
  Clp_loadProblem(model.get(), static_cast<int>(columns), static_cast<int>(rows), p.start.data(), p.row.data(),
                  p.element.data(), lower.data(), p.upper.data(), p.objective.data(), row_lower.data(),
                  p.row_upper.data());
  Clp_setOptimizationDirection(model.get(), -1);
  if (max_iterations > 0) Clp_setMaximumIterations(model.get(), max_iterations);
  return model;
}

// CLP scales a program and reports an optimum of the scaled one, by this secondary status, even where the program
// itself has a better one by far (seen: .692 for .752).
struct DeleteOptions {
  void operator()(Clp_Solve* options) const { ClpSolve_delete(options); }
};

// As Clp_initialSolve, but without its handler of SIGINT, which would take interrupts from whoever embeds us.
void solve_from_scratch(Clp_Simplex* model) {
  constexpr int kInterrupts = 2, kNone = 1;
  const std::unique_ptr<Clp_Solve, DeleteOptions> options{ClpSolve_new()};
  ClpSolve_setSpecialOption(options.get(), kInterrupts, kNone, -1);
  Clp_initialSolveWithOptions(model, options.get());
}

bool is_optimal_as_scaled_only(Clp_Simplex* model) {
  const int secondary = Clp_secondaryStatus(model);
  return Clp_status(model) == 0 && secondary >= 2 && secondary <= 4;
}

Result<LinearSolution> solution_of(Clp_Simplex* model, std::size_t columns, std::size_t rows) {
  switch (Clp_status(model)) {
    case 0: break;
    case 1: return fail(ErrorCode::kInfeasible, "the linear program has no solution");
    case 2: return fail(ErrorCode::kExhausted, "the objective of the linear program has no bound");
    default: return fail(ErrorCode::kExhausted, "the simplex method stopped before the optimum");
  }
  LinearSolution s{.objective = Clp_objectiveValue(model)};
  const double* x = Clp_primalColumnSolution(model);
  const double* price = Clp_dualRowSolution(model);
  s.x.assign(x, x + columns);
  s.price.assign(price, price + rows);
  return s;
}

}  // namespace

Result<LinearSolution> maximise(const LinearProgram& p, int max_iterations) {
  const std::size_t columns = p.objective.size(), rows = p.row_upper.size();
  if (p.upper.size() != columns || p.start.size() != columns + 1 || p.row.size() != p.element.size() ||
      static_cast<std::size_t>(p.start.back()) != p.row.size() ||
      (!p.row_lower.empty() && p.row_lower.size() != rows)) {
    return invalid_argument("the arrays of a linear program with " + std::to_string(columns) + " columns and " +
                            std::to_string(rows) + " rows do not fit together");
  }
  auto model = load(p, max_iterations);
  solve_from_scratch(model.get());
  if (is_optimal_as_scaled_only(model.get())) {
    model = load(p, max_iterations);
    Clp_scaling(model.get(), 0);
    solve_from_scratch(model.get());
  }
  return solution_of(model.get(), columns, rows);
}

struct GrowingProgram::State {
  std::unique_ptr<Clp_Simplex, Delete> model{Clp_newModel()};
  std::size_t columns = 0, rows = 0;
};

GrowingProgram::GrowingProgram(std::span<const double> row_upper) : state_(std::make_unique<State>()) {
  Clp_Simplex* model = state_->model.get();
  state_->rows = row_upper.size();
  const std::vector<double> row_lower(row_upper.size(), -std::numeric_limits<double>::infinity());
  const int start = 0;
  Clp_setLogLevel(model, 0);
  Clp_loadProblem(model, 0, static_cast<int>(row_upper.size()), &start, nullptr, nullptr, nullptr, nullptr, nullptr,
                  row_lower.data(), row_upper.data());
  Clp_setOptimizationDirection(model, -1);
}

GrowingProgram::~GrowingProgram() = default;
GrowingProgram::GrowingProgram(GrowingProgram&&) noexcept = default;
GrowingProgram& GrowingProgram::operator=(GrowingProgram&&) noexcept = default;

std::size_t GrowingProgram::add_column(double objective, std::span<const int> row, std::span<const double> element) {
  const double lower = 0, upper = std::numeric_limits<double>::infinity();
  const std::array<int, 2> start{0, static_cast<int>(row.size())};
  Clp_addColumns(state_->model.get(), 1, &lower, &upper, &objective, start.data(), row.data(), element.data());
  return state_->columns++;
}

Result<LinearSolution> GrowingProgram::solve() {
  Clp_primal(state_->model.get(), 0);
  if (is_optimal_as_scaled_only(state_->model.get())) {
    Clp_scaling(state_->model.get(), 0);
    Clp_primal(state_->model.get(), 0);
  }
  return solution_of(state_->model.get(), state_->columns, state_->rows);
}

}  // namespace bursar::allocate
