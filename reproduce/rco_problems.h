// The two synthetic problems of systems/rco and the searches it is compared with.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bursar/allocate/multiple_choice.h"
#include "bursar/allocate/riemannian.h"
#include "bursar/core/random.h"

namespace bursar::reproduce {

[[nodiscard]] std::vector<double> softmax_rows(const std::vector<double>& logits, std::size_t options);

// Groups with options of integer cost under one budget. All arrays are [groups x options].
struct BudgetProblem {
  std::size_t groups = 0, options = 0;
  std::vector<double> cost;
  double budget = 0;

  [[nodiscard]] allocate::BudgetGroups view() const { return {.groups = groups, .options = options, .cost = cost}; }
  [[nodiscard]] double cost_of(std::span<const std::uint32_t> x) const;
  // The exact choice that maximises the sum of `score`.
  [[nodiscard]] Result<std::vector<std::uint32_t>> best_by(const std::vector<double>& score,
                                                           allocate::ChoiceSense sense) const;
};

// Values that add up: shared integer costs from 1 … 4K times weights 1 … 5, values sorted uniform times U(.2, 2),
// budget at 40% of the range.
struct SeparableProblem : BudgetProblem {
  std::vector<double> value;

  [[nodiscard]] double value_of(std::span<const std::uint32_t> x) const;
  [[nodiscard]] std::vector<std::uint32_t> argmax(const std::vector<double>& p) const;
  // Steps down where that loses least per cost until x fits, then up where that gains most per cost while it fits.
  void repair(std::vector<std::uint32_t>& x) const;
};
[[nodiscard]] SeparableProblem separable_problem(std::size_t groups, std::size_t options, RandomStream random);

// L(x) = || sum_i a_i(x_i) u_i ||^2, a_i(k) = sqrt(s_i 4^-k), s_i lognormal(0, .7), u_i random unit vectors in
// R^max(4, N/2); costs w_i (2 + k), w_i in 1 … 4; budget at 45% of the range.
struct JointProblem : BudgetProblem {
  std::size_t dimensions = 0;
  std::vector<double> size;       // a_i(k)
  std::vector<double> direction;  // u_i, [groups x dimensions]

  [[nodiscard]] double loss(std::span<const std::uint32_t> x) const;
  // log(L + 1e-6), and its gradient with respect to the one-hot choice.
  [[nodiscard]] double log_loss(std::span<const std::uint32_t> x, std::span<double> gradient) const;
  [[nodiscard]] double least_loss() const;  // by enumeration; for few groups
  // The knapsack on sum_i a_i(x_i)^2, as if directions were orthogonal.
  [[nodiscard]] Result<std::vector<std::uint32_t>> separable_choice() const;
};
[[nodiscard]] JointProblem joint_problem(std::size_t groups, std::size_t options, RandomStream random);

// Best of `evaluations` random choices that fit and that no single step up could use more of the budget of.
[[nodiscard]] std::vector<std::uint32_t> random_search(const JointProblem& problem, int evaluations,
                                                       RandomStream random);
// Level switching: some groups go up a level, others down until the budget holds; a child that is no worse replaces its
// parent. One parent, one child at a time.
[[nodiscard]] std::vector<std::uint32_t> evolve(const JointProblem& problem, std::vector<std::uint32_t> parent,
                                                int evaluations, RandomStream random);

}  // namespace bursar::reproduce
