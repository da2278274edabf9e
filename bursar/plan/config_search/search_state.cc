// The state of a search as JSON, and back to the last bit.
#include <boost/json/array.hpp>
#include <charconv>

#include "bursar/plan/config_search/config_search.h"
#include "bursar/plan/config_search/subtask_json.h"

namespace bursar::plan {
namespace {

namespace json = boost::json;

json::array pairs_of(const Configuration& configuration) {
  json::array out;
  for (const StageChoice& choice : configuration) out.push_back(json::array{choice.model, choice.samples});
  return out;
}

json::array lists_of(const std::vector<Configuration>& list) {
  json::array out;
  for (const Configuration& one : list) out.push_back(pairs_of(one));
  return out;
}

Result<Configuration> configuration_from(const ConfigSpace& space, const JsonView& view) {
  const auto size = view.array_size(ConfigSpace::kMostStages);
  if (!size) return tl::unexpected(size.error());
  Configuration out;
  for (std::size_t i = 0; i < *size; ++i) {
    const auto pair = view.element(i);
    const auto model = pair->element(0).and_then([](const JsonView& v) { return v.as_int(0, 1 << 20); });
    const auto samples = pair->element(1).and_then([](const JsonView& v) { return v.as_int(1, 1 << 20); });
    if (!model) return tl::unexpected(model.error());
    if (!samples) return tl::unexpected(samples.error());
    out.push_back({.model = static_cast<std::size_t>(*model), .samples = static_cast<int>(*samples)});
  }
  if (auto ok = space.check(out); !ok) return view.wrong(ok.error().message);
  return out;
}

Result<std::vector<Configuration>> configurations_from(const ConfigSpace& space, const JsonView& root,
                                                       std::string_view key) {
  const auto list = root.at(key);
  if (!list) return tl::unexpected(list.error());
  const auto size = list->array_size(ConfigSearch::kMostTrials);
  if (!size) return tl::unexpected(size.error());
  std::vector<Configuration> out;
  for (std::size_t k = 0; k < *size; ++k) {
    auto one = list->element(k).and_then([&](const JsonView& v) { return configuration_from(space, v); });
    if (!one) return tl::unexpected(one.error());
    out.push_back(*std::move(one));
  }
  return out;
}

Result<std::uint64_t> whole_at(const JsonView& root, std::string_view key) {
  const auto text = root.string_at(key, 20);
  if (!text) return tl::unexpected(text.error());
  std::uint64_t out = 0;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), out);
  if (code != std::errc() || end != text->data() + text->size() || text->empty())
    return root.at(key)->wrong("must be a whole number as text");
  return out;
}

