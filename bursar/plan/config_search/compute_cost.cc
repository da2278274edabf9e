#include "bursar/plan/config_search/compute_cost.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace bursar::plan {
namespace {

constexpr double kUnitParameters = 3e9, kUnitGeneration = 64, kUnitPrompt = 128, kLargest = 1e18;
constexpr std::int64_t kMostTokens = std::int64_t{1} << 40;
constexpr int kMostSamples = 10'000;

double alpha_of(const ModelChoice& model) { return model.parameters / kUnitParameters; }

Result<void> check(const ModelChoice& model, const std::string& where) {
  if (model.name.empty()) return invalid_argument(where + ": a model has no name");
  const auto wrong = [&](const char* field, double value, const char* must) {
    return invalid_argument(where + ", model " + model.name + ": " + field + " is " + std::to_string(value) +
                            "; it must be " + must);
  };
  if (!(model.parameters > 0 && model.parameters <= kLargest)) return wrong("parameters", model.parameters, "above 0");
  if (!(model.price_in >= 0 && model.price_in <= kLargest)) return wrong("price_in", model.price_in, "at least 0");
  if (!(model.price_out >= 0 && model.price_out <= kLargest)) return wrong("price_out", model.price_out, "at least 0");
  if (!(model.latency_ms >= 0 && model.latency_ms <= kLargest))
    return wrong("latency_ms", model.latency_ms, "at least 0");
  return {};
}

}  // namespace

Result<void> check(const ChainStage& subtask) {
  if (subtask.name.empty()) return invalid_argument("a subtask has no name");
  const std::string where = "subtask " + subtask.name;
  for (const auto& [field, tokens] :
       {std::pair{"prompt_tokens", subtask.prompt_tokens}, std::pair{"generation_tokens", subtask.generation_tokens}}) {
    if (tokens < 1 || tokens > kMostTokens)
      return invalid_argument(where + ": " + field + " is " + std::to_string(tokens) + "; it must be at least 1");
  }
  if (subtask.max_samples < 1 || subtask.max_samples > kMostSamples)
    return invalid_argument(where + ": max_samples is " + std::to_string(subtask.max_samples) +
                            "; it must be from 1 to " + std::to_string(kMostSamples));
  if (subtask.models.empty()) return invalid_argument(where + ": has no models to choose from");
  std::set<std::string> names;
  for (const ModelChoice& model : subtask.models) {
    if (auto ok = check(model, where); !ok) return ok;
    if (!names.insert(model.name).second) return invalid_argument(where + ": model " + model.name + " is there twice");
  }
  return {};
}

double compute_units(const ModelChoice& model, const ChainStage& subtask, int samples, bool count_fusion) {
  const auto prompt = static_cast<double>(subtask.prompt_tokens);
  const double generated = samples * static_cast<double>(subtask.generation_tokens);
  return alpha_of(model) * (prompt + (count_fusion ? 2 : 1) * generated) / kUnitGeneration -
         kUnitPrompt / kUnitGeneration;
}

int samples_within(double units, const ModelChoice& model, const ChainStage& subtask, bool count_fusion) {
  const double tokens = (units + kUnitPrompt / kUnitGeneration) * kUnitGeneration / alpha_of(model) -
                        static_cast<double>(subtask.prompt_tokens);
  const double samples = tokens / (static_cast<double>(subtask.generation_tokens) * (count_fusion ? 2 : 1));
  // What the units of S samples give back is S, whatever the last bit of the division.
  const double whole = std::floor(samples * (1 + 1e-12) + 1e-9);
  return std::isnan(whole) ? 0 : static_cast<int>(std::clamp(whole, 0.0, static_cast<double>(subtask.max_samples)));
}

double stage_cost(CostUnit unit, const ModelChoice& model, const ChainStage& subtask, int samples, bool count_fusion) {
  const auto in = static_cast<double>(subtask.prompt_tokens), out = static_cast<double>(subtask.generation_tokens);
  switch (unit) {
    case CostUnit::kUsd: {
      const double drawn = samples * (in * model.price_in + out * model.price_out);
      const double fused = (in + samples * out) * model.price_in + out * model.price_out;
      return (drawn + (count_fusion ? fused : 0)) / 1e6;
    }
    case CostUnit::kMs: return (samples + (count_fusion ? 1 : 0)) * model.latency_ms;
    case CostUnit::kFlops: break;
  }
  return compute_units(model, subtask, samples, count_fusion);
}

std::string_view name_of(CostUnit unit) {
  return unit == CostUnit::kUsd ? "usd" : unit == CostUnit::kMs ? "ms" : "flops";
}

Result<CostUnit> cost_unit_named(std::string_view name) {
  for (const CostUnit unit : {CostUnit::kFlops, CostUnit::kUsd, CostUnit::kMs})
    if (name_of(unit) == name) return unit;
  return invalid_argument("\"" + std::string(name) + "\" is no unit of cost; take flops, usd or ms");
}

}  // namespace bursar::plan
