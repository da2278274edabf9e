#include "bursar/broker/telemetry/call_spans.h"

#include "bursar/broker/pipeline/raw_json.h"

namespace bursar::broker {
namespace {

std::string_view target_attribute(std::string_view method) {
  if (method == "tools/call") return "gen_ai.tool.name";
  if (method == "prompts/get") return "gen_ai.prompt.name";
  return "mcp.resource.uri";
}

Attributes common(const Call& call) {
  Attributes out{{"mcp.method.name", std::string(call.request.method())},
                 {"mcp.protocol.version", std::string(call.ingress.era == Era::kModern ? "2026-07-28" : "2025-11-25")},
                 {"jsonrpc.request.id", std::string(call.request.id())}};
  if (call.request.method() == "tools/call") out.emplace_back("gen_ai.operation.name", std::string("execute_tool"));
  if (call.target) out.emplace_back(target_attribute(call.request.method()), call.target->exposed);
  return out;
}

std::string name_of(const Call& call) {
  std::string name(call.request.method());
  if (call.target && !call.request.method().starts_with("resources/")) name += ' ' + call.target->exposed;
  return name;
}

std::string result_of(const Attempt& attempt) {
  if (attempt.reply.failure) return std::string(classify({.cause = *attempt.reply.failure}).code);
  return attempt.reply.error.empty() ? "ok" : "error";
}

Span client_span(const Call& call, const CallTrace& trace) {
  Span span{.trace_id = trace.trace_id,
            .span_id = span_id_of(call.id, SpanPart::kClient),
            .parent_id = span_id_of(call.id, SpanPart::kServer),
            .name = name_of(call),
            .kind = SpanKind::kClient,
            .start = call.attempts.front().started,
            .end = call.attempts.back().started + call.attempts.back().elapsed,
            .attributes = common(call)};
  span.attributes.emplace_back("server.address", call.target->upstream);
  span.attributes.emplace_back("bursar.attempts", static_cast<std::int64_t>(call.attempts.size()));
  for (const Attempt& attempt : call.attempts) {
    span.events.push_back({.name = "attempt",
                           .at = attempt.started,
                           .attributes = {{"bursar.timeout_ms", attempt.timeout.count() / 1000},
                                          {"bursar.elapsed_ms", attempt.elapsed.count() / 1000},
                                          {"bursar.result", result_of(attempt)}}});
  }
  const std::string last = result_of(call.attempts.back());
  if (last != "ok") {
    span.failed = true;
    span.status = last;
    span.attributes.emplace_back("error.type", last);
  }
  return span;
}

}  // namespace

CallTrace trace_of(const Call& call, double sample) {
  const TraceParent parent =
      parse_traceparent(raw_string(raw_member(call.request.meta(), "traceparent"), call.ingress.traceparent));
  if (!parent.trace_id.empty()) return {parent.trace_id, parent.span_id, parent.sampled};
  const std::string own = trace_id_for(call.id);
  return {.trace_id = own, .sampled = is_sampled(own, sample)};
}

std::string outgoing_traceparent(const Call& call, double sample) {
  const CallTrace trace = trace_of(call, sample);
  return traceparent_text({trace.trace_id, span_id_of(call.id, SpanPart::kClient), trace.sampled});
}

std::vector<Span> spans_of(const Call& call, WallTime now, double sample) {
  const CallTrace trace = trace_of(call, sample);
  if (!trace.sampled || call.http) return {};
  Span server{.trace_id = trace.trace_id,
              .span_id = span_id_of(call.id, SpanPart::kServer),
              .parent_id = trace.parent_id,
              .name = name_of(call),
              .kind = SpanKind::kServer,
              .start = call.arrived,
              .end = now,
              .attributes = common(call)};
  server.attributes.emplace_back("bursar.call", call.id);
  server.attributes.emplace_back("enduser.id", call.principal.subject);
  server.attributes.emplace_back("bursar.account", call.principal.account);
  server.attributes.emplace_back("bursar.timeout_ms", call.timeout.timeout.count() / 1000);
  if (call.receipt) {
    server.attributes.emplace_back("bursar.reserved", to_string(call.receipt->reserved));
    server.attributes.emplace_back("bursar.committed", to_string(call.receipt->actual));
  }
  if (call.serf) {
    server.failed = true;
    server.status = call.serf->code;
    server.attributes.emplace_back("error.type", call.serf->code);
  }
  std::vector<Span> out;
  if (!call.attempts.empty() && call.target) out.push_back(client_span(call, trace));
  out.push_back(std::move(server));
  return out;
}

}  // namespace bursar::broker
