// Which sub-problems are thought over at length, and which are answered at once.
//
//   auto effort = assign_threshold(std::vector{.2, .8, .4}, .5);       // {fast, deliberate, deliberate}: the last is
//   forced auto best = assign_budget(models, 20'000);                         // the most likely success within so many
//   tokens
//
// A threshold on difficulty is the published rule; d > tau, strictly. With estimates of what either mode achieves and
// costs, the choice is a multiple-choice knapsack on log probabilities (allocate/multiple_choice.h) [derived]; where
// all steps cost the same more and the gain rises with difficulty its optimum is a threshold. The last step is
// deliberate by a flag, not by a score of .9 as published: that leaves it fast at tau = .9 [choice]. Success is a
// product over steps: later steps are not thought to repair earlier ones. Source: systems/scale.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::plan {

enum class Effort : std::uint8_t { kFast, kDeliberate };

struct EffortModel {
  double success_fast = .5, success_deliberate = .9;  // in (0, 1]
  double tokens_fast = 0, tokens_deliberate = 0;      // 0 <= fast <= deliberate, finite
};

// Difficulties and tau in [0, 1]. Errors: kInvalidArgument naming the step, or for no steps.
[[nodiscard]] Result<std::vector<Effort>> assign_threshold(std::span<const double> difficulty, double tau,
                                                           bool force_last = true);

// Largest product of successes with tokens within the budget. Errors: kInvalidArgument; kInfeasible below what all
// fast costs, saying that. Exact: O(steps x budget / unit) or by the core search.
[[nodiscard]] Result<std::vector<Effort>> assign_budget(std::span<const EffortModel> steps, double token_budget);

struct EffortOutcome {
  double success = 1, tokens = 0;
  std::size_t deliberate = 0;
};
[[nodiscard]] EffortOutcome outcome_of(std::span<const EffortModel> steps, std::span<const Effort> effort);

// The smallest tau, among the difficulties and 0, whose assignment costs at most the budget; absent: not even 1 does.
[[nodiscard]] Result<std::optional<double>> tau_for_budget(std::span<const double> difficulty,
                                                           std::span<const EffortModel> steps, double token_budget,
                                                           bool force_last = true);

}  // namespace bursar::plan
