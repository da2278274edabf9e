// The words in which strategies ask models, and how they read what comes back. One place, so that they can be tuned,
// and so that a simulated model knows them.
//
//   ModelAsk ask = prompt_for(Task::kJudge, {{"question", q}, {"answer", a}}, {.max_tokens = 64});
//   std::optional<double> score = read_number(seen.text, "Score");              // "… Score: 0.73" -> .73
//
// A system message whose first line is "Task: <name>", then what is to be done and the form of the last line; the
// user's message holds <question>…</question> and the like. What stands in a section is data: its closing tag is
// taken out of it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bursar/plan/job/action.h"

namespace bursar::plan {

enum class Task : std::uint8_t {
  kSolve,        // Answer: …
  kStep,         // of a plan; Answer: …
  kCombine,      // steps into one answer; Answer: …
  kFinalise,     // an answer now, from what there is; Answer: …
  kRepair,       // a better answer than <answer>; Answer: …
  kVerify,       // Verdict: right | wrong, then Answer: …
  kJudge,        // Score: 0 … 1
  kAssess,       // Level: 1 … 5
  kDecompose,    // 1. …  Hint: …
  kCritic,       // Gain: -1 … 1
  kSufficiency,  // Sufficiency: 0 … 1
  kAct,          // Search: …  or  Answer: …
  kSelect,       // Choice: 1 … n
  kCheck,        // of <answer> against numbered <clues>: Clue 1: satisfied | contradicted | unknown, a line each
};
[[nodiscard]] std::string_view name_of(Task task);  // "solve", …

using Section = std::pair<std::string_view, std::string>;  // tag, text
[[nodiscard]] ModelAsk prompt_for(Task task, std::span<const Section> sections, ModelAsk ask = {});

// What follows the last "<label>:" at the beginning of a line; empty where there is none.
[[nodiscard]] std::string_view labelled(std::string_view text, std::string_view label);
[[nodiscard]] std::optional<double> read_number(std::string_view text, std::string_view label);
// The answer that a reply ends in: its last "Answer:" line, else its last \boxed{…}, else its last line that is not
// empty. Empty where the reply is.
[[nodiscard]] std::string final_answer(std::string_view reply);

}  // namespace bursar::plan
