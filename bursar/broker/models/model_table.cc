#include "bursar/broker/models/model_table.h"

#include <algorithm>
#include <tuple>

#include "bursar/broker/net/http_client.h"

namespace bursar::broker {
namespace {

bool same(const ModelUpstreamConfig& a, const ModelUpstreamConfig& b) {
  const auto parts = [](const ModelUpstreamConfig& c) {
    return std::tie(c.name, c.url, c.headers, c.tls, c.private_network, c.max_concurrent, c.timeout, c.stall_timeout);
  };
  return parts(a) == parts(b);
}

bool wants_completion_limits(std::string_view host) {
  return host == "api.openai.com" || host.ends_with(".openai.azure.com");
}

}  // namespace

Result<std::shared_ptr<const ModelEndpoint>> ModelEndpoint::make(const ModelUpstreamConfig& config) {
  auto endpoint = Endpoint::make({.url = config.url, .tls = config.tls, .private_network = config.private_network});
  if (!endpoint) return tl::unexpected(endpoint.error());
  auto out = std::make_shared<ModelEndpoint>();
  out->config = config;
  out->base = (*endpoint)->url().target;
  while (out->base.ends_with('/')) out->base.pop_back();
  out->max_completion_tokens = wants_completion_limits((*endpoint)->url().host);
  out->client = std::make_shared<HttpClient>(std::move(*endpoint));
  return out;
}

Result<std::shared_ptr<const ModelTable>> ModelTable::make(const ModelsConfig& config, const ModelTable* running) {
  auto out = std::make_shared<ModelTable>();
  for (const ModelUpstreamConfig& wanted : config.upstreams) {
    const auto kept = running == nullptr ? nullptr : running->find(wanted.name);
    if (kept != nullptr && same(kept->config, wanted)) {
      out->endpoints.push_back(kept);
      continue;
    }
    auto endpoint = ModelEndpoint::make(wanted);
    if (!endpoint) return tl::unexpected(with_context("models.upstreams: " + wanted.name, endpoint.error()));
    out->endpoints.push_back(std::move(*endpoint));
  }
  out->routes = ModelRoutes(config);
  auto prices = ModelPrices::make(config);
  if (!prices) return tl::unexpected(with_context("models.price_file", prices.error()));
  out->prices = std::move(*prices);
  return out;
}

std::shared_ptr<const ModelEndpoint> ModelTable::find(std::string_view upstream) const {
  const auto it = std::ranges::find_if(endpoints, [&](const auto& e) { return e->config.name == upstream; });
  return it == endpoints.end() ? nullptr : *it;
}

}  // namespace bursar::broker
