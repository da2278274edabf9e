#include "bursar/broker/models/model_check.h"

#include <algorithm>
#include <set>
#include <string>

#include "bursar/broker/decide_door/decide_check.h"
#include "bursar/broker/models/model_route.h"
#include "bursar/broker/net/url.h"

namespace bursar::broker {
namespace {

constexpr std::string_view kNameBytes = "abcdefghijklmnopqrstuvwxyz0123456789_-";

void check_upstreams(const Config& config, const ReportProblem& wrong) {
  const auto say = [&](std::size_t i, std::string_view field, std::string_view what) {
    wrong("models.upstreams", i, field, what);
  };
  std::set<std::string_view> names;
  for (const UpstreamConfig& server : config.upstreams) names.insert(server.name);
  for (std::size_t i = 0; i < config.models.upstreams.size(); ++i) {
    const ModelUpstreamConfig& upstream = config.models.upstreams[i];
    const std::string_view name = upstream.name;
    if (name.empty() || upstream.url.empty()) continue;  // reported as missing
    if (name.size() > 32 || name.find_first_not_of(kNameBytes) != std::string_view::npos) {
      say(i, "name", "must be 1 to 32 of a-z 0-9 _ -");
    }
    // Policy, circuits and metrics know an upstream by its name alone.
    if (!names.insert(name).second) say(i, "name", "stands twice, here or among the MCP upstreams");
    if (const auto url = parse_url(upstream.url); !url) say(i, "url", url.error().message);
    if (upstream.url.find_first_of("?#") != std::string::npos) say(i, "url", "must have no query and no fragment");
    if (upstream.tls.certificate.empty() != upstream.tls.key.empty())
      say(i, "tls", "needs certificate and key, or neither");
  }
}

// Of a route with a policy.
void check_pacing(const Config& config, std::size_t i, const ReportProblem& wrong) {
  const ModelRouteConfig& route = config.models.routes[i];
  const auto say = [&](std::string_view field, std::string_view what) { wrong("models.routes", i, field, what); };
  if (route.policy.empty()) {
    if (!route.values.empty()) say("values", "belong to a policy; name one of `policies` as `policy`");
    return;
  }
  const auto policy = std::ranges::find(config.policies, route.policy, &DecideConfig::name);
  if (policy == config.policies.end()) {
    return say("policy", "\"" + route.policy + "\" is none of `policies`; list it there");
  }
  const bool learns = learns_rewards(*policy);
  if (learns && !route.values.empty()) {
    return say("values", "are not for \"" + policy->policy + "\", which learns them from what is observed");
  }
  if (!learns && route.values.size() != route.targets.size()) {
    return say("values", "must be a number for each of the " + std::to_string(route.targets.size()) + " targets");
  }
  // Some policies decide auctions alone, or requests with a context.
  const auto fresh = make_decider(*policy);
  if (!fresh) return;  // reported where it stands
  const std::vector<double> values = learns ? std::vector<double>(route.targets.size()) : route.values;
  const std::vector<double> costs(values.size() * policy->budget.items().size());
  if (const auto decided = (*fresh)->decide({.rewards = values, .costs = costs}); !decided) {
    say("policy", "\"" + route.policy + "\" cannot choose among targets: " + decided.error().message);
  }
}

void check_routes(const Config& config, const ReportProblem& wrong) {
  const ModelsConfig& models = config.models;
  const auto known = [&](std::string_view name) {
    return std::ranges::any_of(models.upstreams, [&](const ModelUpstreamConfig& u) { return u.name == name; });
  };
  for (std::size_t i = 0; i < models.routes.size(); ++i) {
    const ModelRouteConfig& route = models.routes[i];
    if (route.targets.empty()) wrong("models.routes", i, "targets", "must name at least one");
    check_pacing(config, i, wrong);
    for (const std::string& target : route.targets) {
      if (known(upstream_of(target))) continue;
      wrong("models.routes", i, "targets",
            "\"" + target + "\" is at no upstream of models.upstreams; write <upstream>/<model> or <upstream>");
    }
  }
}

void check_prices(const ModelsConfig& models, const ReportProblem& wrong) {
  for (std::size_t i = 0; i < models.prices.size(); ++i) {
    const ModelPriceConfig& price = models.prices[i];
    for (const auto& [field, amounts] : {std::pair{"input", &price.input},
                                         {"cached_input", &price.cached_input},
                                         {"output", &price.output},
                                         {"call", &price.call}}) {
      if (amounts->any_negative()) wrong("models.prices", i, field, "must not be negative");
      for (const Amount& amount : amounts->items()) {
        if (amount.resource != kTokens && amount.resource != kMs) continue;
        wrong("models.prices", i, field, "tokens and milliseconds are counted as they are; give a price in usd");
      }
    }
  }
}

}  // namespace

void check_models(const Config& config, const ReportProblem& wrong) {
  check_upstreams(config, wrong);
  check_routes(config, wrong);
  check_prices(config.models, wrong);
}

}  // namespace bursar::broker
