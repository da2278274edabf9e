// The surface of all mixtures of options whose expected cost is the budget: {a : C(a) = B}.
//
//   auto m = BudgetManifold::make({.groups = 60, .options = 6, .cost = costs}, budget);
//   m->retract(logits);                  // onto the budget
//   m->project(logits, gradient);        // along it
//
// Logits a in R^{N x K}, p_i = softmax(a_i), C(a) = sum_ik p_ik c_ik. Normal of {C = B}: n_ik = p_ik (c_ik - E_i[c]).
//   project:  g <- g - (<g,n> / <n,n>) n
//   retract:  a <- a + t c with C(a + t c) = B; t is unique, because dC/dt = sum_i Var_{p_i}(c_i) > 0
// Each is O(N K); a retraction evaluates C about 30 times. Source: systems/rco.
#pragma once

#include <span>

#include "bursar/core/result.h"

namespace bursar::allocate {

struct BudgetGroups {
  std::size_t groups = 0;
  std::size_t options = 0;       // of each group, >= 1
  std::span<const double> cost;  // [groups x options], integers: weights times the cost of an option, in whole units
};

// All arrays are [groups x options], row after row.
class BudgetManifold {
 public:
  // Costs may be any finite numbers. kInfeasible where the budget is not strictly between the least and the largest
  // cost.
  [[nodiscard]] static Result<BudgetManifold> make(BudgetGroups groups, double budget);

  [[nodiscard]] double cost(std::span<const double> logits) const;              // C(a)
  void normal(std::span<const double> logits, std::span<double> normal) const;  // n
  [[nodiscard]] double cost_slope(std::span<const double> logits) const;        // dC/dt at t = 0
  // Removes the component along the normal at `logits`. False where p has saturated and there is no normal.
  bool project(std::span<const double> logits, std::span<double> vector) const;
  // Moves along c to the budget: |C - B| <= 1e-10 max(1, |B|) afterwards. Returns the evaluations of C it took.
  int retract(std::span<double> logits) const;

 private:
  BudgetManifold(BudgetGroups groups, double budget) : groups_(groups), budget_(budget) {}
  BudgetGroups groups_;
  double budget_;
};

// exp(l_k) / sum_j exp(l_j), of one group; p has the length of the logits.
void softmax(std::span<const double> logits, std::span<double> p);

}  // namespace bursar::allocate
