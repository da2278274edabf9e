// What learners of sets do about closed atoms and the rewards of single atoms.
#pragma once

#include <algorithm>
#include <span>
#include <string>

#include "bursar/explore/bandit.h"
#include "bursar/explore/combinatorial/action_space.h"

namespace bursar::explore {

// So much is taken from the log weight of a closed atom, or added to its cost: a set with one is chosen only where all
// sets have one. Finite, because differences are taken.
constexpr double kClosedPenalty = 1e12;

[[nodiscard]] inline double closed_penalty(const Question& question, std::size_t atom) {
  return question.open(atom) ? 0 : kClosedPenalty;
}
[[nodiscard]] inline bool any_closed(const Question& question) {
  return std::ranges::any_of(question.closed, [](std::uint8_t closed) { return closed != 0; });
}
[[nodiscard]] inline bool has_closed(const Question& question, std::span<const std::uint32_t> action) {
  return std::ranges::any_of(action, [&](std::uint32_t atom) { return !question.open(atom); });
}

// `each` must have a reward for each atom of the set, and a restored choice must be an action.
[[nodiscard]] inline Result<void> check_atoms(const Pick& pick, const Feedback& feedback, const ActionSpace& space) {
  if (!space.contains(pick.set)) return fail(ErrorCode::kCorrupt, "saved choice: its set is no action");
  if (feedback.each.size() == pick.set.size()) return {};
  return invalid_argument("each: must be the rewards of the " + std::to_string(pick.set.size()) +
                          " atoms of the set, has " + std::to_string(feedback.each.size()));
}

}  // namespace bursar::explore
