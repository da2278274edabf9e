#include <algorithm>

#include "bursar/broker/models/model_run.h"
#include "bursar/broker/telemetry/span.h"

namespace bursar::broker {
namespace {

std::string_view operation_of(ModelApi api) {
  switch (api) {
    case ModelApi::kChat: return "chat";
    case ModelApi::kCompletions: return "text_completion";
    case ModelApi::kEmbeddings: return "embeddings";
  }
  return "";
}

TraceParent trace_of(const ModelCall& call) {
  TraceParent parent = parse_traceparent(call.traceparent);
  if (!parent.trace_id.empty()) return parent;
  const std::string own = trace_id_for(call.id);
  return {.trace_id = own, .span_id = "", .sampled = is_sampled(own, call.sample)};
}

std::string result_of(const ModelAttempt& attempt) {
  if (attempt.ended.failure) return std::string(classify({.cause = *attempt.ended.failure}).code);
  return attempt.ok() ? "ok" : std::to_string(attempt.answer.status);
}

Attributes common(const ModelCall& call) {
  return {{"gen_ai.operation.name", std::string(operation_of(call.api))},
          {"gen_ai.request.model", call.request.model},
          {"bursar.call", call.id}};
}

Span client_span(const ModelCall& call, const TraceParent& trace, const ModelAttempt& attempt, std::size_t index) {
  Span span{.trace_id = trace.trace_id,
            .span_id = span_id_of(index == 0 ? call.id : call.id + "." + std::to_string(index), SpanPart::kClient),
            .parent_id = span_id_of(call.id, SpanPart::kServer),
            .name = std::string(operation_of(call.api)) + " " + attempt.model,
            .kind = SpanKind::kClient,
            .start = attempt.started,
            .end = attempt.started + attempt.elapsed,
            .attributes = common(call)};
  span.attributes.emplace_back("gen_ai.provider.name", attempt.endpoint->config.name);
  span.attributes.emplace_back("gen_ai.response.model", attempt.model);
  span.attributes.emplace_back("http.response.status_code", static_cast<std::int64_t>(attempt.answer.status));
  span.attributes.emplace_back("bursar.timeout_ms", attempt.timeout.count() / 1000);
  span.attributes.emplace_back("bursar.hedge", attempt.hedge);
  const std::string result = result_of(attempt);
  if (result != "ok") {
    span.failed = true;
    span.status = result;
    span.attributes.emplace_back("error.type", result);
  }
  return span;
}

}  // namespace

std::string outgoing_traceparent(const ModelCall& call) {
  const TraceParent trace = trace_of(call);
  return traceparent_text({trace.trace_id, span_id_of(call.id, SpanPart::kClient), trace.sampled});
}

std::vector<Span> ModelRun::spans(WallTime now) const {
  const TraceParent trace = trace_of(call_);
  if (!trace.sampled) return {};
  Span server{.trace_id = trace.trace_id,
              .span_id = span_id_of(call_.id, SpanPart::kServer),
              .parent_id = trace.span_id,
              .name = std::string(operation_of(call_.api)) + " " + call_.request.model,
              .kind = SpanKind::kServer,
              .start = call_.arrived,
              .end = std::max(now, call_.arrived),
              .attributes = common(call_)};
  server.attributes.emplace_back("enduser.id", call_.principal.subject);
  server.attributes.emplace_back("bursar.account", call_.principal.account);
  if (used_) {
    server.attributes.emplace_back("gen_ai.usage.input_tokens", static_cast<std::int64_t>(used_->prompt));
    server.attributes.emplace_back("gen_ai.usage.output_tokens", static_cast<std::int64_t>(used_->completion));
  }
  if (receipt_) {
    server.attributes.emplace_back("bursar.reserved", to_string(receipt_->reserved));
    server.attributes.emplace_back("bursar.committed", to_string(receipt_->actual));
  }
  if (serf_) {
    server.failed = true;
    server.status = serf_->code;
    server.attributes.emplace_back("error.type", serf_->code);
  }
  std::vector<Span> out;
  for (std::size_t i = 0; i < attempts_.size(); ++i) out.push_back(client_span(call_, trace, *attempts_[i], i));
  out.push_back(std::move(server));
  return out;
}

}  // namespace bursar::broker
