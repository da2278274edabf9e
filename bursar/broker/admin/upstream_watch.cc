#include "bursar/broker/admin/upstream_watch.h"

#include <utility>

#include "bursar/broker/telemetry/log.h"

namespace bursar::broker {

void UpstreamWatch::look(const UpstreamHealth& health) {
  const auto set = [&](UpstreamGauge gauge, std::size_t value) {
    metrics_.set(gauge, health.name, static_cast<std::int64_t>(value));
  };
  set(UpstreamGauge::kUp, health.up ? 1 : 0);
  set(UpstreamGauge::kSessions, health.sessions);
  set(UpstreamGauge::kChildren, health.children);
  set(UpstreamGauge::kInFlight, health.in_flight);
  set(UpstreamGauge::kCircuitOpen, health.circuit_open ? 1 : 0);
  set(UpstreamGauge::kTools, health.tools);
  set(UpstreamGauge::kRestarts, health.restarts);
  set(UpstreamGauge::kDrifted, health.drifted() ? 1 : 0);
  if (!health.drifted()) {
    told_.erase(health.name);
  } else if (std::exchange(told_[health.name], health.tools_digest) != health.tools_digest) {
    log(LogLevel::kError, "tools_drifted", {{"upstream", health.name}, {"digest", health.tools_digest}});
    security_log_.write("tools_drifted", {{"upstream", health.name}, {"digest", health.tools_digest}});
  }
}

}  // namespace bursar::broker
