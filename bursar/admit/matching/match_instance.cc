#include "bursar/admit/matching/match_instance.h"

#include <cmath>
#include <string>

namespace bursar::admit {

Result<void> check(const MatchInstance& instance) {
  const std::size_t goals = instance.weight.size();
  for (std::size_t u = 0; u < goals; ++u) {
    if (!(instance.weight[u] >= 0) || !std::isfinite(instance.weight[u])) {
      return invalid_argument("the weight of goal " + std::to_string(u) + " is " + std::to_string(instance.weight[u]) +
                              "; it must be a finite number from 0");
    }
  }
  std::vector<std::size_t> seen(goals, 0);  // slot + 1 that named the goal last
  for (std::size_t v = 0; v < instance.slots.size(); ++v) {
    const std::string place = "slot " + std::to_string(v);
    for (const MatchEdge& edge : instance.slots[v]) {
      if (edge.goal >= goals) {
        return invalid_argument(place + ": there is no goal " + std::to_string(edge.goal) + ", only " +
                                std::to_string(goals) + " goals counted from 0");
      }
      if (!(edge.probability >= 0 && edge.probability <= 1)) {
        return invalid_argument(place + ", goal " + std::to_string(edge.goal) + ": the probability is " +
                                std::to_string(edge.probability) + "; it must be from 0 to 1");
      }
      if (seen[edge.goal] == v + 1)
        return invalid_argument(place + ": goal " + std::to_string(edge.goal) + " stands twice");
      seen[edge.goal] = v + 1;
    }
  }
  return {};
}

std::vector<std::vector<GoalSlot>> slots_by_goal(const MatchInstance& instance) {
  std::vector<std::vector<GoalSlot>> out(instance.weight.size());
  for (std::size_t v = 0; v < instance.slots.size(); ++v) {
    for (const MatchEdge& edge : instance.slots[v]) {
      if (edge.probability > 0) out[edge.goal].push_back({.slot = v, .probability = edge.probability});
    }
  }
  return out;
}

}  // namespace bursar::admit
