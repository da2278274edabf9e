// Models named "bursar/<strategy>": a job for each such request of /v1/chat/completions.
//
//   StrategyDoor door({.models = …, .mcp = …, .services = …, .config = …});
//   models door: if (door.takes("bursar/pets")) door.start(call, request, exchange);
//   door.names();                                        // for GET /v1/models
//   door.close();                                        // jobs answer with the best so far
//
// Without `strategies.model` in the configuration there are none, and the names are unknown like any other.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bursar/broker/config/config.h"
#include "bursar/broker/strategies/strategy_job.h"

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
    std::function<void(const StrategyJob&)> done = {};  // of each job, on its reactor; may be empty
    std::function<boost::json::object()> beliefs = {};  // what was learned; may be empty
  };
  explicit StrategyDoor(Dependencies dependencies);
  ~StrategyDoor();

  [[nodiscard]] bool takes(std::string_view model) const;
  [[nodiscard]] std::vector<std::string> names() const;
  // On the exchange's reactor. Refuses by itself what it cannot read.
  void start(ModelCall call, HttpRequest request, const std::shared_ptr<Exchange>& exchange);

  [[nodiscard]] std::size_t running() const;
  void close();  // from any thread

 private:
  struct Running;
  Dependencies dependencies_;
  std::shared_ptr<const StrategyServices> services_;
  std::shared_ptr<Running> running_;
};

}  // namespace bursar::broker
