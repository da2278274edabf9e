// Splits a budget of samples over groups whose learning curves are known.
//
//   const std::vector<GroupSpec> groups{{.name = "en", .weight = .5}, {.name = "fi", .cost = 4, .weight = .5}};
//   auto plan = plan_static(groups, curves, {.q = 2}, /*budget=*/4000);
//   use(plan->counts);                                                 // whole samples
//   auto why = explain_plan(groups, curves, {.q = 2}, 4000, *plan);    // price of equity, sensitivity
//
// Minimises L(n) = sum_g w_g loss(a_g + b_g n_g^-gamma_g)  subject to  sum c_g n_g <= B,  min_g <= n_g <= max_g.
// Convex for increasing convex losses: every interior group has the same marginal w_g loss'(e_g) gamma_g b_g
// n_g^(-gamma_g - 1) / c_g, the price of the budget (allocate's water-filling finds it). Whole samples: from just below
// the continuous plan, one at a time to the group with the largest decrease of L per cost that still fits; with equal
// costs that is optimal, otherwise up to one sample, since no group's gains grow. O(G (log B)^2 + G^2).
// Source: systems/equitable-sampling, A.
#pragma once

#include <span>
#include <vector>

#include "bursar/core/result.h"
#include "bursar/explore/equitable/learning_curve.h"

namespace bursar::explore {

struct StaticPlan {
  std::vector<double> amounts;       // [groups] continuous optimum
  std::vector<std::int64_t> counts;  // [groups] whole samples
  double spent = 0;                  // by counts, at most the budget
  double loss = 0;                   // L at counts
  double bound = 0;                  // L at amounts: no plan is better
  double price = 0;                  // decrease of L for one more unit of budget, continuous
  std::vector<double> errors;        // [groups] at counts
  std::vector<double> marginals;     // [groups] decrease of L per unit of budget spent on the group, at counts
};

// Errors: kInvalidArgument naming the group and field for numbers out of range; kInfeasible where the least counts cost
// more than the budget.
[[nodiscard]] Result<StaticPlan> plan_static(std::span<const GroupSpec> groups, std::span<const LearningCurve> curves,
                                             const EquityObjective& objective, double budget);

// L of any counts, and what they cost.
[[nodiscard]] double equity_loss(std::span<const GroupSpec> groups, std::span<const LearningCurve> curves,
                                 const EquityObjective& objective, std::span<const std::int64_t> counts);
[[nodiscard]] double cost_of(std::span<const GroupSpec> groups, std::span<const std::int64_t> counts);

// What is done without curves. Whole samples, within the budget, between the least and most of each group.
enum class FixedPlan : std::uint8_t {
  kEqualCounts,   // n_g = B / sum c
  kEqualSpend,    // n_g = B / (G c_g)
  kProportional,  // n_g ~ population share
};
[[nodiscard]] Result<std::vector<std::int64_t>> plan_fixed(FixedPlan kind, std::span<const GroupSpec> groups,
                                                           double budget);

struct PlanVariant {
  std::string name;  // "q = 1", "weight of fi doubled"
  std::vector<std::int64_t> counts;
  std::vector<double> errors;
};

struct PlanExplanation {
  double average_error = 0;        // sum w e / sum w at the plan
  double least_average_error = 0;  // at the plan of q = 1
  double price_of_equity = 0;      // the difference: what equity costs the average
  double worst_error = 0;
  std::vector<double> next_dollar;    // [groups] fall of the group's error for one more unit of budget spent on it
  std::vector<PlanVariant> variants;  // q = 1, 2, 4, 8, and the weight of each group doubled
};
[[nodiscard]] Result<PlanExplanation> explain_plan(std::span<const GroupSpec> groups,
                                                   std::span<const LearningCurve> curves,
                                                   const EquityObjective& objective, double budget,
                                                   const StaticPlan& plan);

// Checks shared by everything that takes groups: names, costs, weights (one of them positive), bounds.
[[nodiscard]] Result<void> check_groups(std::span<const GroupSpec> groups);
[[nodiscard]] Result<void> check_objective(const EquityObjective& objective);

}  // namespace bursar::explore
