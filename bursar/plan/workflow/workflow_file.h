// A workflow as a document: what `bursar plan workflow` plans, and what an executor runs.
//
//   {"subtasks": [
//     {"id": "outline", "prompt": "Outline …", "check": {"min_chars": 20},
//      "options": [{"model": "small", "p": 0.6, "latency_ms": {"mean": 2000, "cv": 0.4}, "tokens": 500,
//                   "usd": 0.0004}]},
//     {"id": "draft", "parents": ["outline"], "prompt": "Write it out:\n{{outline}}", "options": […]}]}
//
//   auto file = read_workflow(text);                      // JSON; programs turn YAML into it
//   file->workflow;  file->texts[1].prompt;  *prompt_for(*file, 1, answers);
//
// p, latency_ms, tokens and usd are means of one sample, as measured or guessed; usd and tokens are 0 where absent.
// "cost": "fixed" says that a slow sample costs no more. Instead of p, latency_ms and tokens an option may have
// "measured": [{"ms": 1800, "success": true, "tokens": 420}, …]. Prompts name answers of parents as {{id}}.
// Unknown keys are refused. Errors: kInvalidArgument with the place ("$.subtasks[1].options[0].p"), and those of
// Workflow::make. O(text).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/json.h"
#include "bursar/core/result.h"
#include "bursar/plan/workflow/workflow.h"

namespace bursar::plan {

// When an answer counts as a success; both must hold. Without any, an answer that is not empty does.
struct AnswerCheck {
  std::string regex = {};     // that matches somewhere in it; empty: any. Compiled by who runs it
  std::size_t min_chars = 1;  // code points without blanks at both ends
};

struct SubtaskText {
  std::string prompt = {};  // empty: the file is for planning only
  AnswerCheck check;
};

struct WorkflowFile {
  Workflow workflow;
  std::vector<SubtaskText> texts;         // [subtasks]
  [[nodiscard]] bool executable() const;  // every subtask has a prompt
};

[[nodiscard]] Result<WorkflowFile> read_workflow(std::string_view json_text);
[[nodiscard]] Result<WorkflowFile> read_workflow(const JsonView& document);

// The prompt of a subtask with the answers of its parents put in. `answers` is [subtasks].
[[nodiscard]] Result<std::string> prompt_for(const WorkflowFile& file, std::size_t node,
                                             std::span<const std::string> answers);

}  // namespace bursar::plan
