// The replies of the simulated model, task by task. For model.cc; the formats are in model.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/simulate/profile.h"
#include "bursar/simulate/prompt.h"
#include "bursar/simulate/question.h"

namespace bursar::simulate {

// A reply before any limit cuts it.
struct Draft {
  std::string text;
  std::size_t decisive = std::string::npos;                // where in the text the thing that was asked for begins
  std::vector<std::pair<std::string, double>> candidates;  // what might have stood there, and how likely; sum <= 1

  // Of a solution: whether it might end at the beginning of a line before `decisive`, and by which words.
  std::string ending;         // empty: no solution
  double mean_reasoning = 0;  // tokens
  std::size_t begun = 0;      // tokens that stood there before
  bool line_begins = true;    // no line was begun before
};

struct Situation {
  std::uint64_t seed = 0;
  const Prompt& prompt;
  const Profile& profile;
  double temperature = 1;
};

[[nodiscard]] Draft draft_reply(const Situation& situation, RandomStream draw);

}  // namespace bursar::simulate
