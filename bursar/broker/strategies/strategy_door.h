// Models named "bursar/<strategy>": a job for each such request of /v1/chat/completions.
//
//   StrategyDoor door({.models = …, .mcp = …, .services = …, .config = …});
//   models door: if (door.takes("bursar/pets")) door.start(call, request, exchange);
//   door.names();                                        // for GET /v1/models
//   door.jobs()->stop();                                 // they answer with the best so far
//
// Without `strategies.model` in the configuration there are none, and the names are unknown like any other.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bursar/broker/config/config.h"
#include "bursar/broker/strategies/belief_store.h"
#include "bursar/broker/strategies/job_table.h"
#include "bursar/broker/strategies/strategy_request.h"
#include "bursar/core/published.h"

namespace bursar::broker {

class McpDoor;
class ModelsDoor;
struct McpServices;

class StrategyDoor {
 public:
  struct Dependencies {
    ModelsDoor* models = nullptr;  // asks
    McpDoor* mcp = nullptr;        // calls tools
    Pipeline* pipeline = nullptr;
    std::shared_ptr<McpServices> services;  // knows tools
    const Clock* clock = nullptr;
    std::function<std::shared_ptr<const Config>()> config;
    std::function<Amounts(std::string_view account)> left;
    BeliefStore* beliefs = nullptr;  // null: nothing is learned
  };
  explicit StrategyDoor(Dependencies dependencies);
  ~StrategyDoor();

  void adopt(PipelineTable pipelines) { pipelines_.store(std::make_shared<const PipelineTable>(std::move(pipelines))); }
  [[nodiscard]] bool takes(std::string_view model) const;
  [[nodiscard]] std::vector<std::string> names() const;
  // On the exchange's reactor. Refuses by itself what it cannot read.
  void start(ModelCall call, HttpRequest request, const std::shared_ptr<Exchange>& exchange);

  [[nodiscard]] const std::shared_ptr<const StrategyServices>& services() const { return services_; }
  [[nodiscard]] const std::shared_ptr<JobTable>& jobs() const { return jobs_; }

 private:
  Dependencies dependencies_;
  std::shared_ptr<const StrategyServices> services_;
  std::shared_ptr<JobTable> jobs_ = std::make_shared<JobTable>();
  Published<const PipelineTable> pipelines_{std::make_shared<const PipelineTable>()};
};

}  // namespace bursar::broker
