// How one upstream stands, put together from what its peer, the catalogue and the learned latencies know.
#pragma once

#include <string>

#include "bursar/broker/admin/status.h"
#include "bursar/broker/mcp/agent_session.h"
#include "bursar/broker/mcp/catalogue.h"
#include "bursar/broker/pipeline/pipeline.h"

namespace bursar::broker {

// SHA-256, hex, of what an upstream's tools are called, say and take, in whatever order it lists them; empty where the
// tools are not known. Another digest is another tool: a description that changed can steer an agent as well.
[[nodiscard]] std::string tools_digest(const UpstreamLists& lists);

[[nodiscard]] UpstreamHealth health_of(const UpstreamEntry& entry, const Catalogue& catalogue, Pipeline& pipeline,
                                       const schedule::LatencyStore& latencies, WallTime now);

}  // namespace bursar::broker
