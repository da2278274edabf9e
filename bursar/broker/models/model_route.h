// Which upstreams answer for the model that an agent names, in the order in which they are tried.
//
//   ModelRoutes routes(config.models);
//   std::optional<ModelRoute> route = routes.find("gpt-4o");       // targets {"openai", "gpt-4o"}, {"azure",
//   "gpt-4o-eu"}
//
// The first route whose glob fits counts. "openai/gpt-4o-mini" is that model at upstream openai; "openai" keeps the
// name that the agent used. Without any route, agents name "<upstream>/<model>" themselves. Names that nothing fits
// have no route. O(routes).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/config/model_config.h"

namespace bursar::broker {

struct ModelTarget {
  std::string upstream, model;  // the model's name there
  bool operator==(const ModelTarget&) const = default;
};

struct ModelRoute {
  std::vector<ModelTarget> targets;  // at least one
  std::string policy;                // of `policies`; empty: targets are tried in their order
  std::vector<double> values;        // [targets] with a policy
  unsigned retries = 1;
  Duration hedge_after{0};
  std::uint64_t max_output_tokens = 4096;
};

class ModelRoutes {
 public:
  ModelRoutes() = default;
  explicit ModelRoutes(const ModelsConfig& config) : routes_(config.routes), upstreams_(config.upstreams) {}

  [[nodiscard]] std::optional<ModelRoute> find(std::string_view model) const;

  // The names under which agents can ask for what an upstream offers as `model`; those of routes without wildcards are
  // named() instead, since no upstream has to be asked for them.
  [[nodiscard]] std::vector<std::string> names_of(std::string_view upstream, std::string_view model) const;
  [[nodiscard]] std::vector<std::string> named() const;

 private:
  [[nodiscard]] bool known(std::string_view upstream) const;
  [[nodiscard]] ModelTarget target_of(std::string_view text, std::string_view asked) const;

  std::vector<ModelRouteConfig> routes_;
  std::vector<ModelUpstreamConfig> upstreams_;
};

// The upstream that a target names: what stands before its first '/'.
[[nodiscard]] std::string_view upstream_of(std::string_view target);

}  // namespace bursar::broker
