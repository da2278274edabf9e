#include "bursar/broker/models/model_check.h"

#include <algorithm>
#include <set>
#include <string>

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

void check_routes(const ModelsConfig& models, const ReportProblem& wrong) {
  const auto known = [&](std::string_view name) {
    return std::ranges::any_of(models.upstreams, [&](const ModelUpstreamConfig& u) { return u.name == name; });
  };
  for (std::size_t i = 0; i < models.routes.size(); ++i) {
    const ModelRouteConfig& route = models.routes[i];
    if (route.targets.empty()) wrong("models.routes", i, "targets", "must name at least one");
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
  check_routes(config.models, wrong);
  check_prices(config.models, wrong);
}

}  // namespace bursar::broker
