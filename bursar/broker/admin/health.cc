#include "bursar/broker/admin/health.h"

#include <algorithm>
#include <boost/json.hpp>

#include "bursar/core/json.h"

namespace bursar::broker {

namespace json = boost::json;

HealthAnswer healthz(const GatewayStatus& status) {
  return {200,
          bursar::to_json(json::value(json::object{
              {"status", "ok"}, {"version", json::string(status.version)}, {"listen", json::string(status.listen)}}))};
}

HealthAnswer readyz(const GatewayStatus& status) {
  json::array reasons, down;
  for (const auto& upstream : status.upstreams) {
    if (!upstream.up || upstream.circuit_open) down.emplace_back(upstream.name);
  }
  for (const auto& model : status.models) {
    if (model.circuit_open) down.emplace_back(model.name);
  }
  if (status.draining) reasons.emplace_back("draining");
  if (!status.ledger_error.empty()) reasons.emplace_back("ledger");
  if (!status.audit_error.empty()) reasons.emplace_back("audit");
  if (!down.empty() && down.size() == status.upstreams.size() + status.models.size()) reasons.emplace_back("upstreams");
  const bool ready = reasons.empty();
  json::object body{{"status", ready ? "ready" : "not_ready"},
                    {"reasons", std::move(reasons)},
                    {"upstreams_down", std::move(down)},
                    {"config", status.config_error.empty() ? "current" : "refused"}};
  return {ready ? 200 : 503, bursar::to_json(json::value(std::move(body)))};
}

}  // namespace bursar::broker
