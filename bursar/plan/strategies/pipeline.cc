// A fixed chain of stages, as `bursar tts` found it: each stage's model answers its prompt so many times, and fuses
// what it said where that is more than once; the last stage's text is the answer.
//
// The parameter `pipeline` is the file of pipeline_file.h, as a JSON object or its text; every stage must have its
// prompt, model and samples. A stage whose samples all fail ends the job with what the stage before it said; a fusion
// that fails leaves the stage its first sample. Source: systems/agenttts.
#include <algorithm>

#include "bursar/plan/pipeline_file.h"
#include "bursar/plan/strategies/asks.h"
#include "bursar/plan/strategies/entries.h"

namespace bursar::plan {
namespace {

constexpr std::int64_t kLeastTokens = 64;

Action ask_stage(const Job& job, const PipelineStage& stage, std::string purpose, std::string prompt) {
  ModelAsk ask{.model = stage.subtask.models[stage.choice->model].name,
               .messages = {{"user", std::move(prompt)}},
               .max_tokens = job.setup().max_tokens,
               .least_tokens = kLeastTokens,
               .temperature = job.number("temperature")};
  return {.purpose = std::move(purpose), .ask = std::move(ask)};
}

std::vector<Observation> that_said_something(std::vector<Observation> seen) {
  std::erase_if(seen, [](const Observation& one) { return !one.ok() || one.text.empty(); });
  return seen;
}

std::vector<std::string> texts_of(const std::vector<Observation>& seen) {
  std::vector<std::string> out;
  out.reserve(seen.size());
  for (const Observation& one : seen) out.push_back(one.text);
  return out;
}

Script pipeline(Job& job) {
  const auto plan = parse_pipeline(job.text("pipeline"));
  if (!plan) co_return std::nullopt;  // make_pipeline() has read it before
  std::vector<std::string> before;
  for (std::size_t s = 0; s < plan->stages.size(); ++s) {
    const PipelineStage& stage = plan->stages[s];
    const auto prompt = render(*plan, s, job.setup().question, before);
    if (!prompt) co_return job.best();
    std::vector<Action> asks(static_cast<std::size_t>(stage.choice->samples), ask_stage(job, stage, "stage", *prompt));
    std::vector<Observation> all = co_await job.run(std::move(asks));
    const std::vector<Observation> seen = that_said_something(std::move(all));
    job.note({{"stage", stage.subtask.name},
              {"model", stage.subtask.models[stage.choice->model].name},
              {"samples", stage.choice->samples},
              {"answered", seen.size()}});
    if (seen.empty()) co_return job.best();
    Answer answer{.text = seen[0].text, .source = seen[0].action};
    job.offer(answer);
    if (seen.size() > 1) {
      Action fuse = ask_stage(job, stage, "fuse", render_fuse(stage, job.setup().question, texts_of(seen)));
      const std::vector<Observation> fused = co_await job.run(std::move(fuse));
      if (fused[0].ok() && !fused[0].text.empty()) answer = {.text = fused[0].text, .source = fused[0].action};
      job.offer(answer);
    }
    before.push_back(answer.text);
  }
  co_return job.best();
}

Result<std::unique_ptr<Controller>> make_pipeline(JobSetup setup) {
  const auto plan = parse_pipeline(setup.parameters.at("pipeline").as_string());
  if (!plan) return tl::unexpected(with_context("pipeline", plan.error()));
  if (!plan->is_configured())
    return invalid_argument("pipeline " + plan->name + ": every stage needs a prompt, a model and samples");
  return run_script(std::move(setup), pipeline);
}

constexpr PolicyParameter kParameters[] = {
    {.name = "pipeline", .about = "its stages: a JSON object or its text", .kind = ParameterKind::kText, .preset = ""},
    {.name = "temperature", .about = "of samples", .preset = "0.9", .low = 0, .high = 2},
};

}  // namespace

const StrategyEntry kPipeline{.name = "pipeline",
                              .slug = "agenttts",
                              .about = "Runs a chain of stages, each with its model and so many samples that it fuses",
                              .parameters = kParameters,
                              .make = make_pipeline};

}  // namespace bursar::plan
