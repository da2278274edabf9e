#include "bursar/plan/config_search/subtask_json.h"

#include <algorithm>
#include <boost/json/array.hpp>

namespace bursar::plan {
namespace {

namespace json = boost::json;

constexpr std::int64_t kMostTokens = std::int64_t{1} << 40;
constexpr std::size_t kMostModels = 1000, kLongestName = 256;
constexpr double kLargest = 1e18;

Result<double> number_or(const JsonView& view, std::string_view key, double otherwise) {
  const auto found = view.find(key);
  if (!found) return tl::unexpected(found.error());
  return *found ? (*found)->as_double(0, kLargest) : Result<double>(otherwise);
}

Result<ModelChoice> model_of(const JsonView& view) {
  if (auto ok = view.only({"name", "parameters", "price_in", "price_out", "latency_ms"}); !ok)
    return tl::unexpected(ok.error());
  ModelChoice out;
  const auto name = view.string_at("name", kLongestName);
  if (!name) return tl::unexpected(name.error());
  out.name = *name;
  const auto parameters = view.double_at("parameters", 1, kLargest);
  if (!parameters) return tl::unexpected(parameters.error());
  out.parameters = *parameters;
  for (const auto& [key, to] : {std::pair{"price_in", &out.price_in}, std::pair{"price_out", &out.price_out},
                                std::pair{"latency_ms", &out.latency_ms}}) {
    const auto value = number_or(view, key, 0);
    if (!value) return tl::unexpected(value.error());
    *to = *value;
  }
  return out;
}

}  // namespace

json::object to_json_object(const ChainStage& subtask) {
  json::array models;
  for (const ModelChoice& m : subtask.models) {
    json::object one{{"name", m.name}, {"parameters", m.parameters}};
    if (m.price_in > 0) one["price_in"] = m.price_in;
    if (m.price_out > 0) one["price_out"] = m.price_out;
    if (m.latency_ms > 0) one["latency_ms"] = m.latency_ms;
    models.push_back(std::move(one));
  }
  return {{"name", subtask.name},
          {"prompt_tokens", subtask.prompt_tokens},
          {"generation_tokens", subtask.generation_tokens},
          {"max_samples", subtask.max_samples},
          {"models", std::move(models)}};
}

Result<ChainStage> subtask_of(const JsonView& view) {
  ChainStage out;
  const auto name = view.string_at("name", kLongestName);
  const auto prompt = view.int_at("prompt_tokens", 1, kMostTokens);
  const auto generation = view.int_at("generation_tokens", 1, kMostTokens);
  const auto samples = view.find("max_samples");
  const auto models = view.at("models");
  if (!name) return tl::unexpected(name.error());
  if (!prompt) return tl::unexpected(prompt.error());
  if (!generation) return tl::unexpected(generation.error());
  if (!samples) return tl::unexpected(samples.error());
  if (!models) return tl::unexpected(models.error());
  out.name = *name;
  out.prompt_tokens = *prompt;
  out.generation_tokens = *generation;
  if (*samples) {
    const auto most = (*samples)->as_int(1, 10'000);
    if (!most) return tl::unexpected(most.error());
    out.max_samples = static_cast<int>(*most);
  }
  const auto size = models->array_size(kMostModels);
  if (!size) return tl::unexpected(size.error());
  for (std::size_t m = 0; m < *size; ++m) {
    auto model = models->element(m).and_then(model_of);
    if (!model) return tl::unexpected(model.error());
    out.models.push_back(*std::move(model));
  }
  if (auto ok = check(out); !ok) return view.wrong(ok.error().message);
  return out;
}

json::object to_json_object(const ConfigSpace& space, const Configuration& configuration) {
  json::array stages;
  for (std::size_t i = 0; i < configuration.size(); ++i) {
    const ChainStage& stage = space.stages()[i];
    stages.push_back({{"name", stage.name},
                      {"model", stage.models[configuration[i].model].name},
                      {"samples", configuration[i].samples}});
  }
  return {{"stages", std::move(stages)}};
}

Result<Configuration> configuration_of(const ConfigSpace& space, const JsonView& view) {
  const auto list = view.at("stages");
  if (!list) return tl::unexpected(list.error());
  const auto size = list->array_size();
  if (!size) return tl::unexpected(size.error());
  const std::vector<ChainStage>& stages = space.stages();
  Configuration out(stages.size(), StageChoice{.model = 0, .samples = 0});
  for (std::size_t k = 0; k < *size; ++k) {
    const auto one = list->element(k);
    const auto name = one->string_at("name");
    const auto model = one->string_at("model");
    if (!name) return tl::unexpected(name.error());
    if (!model) return tl::unexpected(model.error());
    const auto stage = std::ranges::find(stages, *name, &ChainStage::name);
    if (stage == stages.end()) return one->wrong("there is no stage \"" + std::string(*name) + "\"");
    const auto found = std::ranges::find(stage->models, *model, &ModelChoice::name);
    if (found == stage->models.end())
      return one->wrong("stage " + stage->name + " has no model \"" + std::string(*model) + "\"");
    const auto samples = one->int_at("samples", 1, stage->max_samples);
    if (!samples) return tl::unexpected(samples.error());
    StageChoice& to = out[static_cast<std::size_t>(stage - stages.begin())];
    if (to.samples != 0) return one->wrong("stage " + stage->name + " is there twice");
    to = {.model = static_cast<std::size_t>(found - stage->models.begin()), .samples = static_cast<int>(*samples)};
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i].samples == 0) return list->wrong("stage " + stages[i].name + " is missing");
  }
  return out;
}

}  // namespace bursar::plan
