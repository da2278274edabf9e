#include "bursar/broker/strategies/strategy_check.h"

#include "bursar/broker/models/model_route.h"
#include "bursar/broker/strategies/strategy_request.h"

namespace bursar::broker {

void check_strategies(const Config& config, const ReportProblem& wrong) {
  const auto say = [&](std::string_view field, const std::string& what) {
    wrong("strategies", static_cast<std::size_t>(-1), field, what);
  };
  const StrategyConfig& strategies = config.strategies;
  if (strategies.model.empty()) {
    if (strategies != StrategyConfig{}) say("model", "must name the model that strategies ask");
    return;
  }
  const ModelRoutes routes(config.models);
  for (const auto& [field, name] : {std::pair<std::string_view, const std::string&>{"model", strategies.model},
                                    {"small_model", strategies.small_model},
                                    {"judge_model", strategies.judge_model},
                                    {"embedding_model", strategies.embedding_model}}) {
    if (name.empty()) continue;
    if (name.starts_with(kStrategyPrefix))
      say(field, "must not be a strategy itself, is \"" + name + "\"");
    else if (!routes.find(name))
      say(field, "\"" + name + "\" is no model of `models`: nothing there answers for it");
  }
}

}  // namespace bursar::broker
