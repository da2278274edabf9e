// The HTTP doors of the simulated model: which path is what.
//
//   auto door = std::make_shared<ModelDoor>(ModelDoorOptions{.seed = 7});
//   HttpServer::listen(reactors, {.handler = [door](auto request, auto exchange) { door->handle(request, exchange);
//   }});
//
//   POST /v1/chat/completions, /v1/completions, /v1/embeddings     as OpenAI has them, streams too
//   GET  /v1/models, /v1/models/<name>
//   GET  /v1/simulated/usage                                       usage_table.h
//   GET  /v1/simulated/truth?question=…                            what it holds for right, and how hard it is
//   POST /mcp                                                      mcp_tools.h
// Every answer has the header x-simulated: true. One reactor: nothing here is locked.
#pragma once

#include <cstdint>
#include <memory>

#include "bursar/broker/http/server.h"
#include "bursar/cli/sim_model/completion_json.h"
#include "bursar/cli/sim_model/faults.h"
#include "bursar/cli/sim_model/usage_table.h"
#include "bursar/simulate/model.h"

namespace bursar::cli {

struct ModelDoorOptions {
  std::uint64_t seed = 0;
  double latency_scale = 0;
  Faults faults;
};

class ModelDoor {
 public:
  explicit ModelDoor(ModelDoorOptions options) : options_(std::move(options)), model_(options_.seed) {}
  void handle(const broker::HttpRequest& request, const std::shared_ptr<broker::Exchange>& exchange);

 private:
  void complete(const broker::HttpRequest& request, const std::shared_ptr<broker::Exchange>& exchange,
                CompletionForm form);
  [[nodiscard]] broker::HttpResponse embed(const broker::HttpRequest& request);
  [[nodiscard]] broker::HttpResponse look(const broker::HttpRequest& request) const;  // GET

  ModelDoorOptions options_;
  simulate::SimulatedModel model_;
  std::shared_ptr<UsageTable> usage_ = std::make_shared<UsageTable>();
  std::uint64_t answers_ = 0;
};

}  // namespace bursar::cli
