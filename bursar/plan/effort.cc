#include "bursar/plan/effort.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "bursar/allocate/multiple_choice.h"

namespace bursar::plan {
namespace {

Result<void> check(std::span<const EffortModel> steps) {
  if (steps.empty()) return invalid_argument("there are no steps");
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const EffortModel& s = steps[i];
    const std::string where = "step " + std::to_string(i) + ": ";
    for (const double p : {s.success_fast, s.success_deliberate}) {
      if (!(p > 0 && p <= 1)) return invalid_argument(where + "a chance of success must be in (0, 1]");
    }
    if (!(s.tokens_fast >= 0) || !(s.tokens_deliberate >= s.tokens_fast) || !std::isfinite(s.tokens_deliberate))
      return invalid_argument(where + "tokens must be finite, at least 0, and not fewer for the deliberate mode");
  }
  return {};
}

}  // namespace

Result<std::vector<Effort>> assign_threshold(std::span<const double> difficulty, double tau, bool force_last) {
  if (difficulty.empty()) return invalid_argument("there are no steps");
  if (!(tau >= 0 && tau <= 1)) return invalid_argument("tau is " + std::to_string(tau) + "; it must be from 0 to 1");
  std::vector<Effort> out;
  for (std::size_t i = 0; i < difficulty.size(); ++i) {
    const double d = difficulty[i];
    if (!(d >= 0 && d <= 1))
      return invalid_argument("step " + std::to_string(i) + ": difficulty is " + std::to_string(d) +
                              "; it must be from 0 to 1");
    const bool forced = force_last && i + 1 == difficulty.size() && tau < 1;
    out.push_back(d > tau || forced ? Effort::kDeliberate : Effort::kFast);
  }
  return out;
}

Result<std::vector<Effort>> assign_budget(std::span<const EffortModel> steps, double token_budget) {
  if (auto ok = check(steps); !ok) return tl::unexpected(ok.error());
  double least = 0;
  std::vector<double> value, cost;
  for (const EffortModel& step : steps) {
    least += step.tokens_fast;
    value.insert(value.end(), {std::log(step.success_fast), std::log(step.success_deliberate)});
    cost.insert(cost.end(), {step.tokens_fast, step.tokens_deliberate});
  }
  if (!(token_budget >= least))
    return fail(ErrorCode::kInfeasible, "token_budget is " + std::to_string(token_budget) + "; all fast costs " +
                                            std::to_string(least) + " tokens");
  const auto solved =
      allocate::multiple_choice({.value = value, .cost = cost, .width = 2}, token_budget, {.relative_gap = 0});
  if (!solved) return tl::unexpected(solved.error());
  std::vector<Effort> out;
  for (const std::uint32_t choice : solved->choice) out.push_back(choice == 0 ? Effort::kFast : Effort::kDeliberate);
  return out;
}

EffortOutcome outcome_of(std::span<const EffortModel> steps, std::span<const Effort> effort) {
  EffortOutcome out;
  for (std::size_t i = 0; i < std::min(steps.size(), effort.size()); ++i) {
    const bool slow = effort[i] == Effort::kDeliberate;
    out.success *= slow ? steps[i].success_deliberate : steps[i].success_fast;
    out.tokens += slow ? steps[i].tokens_deliberate : steps[i].tokens_fast;
    out.deliberate += slow ? 1 : 0;
  }
  return out;
}

Result<std::optional<double>> tau_for_budget(std::span<const double> difficulty, std::span<const EffortModel> steps,
                                             double token_budget, bool force_last) {
  if (auto ok = check(steps); !ok) return tl::unexpected(ok.error());
  if (difficulty.size() != steps.size()) return invalid_argument("difficulty and steps must have the same length");
  std::vector<double> tried(difficulty.begin(), difficulty.end());
  tried.insert(tried.end(), {0.0, 1.0});
  std::ranges::sort(tried);
  for (const double tau : tried) {
    const auto effort = assign_threshold(difficulty, tau, force_last);
    if (!effort) return tl::unexpected(effort.error());
    if (outcome_of(steps, *effort).tokens <= token_budget) return std::optional(tau);
  }
  return std::optional<double>();
}

}  // namespace bursar::plan
