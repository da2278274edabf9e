// How strategies ask about the job's question: the words of prompts.h, with what was said before it.
//
//   Action judge = ask_of(job, Task::kJudge, {{"answer", reply}}, {.max_tokens = 256});
//   const std::vector<Observation> seen = co_await job.run(std::move(judge));
//   const std::optional<double> score = read_number(seen[0].text, "Score");
//
// The purpose of the action is the task's name. <question> comes first and needs no section of the caller's; where the
// agent's messages hold more than the question, they stand before it in <conversation>, cut to their last 16 KiB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bursar/plan/job/script.h"
#include "bursar/plan/strategies/prompts.h"

namespace bursar::plan {

// Sections whose tag is "question" replace the job's own question.
[[nodiscard]] Action ask_of(const Job& job, Task task, std::vector<Section> sections, ModelAsk ask);

// Tells the model of its limit, less what the line with the answer takes: a model that is cut off says nothing.
inline constexpr std::int64_t kAnswerLine = 16;  // tokens
[[nodiscard]] Section limit_section(std::int64_t max_tokens);

// How many more calls, of what those seen cost on average, the purse pays for when `keep` of them are held back; at
// most `want`, and that where nothing was seen or limited.
[[nodiscard]] std::size_t affordable(const Job& job, std::span<const Observation> seen, std::size_t want,
                                     std::size_t keep = 0);

// Tokens that a call reads beside its work, by the length of the question: for plans made before any call.
[[nodiscard]] std::int64_t prompt_estimate(const Job& job);
// The most that a gateway may hold for such a prompt: a token a byte.
[[nodiscard]] std::int64_t prompt_bound(const Job& job);
// Whether so many more tokens are in the purse, or none are counted.
[[nodiscard]] bool purse_holds(const Job& job, std::int64_t tokens);

// What the answers of earlier steps say, for <steps>: "1. text", then "Answer: …", a line each.
struct AnsweredStep {
  std::string text, answer;  // an answer that is empty is left out
};
[[nodiscard]] std::string steps_text(std::span<const AnsweredStep> steps);
// The same as an answer that was put together: it ends in the answer of the last step that has one.
[[nodiscard]] Answer answer_so_far(std::span<const AnsweredStep> steps);

// 1 … 5 as the assessor said, rounded and clipped; absent where it said nothing.
[[nodiscard]] std::optional<int> level_of(const Observation& seen);
// Asks how hard a text is, of the small model; the whole question stands beside it in <context> where it is a part.
[[nodiscard]] Action assess_of(const Job& job, const std::string& text);
// Asks the small model for sub-questions.
[[nodiscard]] Action decompose_of(const Job& job);

[[nodiscard]] inline bool any_refused(std::span<const Observation> seen) {
  for (const Observation& one : seen) {
    if (one.end == ActionEnd::kRefused) return true;
  }
  return false;
}

}  // namespace bursar::plan
