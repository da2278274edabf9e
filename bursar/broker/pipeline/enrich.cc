#include "bursar/broker/pipeline/enrich.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/pipeline/stage_support.h"
#include "bursar/broker/telemetry/call_spans.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::string_view kOwnKeys = "dev.bursar/";
constexpr std::string_view kIdempotencyKey = "dev.bursar/idempotency_key";

void comma(std::string& object) {
  if (object.back() != '{') object += ',';
}

void append_member(std::string& object, std::string_view key, std::string_view raw) {
  comma(object);
  append_json_string(object, key);
  object += ':';
  object += raw;
}

std::string outgoing_meta(const Call& call, PipelineShared& shared) {
  std::string meta = "{";
  const std::optional<double>& traced = call.state.config->trace_sample;
  bool has_traceparent = traced.has_value();
  for (MemberCursor at(call.request.meta()); at.next();) {
    if (at.key().starts_with(kOwnKeys) && at.key() != kIdempotencyKey) continue;
    if (traced && at.key() == "traceparent") continue;
    has_traceparent |= at.key() == "traceparent";
    comma(meta);
    meta += at.raw();
  }
  if (!has_traceparent && !trace_id_of(call.ingress.traceparent).empty()) {
    append_member(meta, "traceparent", json_string(call.ingress.traceparent));
  }
  if (traced) append_member(meta, "traceparent", json_string(outgoing_traceparent(call, *traced)));
  std::string budget = "{";
  append_member(budget, "call_ms", std::to_string(to_ms(call.timeout.timeout).count()));
  append_member(budget, "turn_ms_left", std::to_string(to_ms(call.turn.left).count()));
  append_left(budget, call, shared);
  append_member(meta, "dev.bursar/budget", budget + "}");
  return meta + "}";
}

std::string renamed_reference(std::string_view reference, const Target& target) {
  std::string out = "{";
  for (MemberCursor at(reference); at.next();) {
    if (at.key() == "name" || at.key() == "uri") {
      append_member(out, at.key(), json_string(target.name));
    } else {
      comma(out);
      out += at.raw();
    }
  }
  return out + "}";
}

}  // namespace

std::string json_number(Amount amount) {
  std::array<char, 32> buffer{};
  const int decimals = amount.resource.decimals();
  if (decimals == 0) return std::to_string(amount.units);
  const bool negative = amount.units < 0;
  const auto magnitude =
      negative ? ~static_cast<std::uint64_t>(amount.units) + 1 : static_cast<std::uint64_t>(amount.units);
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude);
  (void)error;  // 32 characters hold any 64-bit number
  std::string digits(buffer.data(), end);
  const auto width = static_cast<std::size_t>(decimals);
  if (digits.size() <= width) digits.insert(0, width + 1 - digits.size(), '0');
  digits.insert(digits.size() - width, 1, '.');
  while (digits.back() == '0') digits.pop_back();
  if (digits.back() == '.') digits.pop_back();
  return (negative ? "-" : "") + digits;
}

void append_left(std::string& object, const Call& call, PipelineShared& shared) {
  Amounts left = shared.deps.left ? shared.deps.left(call.principal.account) : Amounts{};
  if (!call.turn_id.empty()) {
    for (const Amount& cap : shared.turns.caps(call.principal.subject, call.turn_id)) {
      const auto items = left.items();
      const bool known = std::ranges::find(items, cap.resource, &Amount::resource) != items.end();
      (void)left.set(cap.resource, known ? std::min(left[cap.resource], cap.units) : cap.units);
    }
  }
  for (const Amount& amount : left.items()) {
    append_member(object, std::string(amount.resource.name()) + "_left", json_number(amount));
  }
}

std::string outgoing_params(const Call& call, PipelineShared& shared) {
  const std::string_view params = call.request.params();
  const Target& target = *call.target;
  const bool by_reference = call.request.method() == "completion/complete";
  std::string out;
  out.reserve(params.size() + 256);
  out = "{";
  for (MemberCursor at(params); at.next();) {
    if (at.key() == "_meta") continue;
    if (by_reference && at.key() == "ref") {
      append_member(out, "ref", renamed_reference(at.value(), target));
    } else if (!by_reference && (at.key() == "name" || at.key() == "uri")) {
      append_member(out, at.key(), json_string(target.name));
    } else {
      comma(out);
      out += at.raw();
    }
  }
  append_member(out, "_meta", outgoing_meta(call, shared));
  return out + "}";
}

Verdict EnrichStage::run(Call& call, WallTime now, RandomStream& /*random*/) {
  call.turn.left = std::max(call.state.turn_ends - now, Duration{0});
  call.outgoing_params = outgoing_params(call, shared_);
  return {};
}

}  // namespace bursar::broker
