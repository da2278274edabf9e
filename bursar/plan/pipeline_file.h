// A fixed chain of stages in a file: what `bursar tts` searches over, and what the gateway runs as
// bursar/pipeline-NAME.
//
//   {"name":"qa","budget":900,"unit":"flops",
//    "stages":[{"name":"retrieve","prompt":"Find what bears on: {{question}}","prompt_tokens":2048,
//               "generation_tokens":128,"models":[{"name":"m7","parameters":7e9}, …],"model":"m7","samples":12},
//              {"name":"answer","prompt":"{{retrieve}}\n\nAnswer: {{question}}", …}]}
//   Pipeline qa = *parse_pipeline(text);
//   qa.is_configured();                  // every stage has its model and samples: it can be run
//   render(qa, 1, "Who wrote it?", {"Three documents: …"});
//
// A prompt may name {{question}} and the stages before its own; the last stage's text is the answer. `fuse` is asked of
// the same model with {{question}} and {{samples}} (the numbered candidates) where a stage has several samples; left
// out, a plain one of ours. Budget 0 or left out: every stage with its largest model once. YAML is turned into this
// JSON by the caller. Errors: kInvalidArgument with the place. Source: systems/agenttts.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/json.h"
#include "bursar/plan/config_search/config_space.h"

namespace bursar::plan {

struct PipelineStage {
  ChainStage subtask;
  std::string prompt;                 // its template; empty: not given, and then it can be searched but not run
  std::string fuse;                   // never empty
  std::optional<StageChoice> choice;  // model and samples
};

struct Pipeline {
  std::string name;  // lower case letters, digits and dashes, at most 64, a letter first
  double budget = 0;
  CostUnit unit = CostUnit::kFlops;
  bool count_fusion = false;
  std::vector<PipelineStage> stages;

  [[nodiscard]] bool is_configured() const;  // every stage has a prompt and a choice
  [[nodiscard]] std::vector<ChainStage> subtasks() const;
  [[nodiscard]] SpaceOptions space() const { return {.budget = budget, .unit = unit, .count_fusion = count_fusion}; }
};

[[nodiscard]] Result<Pipeline> parse_pipeline(std::string_view text);
[[nodiscard]] Result<Pipeline> pipeline_of(const JsonView& root);
[[nodiscard]] boost::json::object to_json_object(const Pipeline& pipeline);

// The prompt of stage `stage` with the question and the texts of the stages before it. kInvalidArgument for a stage
// without a prompt or too few texts. What the texts hold is not looked at for templates.
[[nodiscard]] Result<std::string> render(const Pipeline& pipeline, std::size_t stage, std::string_view question,
                                         std::span<const std::string> before);
// The prompt that fuses a stage's samples.
[[nodiscard]] std::string render_fuse(const PipelineStage& stage, std::string_view question,
                                      std::span<const std::string> samples);

}  // namespace bursar::plan
