#include "bursar/broker/telemetry/span.h"

#include <algorithm>

#include "bursar/core/hex.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxText = 2000;

std::uint64_t mixed(std::string_view text, std::uint64_t salt) {
  std::uint64_t hash = 0xcbf29ce484222325ULL ^ salt;  // FNV-1a, then the finaliser of SplitMix64
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  hash ^= hash >> 30;
  hash *= 0xbf58476d1ce4e5b9ULL;
  hash ^= hash >> 27;
  hash *= 0x94d049bb133111ebULL;
  return hash ^ (hash >> 31);
}

std::string hex16(std::uint64_t number) {
  std::string out;
  append_hex(out, number, 16);
  return out;
}

bool is_id(std::string_view text) {
  const bool hex = std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  return hex && text.find_first_not_of('0') != std::string_view::npos;
}

std::string nanos(WallTime time) { return '"' + std::to_string(std::max<std::int64_t>(unix_us(time), 0)) + "000\""; }

std::string value_json(const AttributeValue& value) {
  struct Visitor {
    std::string operator()(const std::string& text) const {
      return "{\"stringValue\":" + json_string(text.substr(0, kMaxText)) + "}";
    }
    std::string operator()(std::int64_t number) const { return "{\"intValue\":\"" + std::to_string(number) + "\"}"; }
    std::string operator()(double number) const {
      return "{\"doubleValue\":" + to_json(boost::json::value(number)) + "}";
    }
    std::string operator()(bool flag) const { return flag ? "{\"boolValue\":true}" : "{\"boolValue\":false}"; }
  };
  return std::visit(Visitor{}, value);
}

std::string attributes_json(const Attributes& attributes) {
  std::string out = "[";
  for (const auto& [name, value] : attributes) {
    out += out.size() > 1 ? "," : "";
    out += "{\"key\":" + json_string(name) + ",\"value\":" + value_json(value) + "}";
  }
  return out + "]";
}

std::string span_json(const Span& span) {
  std::string out = "{\"traceId\":\"" + span.trace_id + "\",\"spanId\":\"" + span.span_id + "\"";
  if (!span.parent_id.empty()) out += ",\"parentSpanId\":\"" + span.parent_id + "\"";
  out += ",\"name\":" + json_string(span.name) + ",\"kind\":" + std::to_string(static_cast<int>(span.kind)) +
         ",\"startTimeUnixNano\":" + nanos(span.start) +
         ",\"endTimeUnixNano\":" + nanos(std::max(span.start, span.end)) +
         ",\"attributes\":" + attributes_json(span.attributes);
  std::string events;
  for (const SpanEvent& event : span.events) {
    events += events.empty() ? "" : ",";
    events += "{\"name\":" + json_string(event.name) + ",\"timeUnixNano\":" + nanos(event.at) +
              ",\"attributes\":" + attributes_json(event.attributes) + "}";
  }
  if (!events.empty()) out += ",\"events\":[" + events + "]";
  if (span.failed) out += ",\"status\":{\"code\":2,\"message\":" + json_string(span.status) + "}";
  return out + "}";
}

}  // namespace

std::string otlp_json(const std::vector<Span>& spans, std::string_view service, std::string_view version) {
  std::string out = R"({"resourceSpans":[{"resource":{"attributes":)";
  out += attributes_json({{"service.name", std::string(service)}, {"service.version", std::string(version)}});
  out += R"(},"scopeSpans":[{"scope":{"name":"bursar"},"spans":[)";
  for (std::size_t i = 0; i < spans.size(); ++i) out += (i == 0 ? "" : ",") + span_json(spans[i]);
  return out + "]}]}]}";
}

std::string span_id_of(std::string_view call_id, SpanPart part) {
  return hex16(std::max<std::uint64_t>(mixed(call_id, 1 + static_cast<std::uint64_t>(part)), 1));
}

std::string trace_id_for(std::string_view call_id) {
  return hex16(std::max<std::uint64_t>(mixed(call_id, 11), 1)) + hex16(mixed(call_id, 12));
}

TraceParent parse_traceparent(std::string_view text) {
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') return {};
  if (text.size() > 55 && (text.substr(0, 2) == "00" || text[55] != '-')) return {};
  const std::string_view trace = text.substr(3, 32), span = text.substr(36, 16), flags = text.substr(53, 2);
  const auto digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (!is_id(trace) || !is_id(span) || !digit(flags[0]) || !digit(flags[1]) || text.starts_with("ff")) return {};
  const int low = flags[1] <= '9' ? flags[1] - '0' : flags[1] - 'a' + 10;
  return {.trace_id = std::string(trace), .span_id = std::string(span), .sampled = (low & 1) != 0};
}

std::string traceparent_text(const TraceParent& parent) {
  return "00-" + parent.trace_id + "-" + parent.span_id + (parent.sampled ? "-01" : "-00");
}

bool is_sampled(std::string_view trace_id, double share) {
  return static_cast<double>(mixed(trace_id, 21) >> 11) * 0x1p-53 < share;
}

}  // namespace bursar::broker
