#include "reproduce/oracles/match_oracles.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "bursar/allocate/linear_program.h"

namespace bursar::reproduce {
namespace {

using admit::GoalMatcher;
using admit::GoalSlot;
using admit::MatchInstance;

double follow(const MatchInstance& instance, const GoalMatcher& matcher, std::size_t slot) {
  if (slot == instance.slots.size()) return matcher.succeeded_weight();
  GoalMatcher now = matcher;
  const auto attempt = now.offer(instance.slots[slot]).value();
  if (!attempt) return follow(instance, now, slot + 1);
  GoalMatcher failed = now;
  (void)now.report(attempt->id, true);
  (void)failed.report(attempt->id, false);
  const double p = attempt->probability;
  return p * follow(instance, now, slot + 1) + (p < 1 ? (1 - p) * follow(instance, failed, slot + 1) : 0);
}

}  // namespace

Result<double> adaptive_optimum(const MatchInstance& instance) {
  if (auto ok = check(instance); !ok) return tl::unexpected(ok.error());
  const std::size_t goals = instance.weight.size();
  if (goals > 16) return invalid_argument("the exact optimum takes at most 16 goals, not " + std::to_string(goals));
  const std::size_t states = std::size_t{1} << goals;
  std::vector<double> value(states, 0.0), next;
  for (std::size_t t = instance.slots.size(); t-- > 0;) {
    next = value;
    for (const admit::MatchEdge& edge : instance.slots[t]) {
      const std::size_t bit = std::size_t{1} << edge.goal;
      const double p = edge.probability, w = instance.weight[edge.goal];
      for (std::size_t mask = 0; mask < states; ++mask) {
        if ((mask & bit) != 0) continue;
        value[mask] = std::max(value[mask], p * (w + next[mask | bit]) + (1 - p) * next[mask]);
      }
    }
  }
  return value[0];
}

Result<double> expected_value(const MatchInstance& instance, const admit::GoalMatcherOptions& options) {
  if (auto ok = check(instance); !ok) return tl::unexpected(ok.error());
  if (instance.slots.size() > 20)
    return invalid_argument("every coin of " + std::to_string(instance.slots.size()) +
                            " slots is too many; 20 at most");
  return GoalMatcher::create(instance.weight, options).map([&](const GoalMatcher& matcher) {
    return follow(instance, matcher, 0);
  });
}

Result<double> enumerated_lp(const MatchInstance& instance, EnumeratedLp which) {
  if (auto ok = check(instance); !ok) return tl::unexpected(ok.error());
  const std::size_t goals = instance.weight.size();
  allocate::LinearProgram lp{.start = {0}, .row_upper = std::vector<double>(goals + instance.slots.size(), 1.0)};
  const auto edges = slots_by_goal(instance);
  for (std::size_t u = 0; u < goals; ++u) {
    if (edges[u].size() > 14) return invalid_argument("goal " + std::to_string(u) + " has more than 14 slots");
    for (std::size_t subset = 1; subset < std::size_t{1} << edges[u].size(); ++subset) {
      double sum = 0, alive = 1;
      lp.row.push_back(static_cast<int>(u));
      lp.element.push_back(1);
      for (std::size_t k = 0; k < edges[u].size(); ++k) {
        if ((subset >> k & 1U) == 0) continue;
        lp.row.push_back(static_cast<int>(goals + edges[u][k].slot));
        lp.element.push_back(which == EnumeratedLp::kStochastic ? alive : 1);
        sum += edges[u][k].probability;
        alive *= 1 - edges[u][k].probability;
      }
      const double worth = which == EnumeratedLp::kStochastic ? 1 - alive : std::min(1.0, sum);
      lp.objective.push_back(instance.weight[u] * worth);
      lp.upper.push_back(std::numeric_limits<double>::infinity());
      lp.start.push_back(static_cast<int>(lp.row.size()));
    }
  }
  if (lp.objective.empty()) return 0;
  return maximise(lp).map([](const allocate::LinearSolution& s) { return s.objective; });
}

}  // namespace bursar::reproduce