Result<SpaceOptions> space_options_from(const JsonView& root) {
  SpaceOptions out;
  const auto budget = root.double_at("budget", 0, 1e300);
  const auto unit = root.string_at("unit").and_then([](std::string_view name) { return cost_unit_named(name); });
  const auto fusion = root.bool_at("count_fusion");
  const auto grid = root.at("grid");
  if (!budget) return tl::unexpected(budget.error());
  if (!unit) return tl::unexpected(unit.error());
  if (!fusion) return tl::unexpected(fusion.error());
  if (!grid) return tl::unexpected(grid.error());
  out.budget = *budget;
  out.unit = *unit;
  out.count_fusion = *fusion;
  out.grid.clear();
  const auto size = grid->array_size(10'000);
  if (!size) return tl::unexpected(size.error());
  for (std::size_t k = 0; k < *size; ++k) {
    const auto one = grid->element(k).and_then([](const JsonView& v) { return v.as_int(1, 10'000); });
    if (!one) return tl::unexpected(one.error());
    out.grid.push_back(static_cast<int>(*one));
  }
  return out;
}

Result<SearchOptions> options_from(const JsonView& root) {
  SearchOptions out;
  auto space = space_options_from(root);
  if (!space) return tl::unexpected(space.error());
  out.space = *std::move(space);
  const auto seed = whole_at(root, "seed");
  const auto spread = root.double_at("spread", 0, 1e6);
  const auto usual = root.bool_at("usual_first"), curvature = root.bool_at("curvature"),
             joint = root.bool_at("joint_budget");
  if (!seed) return tl::unexpected(seed.error());
  if (!spread) return tl::unexpected(spread.error());
  for (const auto* flag : {&usual, &curvature, &joint}) {
    if (!*flag) return tl::unexpected(flag->error());
  }
  out.seed = *seed;
  out.spread = *spread;
  out.usual_first = *usual;
  out.curvature = *curvature;
  out.joint_budget = *joint;
  return out;
}

Result<Score> score_from(const JsonView& view) {
  Score out;
  const auto value = view.double_at("score", 0, 1);
  const auto examples = view.int_at("examples", 1);
  const auto stages = view.find("stages");
  if (!value) return tl::unexpected(value.error());
  if (!examples) return tl::unexpected(examples.error());
  if (!stages) return tl::unexpected(stages.error());
  out.value = *value;
  out.examples = *examples;
  if (!*stages) return out;
  const auto size = (*stages)->array_size(ConfigSpace::kMostStages);
  if (!size) return tl::unexpected(size.error());
  for (std::size_t i = 0; i < *size; ++i) {
    const auto one = (*stages)->element(i).and_then([](const JsonView& v) { return v.as_double(0, 1); });
    if (!one) return tl::unexpected(one.error());
    out.stages.push_back(*one);
  }
  return out;
}

Result<std::vector<ChainStage>> subtasks_from(const JsonView& root) {
  const auto list = root.at("subtasks");
  if (!list) return tl::unexpected(list.error());
  const auto size = list->array_size(ConfigSpace::kMostStages);
  if (!size) return tl::unexpected(size.error());
  std::vector<ChainStage> out;
  for (std::size_t i = 0; i < *size; ++i) {
    auto one = list->element(i).and_then(subtask_of);
    if (!one) return tl::unexpected(one.error());
    out.push_back(*std::move(one));
  }
  return out;
}

}  // namespace

json::object ConfigSearch::save() const {
  json::array subtasks, trials;
  for (const ChainStage& stage : space_.stages()) subtasks.push_back(to_json_object(stage));
  for (const Trial& trial : trials_) {
    json::object one{{"configuration", pairs_of(trial.configuration)},
                     {"score", trial.score.value},
                     {"examples", trial.score.examples}};
    if (!trial.score.stages.empty()) one["stages"] = json::array(trial.score.stages.begin(), trial.score.stages.end());
    trials.push_back(std::move(one));
  }
  return {{"search", "configurations"},
          {"subtasks", std::move(subtasks)},
          {"budget", options_.space.budget},
          {"unit", name_of(options_.space.unit)},
          {"count_fusion", options_.space.count_fusion},
          {"grid", json::array(options_.space.grid.begin(), options_.space.grid.end())},
          {"seed", std::to_string(options_.seed)},
          {"spread", options_.spread},
          {"usual_first", options_.usual_first},
          {"curvature", options_.curvature},
          {"joint_budget", options_.joint_budget},
          {"drawn", std::to_string(drawn_)},
          {"trials", std::move(trials)},
          {"open", lists_of(open_)},
          {"given_up", lists_of(given_up_)}};
}

Result<ConfigSearch> ConfigSearch::restore(const json::object& saved) {
  const auto corrupt = [](const Error& error) { return fail(ErrorCode::kCorrupt, error.message); };
  const json::value whole(saved);
  const JsonView root(whole, "saved search");
  auto subtasks = subtasks_from(root);
  if (!subtasks) return corrupt(subtasks.error());
  auto options = options_from(root);
  if (!options) return corrupt(options.error());
  auto out = make(*std::move(subtasks), *std::move(options));
  if (!out) return corrupt(out.error());
  const auto trials = root.at("trials");
  const auto size = trials.and_then([](const JsonView& v) { return v.array_size(kMostTrials); });
  if (!size) return corrupt(size.error());
  for (std::size_t k = 0; k < *size; ++k) {
    const auto one = trials->element(k);
    const auto configuration =
        one->at("configuration").and_then([&](const JsonView& v) { return configuration_from(out->space_, v); });
    const auto score = score_from(*one);
    if (!configuration) return corrupt(configuration.error());
    if (!score) return corrupt(score.error());
    if (auto ok = out->report(*configuration, *score); !ok) return corrupt(ok.error());
  }
  auto open = configurations_from(out->space_, root, "open"),
       given_up = configurations_from(out->space_, root, "given_up");
  if (!open) return corrupt(open.error());
  if (!given_up) return corrupt(given_up.error());
  const auto drawn = whole_at(root, "drawn");
  if (!drawn) return corrupt(drawn.error());
  out->open_ = *std::move(open);
  out->given_up_ = *std::move(given_up);
  out->drawn_ = *drawn;
  return out;
}

}  // namespace bursar::plan
