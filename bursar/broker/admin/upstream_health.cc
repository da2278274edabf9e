#include "bursar/broker/admin/upstream_health.h"

#include <algorithm>

#include "bursar/broker/audit/digest.h"
#include "bursar/broker/pipeline/stage_support.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxNamed = 20;

void look_at_tools(UpstreamHealth& health, const UpstreamLists& lists, const KnownLatencies& known,
                   const schedule::LatencyStore& latencies) {
  const auto& tools = lists.items[static_cast<std::size_t>(ListKind::kTools)];
  if (!tools) return;
  health.tools = tools->size();
  health.tools_digest = tools_digest(lists);
  for (const CatalogueItem& tool : *tools) {
    const schedule::ToolId id{health.name, tool.name};
    health.sum_of_medians += known.quantile(id, .5);
    if (!tool.input_contract && health.tools_without_schema.size() < kMaxNamed) {
      health.tools_without_schema.push_back(tool.name);
    }
    if (!known.knows(id) && latencies.observations(id) == 0 && health.tools_without_latency.size() < kMaxNamed) {
      health.tools_without_latency.push_back(tool.name);
    }
  }
}

}  // namespace

std::string tools_digest(const UpstreamLists& lists) {
  const auto& tools = lists.items[static_cast<std::size_t>(ListKind::kTools)];
  if (!tools) return {};
  std::vector<std::string_view> items;
  for (const CatalogueItem& tool : *tools) items.emplace_back(tool.raw);
  std::ranges::sort(items);
  std::string all;
  for (const std::string_view item : items) all.append(item).append(1, '\n');
  return hex(sha256(all));
}

UpstreamHealth health_of(const UpstreamEntry& entry, const Catalogue& catalogue, Pipeline& pipeline,
                         const schedule::LatencyStore& latencies, WallTime now) {
  const UpstreamStatus status = entry.upstream->status();
  UpstreamHealth health{
      .name = entry.config.name,
      .up = status.up,
      .circuit_open = pipeline.shared().breakers.state(entry.config.name, now) != CircuitState::kClosed,
      .protocol_version = status.protocol_version,
      .sessions = status.sessions,
      .children = status.children,
      .restarts = status.restarts,
      .in_flight = status.in_flight,
      .tools_pinned = entry.config.tools_digest,
      .last_error = status.last_error};
  const auto config = pipeline.config();
  const KnownLatencies known(latencies, *config);
  for (const auto& lists : catalogue.lists()) {
    if (lists->upstream != entry.config.name) continue;
    health.up |= lists->up;
    look_at_tools(health, *lists, known, latencies);
  }
  return health;
}

}  // namespace bursar::broker
