#include <algorithm>
#include <array>

#include "bursar/broker/audit/audit_table.h"
#include "bursar/broker/audit/digest.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxText = 1024;
constexpr std::size_t kMaxArguments = 64 << 10;
constexpr std::array<std::string_view, kStages> kStageNames = {"authenticate", "authorise", "admit",
                                                               "enrich",       "invoke",    "settle"};

std::string cut(std::string_view text, std::size_t at_most = kMaxText) { return std::string(text.substr(0, at_most)); }

std::string stages_text(const std::array<StageRecord, kStages>& stages) {
  std::string out;
  for (std::size_t i = 0; i < kStages; ++i) {
    if (!stages[i].ran) continue;
    if (!out.empty()) out += ',';
    out.append(kStageNames[i]).append(stages[i].stopped ? "!" : ":").append(std::to_string(stages[i].micros));
  }
  return out;
}

void write_outcome(AuditRecord& record, const Call& call) {
  if (call.serf) {
    record.category = name_of(call.serf->category);
    record.code = cut(call.serf->code);
    record.outcome = name_of(call.serf->outcome);
  } else if (call.http) {
    record.category = "HTTP";
    record.code = std::to_string(call.http->status);
    record.outcome = name_of(Outcome::kNotApplied);
  } else if (!call.upstream_error.empty()) {
    record.category = "PROTOCOL";
    record.code = "RPC_ERROR";
    record.outcome = name_of(Outcome::kUnknown);
  } else {
    record.outcome = name_of(Outcome::kApplied);
  }
}

}  // namespace

AuditRecord record_of(const Call& call, WallTime now, bool raw_arguments) {
  AuditRecord record;
  record.at = now;
  record.call_id = cut(call.id);
  record.turn_id = cut(call.turn_id);
  record.trace_id = cut(call.trace_id);
  record.principal = cut(call.principal.subject);
  record.account = cut(call.principal.account);
  record.method = cut(call.request.method());
  record.tool = cut(call.target ? std::string_view(call.target->exposed) : call.request.name());
  record.upstream = call.target ? cut(call.target->upstream) : std::string();
  record.era = call.ingress.era == Era::kModern ? "modern" : "legacy";
  record.stages = stages_text(call.stages);
  if (call.receipt) {
    record.reserved = to_string(call.receipt->reserved);
    record.committed = to_string(call.receipt->actual);
  }
  record.timeout_us = call.timeout.timeout.count();
  record.elapsed_us = std::max<std::int64_t>((now - call.arrived).count(), 0);
  record.attempts = static_cast<int>(call.attempts.size());
  write_outcome(record, call);
  const std::string_view arguments = call.request.arguments();
  if (raw_arguments) {
    record.arguments = cut(arguments, kMaxArguments);
  } else if (!arguments.empty()) {
    record.arguments = "sha256:" + hex(sha256(arguments));
  }
  record.result_bytes = static_cast<std::int64_t>(call.result.size());
  return record;
}

std::string to_json(const AuditRecord& record) {
  std::string out = "{\"sequence\":" + std::to_string(record.sequence) +
                    ",\"at_us\":" + std::to_string(unix_us(record.at)) +
                    ",\"attempts\":" + std::to_string(record.attempts);
  const auto name = [&](std::string_view text) { out.append(",\"").append(text).append("\":"); };
  for (const auto& number : kAuditNumbers) {
    name(number.name);
    out += std::to_string(record.*number.member);
  }
  for (const auto& text : kAuditTexts) {
    name(text.name);
    append_json_string(out, record.*text.member);
  }
  name("previous_hash");
  append_json_string(out, record.previous_hash);
  name("hash");
  append_json_string(out, record.hash);
  return out + "}";
}

}  // namespace bursar::broker
