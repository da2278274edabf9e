// The model endpoints as one immutable picture, swapped whole by a hot reload: where they are, what they cost, and
// which one answers for which model.
//
//   auto table = ModelTable::make(config.models, running.get());
//   const std::shared_ptr<const ModelEndpoint> openai = table->find("openai");
//
// An endpoint whose configuration did not change is taken over from the running table, connections and all.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/config/model_config.h"
#include "bursar/broker/models/model_price.h"
#include "bursar/broker/models/model_request.h"
#include "bursar/broker/models/model_route.h"
#include "bursar/core/result.h"

namespace bursar::broker {

class HttpClient;

struct ModelEndpoint {
  ModelUpstreamConfig config;
  std::shared_ptr<HttpClient> client;  // null in tests that bring a wire of their own
  std::string base;                    // path of its url without a slash at the end: "/v1"
  // Limits go out as max_completion_tokens, which OpenAI and Azure want; others know max_tokens.
  bool max_completion_tokens = false;

  // Errors: those of Endpoint::make.
  [[nodiscard]] static Result<std::shared_ptr<const ModelEndpoint>> make(const ModelUpstreamConfig& config);
  [[nodiscard]] std::string target(std::string_view path) const { return base + "/" + std::string(path); }
};

struct ModelTable {
  std::vector<std::shared_ptr<const ModelEndpoint>> endpoints;
  ModelRoutes routes;
  ModelPrices prices;

  // Errors: of an endpoint, or of the price file; with the field's name.
  [[nodiscard]] static Result<std::shared_ptr<const ModelTable>> make(const ModelsConfig& config,
                                                                      const ModelTable* running = nullptr);
  [[nodiscard]] std::shared_ptr<const ModelEndpoint> find(std::string_view upstream) const;  // null where unknown
};

}  // namespace bursar::broker
