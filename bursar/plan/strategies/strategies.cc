#include "bursar/plan/strategies/strategies.h"

#include <algorithm>
#include <vector>

#include "bursar/core/json.h"
#include "bursar/plan/strategies/entries.h"

namespace bursar::plan {

std::span<const StrategyEntry> strategies() {
  static const std::vector<StrategyEntry> all{
      kAuto,     kPets, kBom,  kSevra,     kPlanAndBudget, kScale,          kDora,
      kMasPhase, kBats, kBavt, kVoiSearch, kPipeline,      kBudgetGuidance,
  };
  return all;
}

Result<const StrategyEntry*> strategy_named(std::string_view name) {
  const auto found = std::ranges::find(strategies(), name, &StrategyEntry::name);
  if (found != strategies().end()) return &*found;
  std::string names;
  for (const StrategyEntry& entry : strategies()) names += (names.empty() ? "" : ", ") + std::string(entry.name);
  return fail(ErrorCode::kNotFound, "there is no strategy named '" + std::string(name) + "'; there are " + names);
}

Result<std::unique_ptr<Controller>> make_job(const StrategyEntry& entry, JobSetup setup) {
  for (const PolicyParameter& parameter : entry.parameters) {
    auto* given = setup.parameters.if_contains(parameter.name);
    if (parameter.kind == ParameterKind::kText && given != nullptr && given->is_structured()) *given = to_json(*given);
  }
  auto parameters = complete_parameters({.name = entry.name, .parameters = entry.parameters}, setup.parameters);
  if (!parameters) {
    Error wrong = parameters.error();
    constexpr std::string_view kPolicy = "policy ";  // the table's reader is that of policies
    if (wrong.message.starts_with(kPolicy)) wrong.message.replace(0, kPolicy.size(), "parameters of ");
    return tl::unexpected(std::move(wrong));
  }
  setup.parameters = std::move(*parameters);
  setup.strategy = entry.name;
  if (setup.question.empty()) return invalid_argument("messages: no user says anything in them; ask a question");
  if (setup.max_tokens < 1) return invalid_argument("max_tokens: must be 1 or more");
  if (entry.searches && setup.tools.empty()) {
    return invalid_argument("strategy " + std::string(entry.name) +
                            ": needs a tool to search with; name one in `tools` or in the configuration");
  }
  if (setup.small_model.empty()) setup.small_model = setup.model;
  if (setup.judge_model.empty()) setup.judge_model = setup.model;
  return entry.make != nullptr ? entry.make(std::move(setup)) : run_script(std::move(setup), entry.script);
}

}  // namespace bursar::plan
