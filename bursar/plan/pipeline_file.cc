#include "bursar/plan/pipeline_file.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <functional>

#include "bursar/plan/config_search/subtask_json.h"

namespace bursar::plan {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostBytes = 4 << 20, kLongestPrompt = 1 << 20, kLongestName = 64;
constexpr std::string_view kFuse =
    "Question:\n{{question}}\n\nSeveral attempts at one step of the answer follow. Keep what they agree on and what is "
    "right in each, and write one best version of this step alone.\n\n{{samples}}";

bool is_name(std::string_view name) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && name.size() <= kLongestName && lower(name[0]) &&
         std::ranges::all_of(name, [&](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '-'; });
}

// Replaces {{name}} by what `text_of` knows; the first name that it does not know is an error.
using TextOf = std::function<std::optional<std::string_view>(std::string_view)>;
Result<std::string> fill(std::string_view text, const TextOf& text_of) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t open = text.find("{{", at);
    const std::size_t close = open == std::string_view::npos ? open : text.find("}}", open);
    if (close == std::string_view::npos) {
      out += text.substr(at);
      break;
    }
    const std::string_view name = text.substr(open + 2, close - open - 2);
    const auto value = text_of(name);
    if (!value) return invalid_argument("{{" + std::string(name) + "}} names neither the question nor a stage before");
    out += text.substr(at, open - at);
    out += *value;
    at = close + 2;
  }
  return out;
}

Result<std::string> text_or(const JsonView& view, std::string_view key, std::string_view otherwise) {
  const auto found = view.find(key);
  if (!found) return tl::unexpected(found.error());
  if (!*found) return std::string(otherwise);
  const auto text = (*found)->as_string(kLongestPrompt);
  if (!text) return tl::unexpected(text.error());
  if (text->empty()) return (*found)->wrong("is empty; leave it out");
  return std::string(*text);
}

Result<std::optional<StageChoice>> choice_of(const JsonView& view, const ChainStage& subtask) {
  const auto model = view.find("model"), samples = view.find("samples");
  if (!model || !samples) return tl::unexpected(!model ? model.error() : samples.error());
  if (!*model && !*samples) return std::optional<StageChoice>();
  if (!*model || !*samples) return view.wrong("model and samples are given together or not at all");
  const auto name = (*model)->as_string();
  if (!name) return tl::unexpected(name.error());
  const auto found = std::ranges::find(subtask.models, *name, &ModelChoice::name);
  if (found == subtask.models.end()) return (*model)->wrong("\"" + std::string(*name) + "\" is none of its models");
  const auto count = (*samples)->as_int(1, subtask.max_samples);
  if (!count) return tl::unexpected(count.error());
  return std::optional(StageChoice{.model = static_cast<std::size_t>(found - subtask.models.begin()),
                                   .samples = static_cast<int>(*count)});
}

Result<PipelineStage> stage_of(const JsonView& view, const std::vector<PipelineStage>& before) {
  if (auto ok = view.only({"name", "prompt", "fuse", "prompt_tokens", "generation_tokens", "max_samples", "models",
                           "model", "samples"});
      !ok)
    return tl::unexpected(ok.error());
  auto subtask = subtask_of(view);
  if (!subtask) return tl::unexpected(subtask.error());
  PipelineStage out{.subtask = *std::move(subtask)};
  if (!is_name(out.subtask.name) || out.subtask.name == "question" || out.subtask.name == "samples")
    return view.wrong("name must be of lower case letters, digits and dashes, and not question or samples");
  if (std::ranges::any_of(before, [&](const PipelineStage& s) { return s.subtask.name == out.subtask.name; }))
    return view.wrong("stage " + out.subtask.name + " is there twice");
  auto prompt = text_or(view, "prompt", ""), fuse = text_or(view, "fuse", kFuse);
  if (!prompt || !fuse) return tl::unexpected(!prompt ? prompt.error() : fuse.error());
  out.prompt = *std::move(prompt);
  out.fuse = *std::move(fuse);
  const auto known = [&](std::string_view name) -> std::optional<std::string_view> {
    const bool stage = std::ranges::any_of(before, [&](const PipelineStage& s) { return s.subtask.name == name; });
    return name == "question" || stage ? std::optional<std::string_view>("") : std::nullopt;
  };
  if (const auto filled = fill(out.prompt, known); !filled) return view.wrong("prompt: " + filled.error().message);
  const auto fusing = [](std::string_view name) -> std::optional<std::string_view> {
    return name == "question" || name == "samples" ? std::optional<std::string_view>("") : std::nullopt;
  };
  if (!fill(out.fuse, fusing)) return view.wrong("fuse: may name {{question}} and {{samples}} alone");
  if (!out.fuse.contains("{{samples}}")) return view.wrong("fuse: does not name {{samples}}");
  auto choice = choice_of(view, out.subtask);
  if (!choice) return tl::unexpected(choice.error());
  out.choice = *choice;
  return out;
}

}  // namespace

