#include <algorithm>
#include <array>

#include "bursar/broker/audit/audit_table.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::array<std::string_view, kStages> kStageNames = {"authenticate", "authorise", "admit",
                                                               "enrich",       "invoke",    "settle"};

std::string stages_text(const std::array<StageRecord, kStages>& stages) {
  std::string out;
  out.reserve(96);
  for (std::size_t i = 0; i < kStages; ++i) {
    if (!stages[i].ran) continue;
    if (!out.empty()) out += ',';
    out.append(kStageNames[i]).append(stages[i].stopped ? "!" : ":").append(std::to_string(stages[i].micros));
  }
  return out;
}

void note_outcome(AuditEntry& entry, const Call& call, AuditTexts& made) {
  if (call.serf) {
    entry.category = name_of(call.serf->category);
    entry.code = call.serf->code;
    entry.outcome = name_of(call.serf->outcome);
  } else if (call.http) {
    made.code = std::to_string(call.http->status);
    entry.category = "HTTP";
    entry.code = made.code;
    entry.outcome = name_of(Outcome::kNotApplied);
  } else if (!call.upstream_error.empty()) {
    entry.category = "PROTOCOL";
    entry.code = "RPC_ERROR";
    entry.outcome = name_of(Outcome::kUnknown);
  } else {
    entry.outcome = name_of(Outcome::kApplied);
  }
}

}  // namespace

AuditEntry entry_of(const Call& call, WallTime now, AuditTexts& made) {
  made.stages = stages_text(call.stages);
  AuditEntry entry;
  entry.at = now;
  entry.call_id = call.id;
  entry.turn_id = call.turn_id;
  entry.trace_id = call.trace_id;
  entry.principal = call.principal.subject;
  entry.account = call.principal.account;
  entry.method = call.request.method();
  entry.tool = call.target ? std::string_view(call.target->exposed) : call.request.name();
  if (call.target) entry.upstream = call.target->upstream;
  entry.era = call.ingress.era == Era::kModern ? "modern" : "legacy";
  entry.stages = made.stages;
  if (call.receipt) {
    made.reserved = to_string(call.receipt->reserved);
    made.committed = to_string(call.receipt->actual);
    entry.reserved = made.reserved;
    entry.committed = made.committed;
  }
  entry.timeout_us = call.timeout.timeout.count();
  entry.elapsed_us = std::max<std::int64_t>((now - call.arrived).count(), 0);
  entry.attempts = static_cast<int>(call.attempts.size());
  note_outcome(entry, call, made);
  entry.arguments = call.request.arguments();
  entry.result_bytes = static_cast<std::int64_t>(call.result.size());
  return entry;
}

std::string to_json(const AuditRecord& record) {
  std::string out = "{\"sequence\":" + std::to_string(record.sequence) +
                    ",\"at_us\":" + std::to_string(unix_us(record.at)) +
                    ",\"attempts\":" + std::to_string(record.attempts);
  const auto name = [&](std::string_view text) { out.append(",\"").append(text).append("\":"); };
  for (const auto& number : kAuditNumbers<std::string>) {
    name(number.name);
    out += std::to_string(record.*number.member);
  }
  for (const auto& text : kAuditTexts<std::string>) {
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
