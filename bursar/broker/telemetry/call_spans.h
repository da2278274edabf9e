// A finished call as spans: what the agent waited for, and within it what the upstream took.
//
//   exporter.add(spans_of(call, now, config.telemetry.sample));
//
// The server span is named as the MCP conventions say ("tools/call read") and carries what the budget engine decided:
// account, reserved and committed amounts, timeout, attempts. The client span's id is what the upstream was told as its
// parent (trace_of). Nothing of arguments or results is in a span.
#pragma once

#include <vector>

#include "bursar/broker/pipeline/call.h"
#include "bursar/broker/telemetry/span.h"

namespace bursar::broker {

// Where a call stands in its trace: the caller's context, or one of its own where it brought none.
struct CallTrace {
  std::string trace_id, parent_id;
  bool sampled = false;
};
[[nodiscard]] CallTrace trace_of(const Call& call, double sample);
// What the upstream is told: the client span as its parent.
[[nodiscard]] std::string outgoing_traceparent(const Call& call, double sample);

// None where the call is not sampled, or never got as far as being known.
[[nodiscard]] std::vector<Span> spans_of(const Call& call, WallTime now, double sample);

}  // namespace bursar::broker
