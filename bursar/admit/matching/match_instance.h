// Goals that need one success each, and slots that arrive one by one and may each be spent on one goal: what the exact
// small solvers and the linear programs read.
//
//   MatchInstance two{.weight = {1, 1}, .slots = {{{0, .5}, {1, .5}}, {{0, .5}}, {{1, .5}}}};
//   // slot 0 may try goal 0 or 1, each works with probability one half; slot 1 goal 0 alone, slot 2 goal 1 alone
//   double bound = stochastic_configuration_lp(two)->bound;   // 1.25
//
// Source: systems/stochastic-balance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::admit {

using GoalId = std::uint64_t;

struct MatchEdge {
  GoalId goal = 0;
  double probability = 0;  // that a try works, [0, 1]
};

struct MatchInstance {
  std::vector<double> weight;                 // [goals]: what a success is worth, >= 0
  std::vector<std::vector<MatchEdge>> slots;  // in order of arrival
};

// kInvalidArgument naming slot and goal: a goal that is not there or stands twice in a slot, a probability outside
// [0, 1] or NaN, a weight that is negative or not finite. O(edges).
[[nodiscard]] Result<void> check(const MatchInstance& instance);

// The slots that each goal may use, in order of arrival; edges of probability 0 are left out.
struct GoalSlot {
  std::size_t slot = 0;
  double probability = 0;
};
[[nodiscard]] std::vector<std::vector<GoalSlot>> slots_by_goal(const MatchInstance& instance);

}  // namespace bursar::admit
