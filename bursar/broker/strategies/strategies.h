// Everything about strategies that the gateway holds: its doors, the jobs that run, and what was learned from them.
//
//   auto strategies = Strategies::open({.models = …, .mcp = …, …}, *config);
//   strategies->own_models()                              // "bursar/pets" and the like, for the models door
//   if (Strategies::is_mine(request.path)) strategies->handle(std::move(request), exchange);
//   strategies->tick();                                   // once a second: what was learned is kept
//   strategies->stop();                                   // jobs answer with the best so far
//
//   POST /v1/chat/completions with a model "bursar/<strategy>"     strategy_door.h
//   POST /v1/plan/workflow                                         workflow_door.h
//   POST /v1/feedback                                              feedback_door.h
// Read on in live_job.h: how one job runs.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "bursar/broker/models/models_door.h"
#include "bursar/broker/pipeline/authenticate.h"
#include "bursar/broker/strategies/feedback_door.h"
#include "bursar/broker/strategies/strategy_door.h"
#include "bursar/broker/strategies/workflow_door.h"

namespace bursar::broker {

class Strategies {
 public:
  struct Dependencies {
    StrategyDoor::Dependencies door;  // `beliefs` is set here
    std::function<Authentication(const HttpRequest&)> authenticate;
    std::string instance;
  };
  // Beliefs lie beside the configuration's database. Errors: a file of them, or of a pipeline,
  // that is damaged.
  [[nodiscard]] static Result<std::unique_ptr<Strategies>> open(const Dependencies& dependencies, const Config& config);

  // Of a hot reload. Errors: a file of a pipeline; nothing is changed then.
  [[nodiscard]] static Result<PipelineTable> prepare(const Config& config) {
    return PipelineTable::read(config.strategies.pipelines);
  }
  void adopt(PipelineTable pipelines) { door_.adopt(std::move(pipelines)); }

  [[nodiscard]] OwnModels own_models();
  [[nodiscard]] static bool is_mine(std::string_view path) {
    return WorkflowDoor::is_mine(path) || FeedbackDoor::is_mine(path);
  }
  void handle(HttpRequest request, const std::shared_ptr<Exchange>& exchange);

  void tick() { beliefs_->save(); }
  [[nodiscard]] std::size_t running() const { return door_.jobs()->size(); }
  void stop();

 private:
  Strategies(std::unique_ptr<BeliefStore> beliefs, const Dependencies& dependencies);

  std::unique_ptr<BeliefStore> beliefs_;
  StrategyDoor door_;
  WorkflowDoor workflows_;
  FeedbackDoor feedback_;
};

}  // namespace bursar::broker
