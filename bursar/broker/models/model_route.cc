#include "bursar/broker/models/model_route.h"

#include <algorithm>

#include "bursar/broker/pipeline/glob.h"

namespace bursar::broker {

std::string_view upstream_of(std::string_view target) { return target.substr(0, target.find('/')); }

bool ModelRoutes::known(std::string_view upstream) const {
  return std::ranges::any_of(upstreams_, [&](const ModelUpstreamConfig& u) { return u.name == upstream; });
}

ModelTarget ModelRoutes::target_of(std::string_view text, std::string_view asked) const {
  const std::string_view upstream = upstream_of(text);
  const bool keeps = upstream.size() + 1 >= text.size();
  return {std::string(upstream), std::string(keeps ? asked : text.substr(upstream.size() + 1))};
}

std::optional<ModelRoute> ModelRoutes::find(std::string_view model) const {
  if (routes_.empty()) {
    const std::string_view upstream = upstream_of(model);
    if (!known(upstream) || upstream.size() + 1 >= model.size()) return std::nullopt;
    return ModelRoute{.targets = {target_of(model, model)}};
  }
  for (const ModelRouteConfig& rule : routes_) {
    if (!glob_match(rule.model, model)) continue;
    ModelRoute out{.targets = {},
                   .policy = rule.policy,
                   .values = rule.values,
                   .retries = rule.retries,
                   .hedge_after = rule.hedge_after,
                   .max_output_tokens = rule.max_output_tokens};
    for (const std::string& target : rule.targets) out.targets.push_back(target_of(target, model));
    if (out.targets.empty()) return std::nullopt;
    return out;
  }
  return std::nullopt;
}

std::vector<std::string> ModelRoutes::names_of(std::string_view upstream, std::string_view model) const {
  if (routes_.empty()) return {std::string(upstream).append("/").append(model)};
  // The agent's name and the upstream's are the same wherever a target names no model of its own.
  const auto route = find(model);
  const bool leads_there =
      route &&
      std::ranges::find(route->targets, ModelTarget{std::string(upstream), std::string(model)}) != route->targets.end();
  return leads_there ? std::vector{std::string(model)} : std::vector<std::string>{};
}

std::vector<std::string> ModelRoutes::named() const {
  std::vector<std::string> out;
  for (const ModelRouteConfig& rule : routes_) {
    if (rule.model.find_first_of("*?") == std::string::npos) out.push_back(rule.model);
  }
  return out;
}

}  // namespace bursar::broker