bool Pipeline::is_configured() const {
  return std::ranges::all_of(stages, [](const PipelineStage& s) { return s.choice && !s.prompt.empty(); });
}

std::vector<ChainStage> Pipeline::subtasks() const {
  std::vector<ChainStage> out;
  for (const PipelineStage& stage : stages) out.push_back(stage.subtask);
  return out;
}

Result<Pipeline> parse_pipeline(std::string_view text) {
  const auto document = parse_json(text, {.max_bytes = kMostBytes, .max_depth = 8});
  if (!document) return tl::unexpected(document.error());
  return pipeline_of(JsonView(*document));
}

Result<Pipeline> pipeline_of(const JsonView& root) {
  if (auto ok = root.only({"name", "budget", "unit", "count_fusion", "stages"}); !ok) return tl::unexpected(ok.error());
  Pipeline out;
  const auto name = root.string_at("name", kLongestName);
  if (!name) return tl::unexpected(name.error());
  if (!is_name(*name)) return root.at("name")->wrong("must be of lower case letters, digits and dashes");
  out.name = *name;
  const auto budget = root.find("budget"), unit = root.find("unit"), fusion = root.find("count_fusion");
  for (const auto* field : {&budget, &unit, &fusion}) {
    if (!*field) return tl::unexpected(field->error());
  }
  if (*budget) {
    const auto value = (*budget)->as_double(0, 1e300);
    if (!value) return tl::unexpected(value.error());
    out.budget = *value;
  }
  if (*unit) {
    const auto value = (*unit)->as_string().and_then([](std::string_view text) { return cost_unit_named(text); });
    if (!value) return (*unit)->wrong(value.error().message);
    out.unit = *value;
  }
  if (*fusion) {
    const auto value = (*fusion)->as_bool();
    if (!value) return tl::unexpected(value.error());
    out.count_fusion = *value;
  }
  const auto stages = root.at("stages");
  if (!stages) return tl::unexpected(stages.error());
  const auto size = stages->array_size(ConfigSpace::kMostStages);
  if (!size) return tl::unexpected(size.error());
  if (*size == 0) return stages->wrong("has no stages");
  for (std::size_t i = 0; i < *size; ++i) {
    auto stage = stages->element(i).and_then([&](const JsonView& v) { return stage_of(v, out.stages); });
    if (!stage) return tl::unexpected(stage.error());
    out.stages.push_back(*std::move(stage));
  }
  return out;
}

json::object to_json_object(const Pipeline& pipeline) {
  json::array stages;
  for (const PipelineStage& stage : pipeline.stages) {
    json::object one = to_json_object(stage.subtask);
    if (!stage.prompt.empty()) one["prompt"] = stage.prompt;
    if (stage.fuse != kFuse) one["fuse"] = stage.fuse;
    if (stage.choice) {
      one["model"] = stage.subtask.models[stage.choice->model].name;
      one["samples"] = stage.choice->samples;
    }
    stages.push_back(std::move(one));
  }
  json::object out{{"name", pipeline.name}};
  if (pipeline.budget > 0) out["budget"] = pipeline.budget;
  out["unit"] = name_of(pipeline.unit);
  if (pipeline.count_fusion) out["count_fusion"] = true;
  out["stages"] = std::move(stages);
  return out;
}

Result<std::string> render(const Pipeline& pipeline, std::size_t stage, std::string_view question,
                           std::span<const std::string> before) {
  if (stage >= pipeline.stages.size() || pipeline.stages[stage].prompt.empty())
    return invalid_argument("pipeline " + pipeline.name + ": there is no prompt for stage " + std::to_string(stage));
  if (before.size() < stage)
    return invalid_argument("pipeline " + pipeline.name + ": stage " + std::to_string(stage) + " needs the texts of " +
                            std::to_string(stage) + " stages before it, and there are " +
                            std::to_string(before.size()));
  return fill(pipeline.stages[stage].prompt, [&](std::string_view name) -> std::optional<std::string_view> {
    if (name == "question") return question;
    for (std::size_t i = 0; i < stage; ++i)
      if (pipeline.stages[i].subtask.name == name) return before[i];
    return std::nullopt;
  });
}

std::string render_fuse(const PipelineStage& stage, std::string_view question, std::span<const std::string> samples) {
  std::string list;
  for (std::size_t i = 0; i < samples.size(); ++i)
    list += (i == 0 ? "[" : "\n\n[") + std::to_string(i + 1) + "]\n" + samples[i];
  return fill(stage.fuse,
              [&](std::string_view name) -> std::optional<std::string_view> {
                return name == "samples" ? std::string_view(list) : question;
              })
      .value_or(list);
}

}  // namespace bursar::plan
