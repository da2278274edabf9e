// One piece of work in a trace, and how pieces travel: OTLP over HTTP as JSON.
//
//   Span span{.trace_id = call.trace_id, .span_id = span_id_of(call.id, SpanPart::kServer), .name = "tools/call read",
//   …}; post(otlp_json({span}, "bursar", "0.1.0"));
//
// Names of spans and attributes are OpenTelemetry's semantic conventions for MCP and generative AI; what they lack is
// under bursar.*.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "bursar/core/clock.h"

namespace bursar::broker {

using AttributeValue = std::variant<std::string, std::int64_t, double, bool>;
using Attributes = std::vector<std::pair<std::string, AttributeValue>>;

struct SpanEvent {
  std::string name;
  WallTime at;
  Attributes attributes;
};

enum class SpanKind : std::uint8_t { kInternal = 1, kServer = 2, kClient = 3 };

struct Span {
  std::string trace_id, span_id, parent_id;  // hex: 32, 16, 16 digits; the last empty for a root
  std::string name;
  SpanKind kind = SpanKind::kInternal;
  WallTime start, end;
  Attributes attributes;
  std::vector<SpanEvent> events = {};
  bool failed = false;
  std::string status = {};  // why it failed
};

// A whole ExportTraceServiceRequest.
[[nodiscard]] std::string otlp_json(const std::vector<Span>& spans, std::string_view service, std::string_view version);

// Ids that follow from a call's own, so that whoever needs one can say it without having been told.
enum class SpanPart : std::uint8_t { kServer, kClient };
[[nodiscard]] std::string span_id_of(std::string_view call_id, SpanPart part);
[[nodiscard]] std::string trace_id_for(std::string_view call_id);  // of a call that brought none

// W3C trace context.
struct TraceParent {
  std::string trace_id, span_id;
  bool sampled = true;
};
// Empty ids where the text is none.
[[nodiscard]] TraceParent parse_traceparent(std::string_view text);
[[nodiscard]] std::string traceparent_text(const TraceParent& parent);
// Whether a call that brought no decision is traced: `share` of them, the same ones everywhere.
[[nodiscard]] bool is_sampled(std::string_view trace_id, double share);

}  // namespace bursar::broker
