#include "bursar/broker/pipeline/settle.h"

#include <algorithm>

#include "bursar/broker/pipeline/enrich.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/pipeline/stage_support.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

// The agent gave up, or the process stops: what was under way counts as sent, and its outcome as unknown.
void end_unfinished(Call& call, PipelineShared& shared, WallTime now) {
  if (call.state.attempt_running) {
    Attempt& last = call.attempts.back();
    last.elapsed = std::max(now - last.started, Duration{0});
    last.reply.failure = call.state.stopped.value_or(Cause::kCancelled);
    last.reply.sent = true;
    call.state.attempt_running = false;
    shared.latencies().record(latency_id(call), last.elapsed, /*censored=*/true);
  }
  if (call.state.stopped) call.serf = classify(failure_of(call, *call.state.stopped, now));
}

void compose_answer(Call& call, PipelineShared& shared, WallTime now) {
  if (call.http || !call.upstream_error.empty()) return;
  if (call.result.empty()) {
    if (!call.serf) call.serf = classify(failure_of(call, Cause::kInternal, now));
    if (!is_tool_call(call)) {
      call.upstream_error = rpc_error(rpc_code(call.serf->category), call.serf->message, call.serf->to_json());
      return;
    }
    const bool has_schema = call.target && (call.target->output_contract || !call.target->output_schema.empty());
    call.result = tool_result(*call.serf, !has_schema);
  }
  if (!is_tool_call(call)) return;
  std::string budget = R"({"tool":)" + json_string(call.target ? call.target->exposed : "");
  if (call.state.turn_ends != WallTime{}) {
    budget += R"(,"turn_ms_left":)" + std::to_string(to_ms(std::max(call.state.turn_ends - now, Duration{0})).count());
  }
  if (call.receipt) budget += R"(,"cost":)" + json_string(to_string(call.receipt->actual));
  append_left(budget, call, shared);
  call.result = with_meta(call.result, "dev.bursar/budget", budget + "}");
}

void remember(Call& call, WallTime now) {
  if (!call.state.claim.active()) return;
  const bool not_applied = call.serf && call.serf->outcome == Outcome::kNotApplied;
  if (not_applied || call.http) {
    call.state.claim.drop();
  } else {
    call.state.claim.store({.result = call.result, .error = call.upstream_error}, now);
  }
}

}  // namespace

Verdict SettleStage::run(Call& call, WallTime now, RandomStream& /*random*/) {
  end_unfinished(call, shared_, now);
  settle_attempt(call, call.serf && call.serf->outcome == Outcome::kUnknown);
  if (!call.state.turn_charged.empty()) {
    Amounts unspent = call.state.turn_charged;
    (void)unspent.subtract(call.state.committed);
    shared_.turns.refund(call.principal.subject, call.turn_id, unspent);
    call.state.turn_charged = {};
  }
  call.state.principal_unit.release();
  call.state.upstream_unit.release();
  call.state.pass = {};
  compose_answer(call, shared_, now);
  remember(call, now);
  return {};
}

}  // namespace bursar::broker
