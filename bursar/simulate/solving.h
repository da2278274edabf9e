// How likely the simulated model is to give which answer, by what it was told. For tasks_*.cc.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/simulate/tasks.h"

namespace bursar::simulate {

using Candidates = std::vector<std::pair<std::string, double>>;  // probabilities; the truth first

[[nodiscard]] double logistic(double x);
// Of somebody who reasons to the end, without help.
[[nodiscard]] double skill_on(const Question& question, const Profile& profile);
[[nodiscard]] double mean_reasoning(const Question& question, const Profile& profile);  // tokens

// P(right) with what the prompt tells: <evidence> of a trail, answered sub-questions or an earlier answer in <steps>,
// each as far as it is right.
[[nodiscard]] double chance(const Question& question, const Situation& situation);

// The answers and their probabilities, where the right one has p; sharpened as a temperature does it.
[[nodiscard]] Candidates candidates_of(const Question& question, double p, double temperature);
[[nodiscard]] const std::string& pick(const Candidates& candidates, RandomStream& draw);

}  // namespace bursar::simulate
