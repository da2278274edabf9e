#include "bursar/broker/pipeline/invoke.h"

#include <algorithm>

#include "bursar/broker/pipeline/enrich.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/pipeline/recovery.h"
#include "bursar/broker/pipeline/stage_support.h"
#include "bursar/core/random.h"

namespace bursar::broker {
namespace {

// call.state.step of this stage.
enum Step : std::uint8_t { kFirst = 0, kAnswered, kPaused, kHolding };

bool is_upstream_failure(Cause cause) {
  switch (cause) {
    case Cause::kTimeout:
    case Cause::kReset:
    case Cause::kBadGateway:
    case Cause::kConnect:
    case Cause::kTls:
    case Cause::kChildExited: return true;
    default: return false;
  }
}

// Ends that say nothing about the server's health.
bool is_about_us(Cause cause) {
  return cause == Cause::kCancelled || cause == Cause::kShutdown || cause == Cause::kStarting ||
         cause == Cause::kInternal;
}

// The failure that a retry should have mended stands.
Verdict give_up(Call& call) {
  if (call.attempts.size() > 1) call.serf = after_retries(std::move(*call.serf));
  return {.kind = Verdict::kStop};
}

bool is_complete(std::string_view result) {
  const std::string_view type = raw_member(result, "resultType");
  return type.empty() || type == R"("complete")";
}

}  // namespace

void InvokeStage::deliver(Call& call, ledger::Reservation reservation) { call.state.granted = std::move(reservation); }

Verdict InvokeStage::run(Call& call, WallTime now, RandomStream& random) {
  switch (static_cast<Step>(call.state.step)) {
    case kFirst: shared_.breakers.count_call(call.target->upstream, now); return attempt(call, now);
    case kAnswered: return judge(call, now, random);
    case kPaused: return prepare_retry(call, now);
    case kHolding: return hold_again(call, now);
  }
  return stop_with(call, failure_of(call, Cause::kInternal, now));
}

Verdict InvokeStage::attempt(Call& call, WallTime now) {
  call.attempts.push_back({.started = now, .timeout = call.timeout.timeout});
  call.state.attempt_running = true;
  call.state.step = kAnswered;
  return {.kind = Verdict::kAttempt,
          .timeout = call.timeout.timeout,
          .timeout_max = std::max(call.timeout.timeout, call.timeout.extend_to)};
}

void InvokeStage::learn(Call& call, WallTime now) {
  const Attempt& last = call.attempts.back();
  const auto failure = last.reply.failure;
  const schedule::ToolId id = latency_id(call);
  const bool cut_short = failure == Cause::kTimeout;
  if (!failure || cut_short) shared_.latencies().record(id, last.elapsed, cut_short);
  if (failure && is_about_us(*failure)) return;
  if (cut_short && last.timeout < shared_.latencies().quantile(id, .5)) return;
  if (cut_short) return call.state.pass.report_timeout(last.started, now);
  call.state.pass.report(!failure || !is_upstream_failure(*failure), now);
}

Verdict InvokeStage::judge(Call& call, WallTime now, RandomStream& random) {
  learn(call, now);
  UpstreamReply& reply = call.attempts.back().reply;
  if (reply.failure) {
    Failure failure = failure_of(call, *reply.failure, now);
    failure.upstream_text = reply.detail;
    return recover(call, failure, now, random);
  }
  if (!reply.error.empty()) {
    call.upstream_error = std::move(reply.error);
    return {};
  }
  return accept(call, now, random);
}

Verdict InvokeStage::accept(Call& call, WallTime now, RandomStream& random) {
  UpstreamReply& reply = call.attempts.back().reply;
  const Target& target = *call.target;
  const bool has_schema = target.output_contract || !target.output_schema.empty();
  const std::size_t most = call.state.config->limits.result_bytes;
  if (reply.result.size() > most) {
    // A shortened result could not fit the schema it was declared with.
    auto shorter = has_schema ? std::nullopt : truncated_result(reply.result, most);
    if (!shorter) return stop_with(call, failure_of(call, Cause::kTooLarge, now));
    call.result = std::move(*shorter);
    return {};
  }
  if (is_tool_call(call) && has_schema && raw_member(reply.result, "isError") != "true" && is_complete(reply.result)) {
    const auto contract = target.output_contract ? target.output_contract : shared_.contracts.get(target.output_schema);
    const std::string_view structured = raw_member(reply.result, "structuredContent");
    std::vector<std::string> hints;
    if (contract && structured.empty()) hints = {"structuredContent: is missing"};
    if (contract && !structured.empty()) hints = contract->check(structured, "structuredContent");
    if (!hints.empty()) {
      Failure failure = failure_of(call, Cause::kContractViolation, now);
      failure.param_hints = std::move(hints);
      return recover(call, failure, now, random);
    }
  }
  call.result = std::move(reply.result);
  return {};
}

Verdict InvokeStage::recover(Call& call, const Failure& failure, WallTime now, RandomStream& random) {
  Serf serf = classify(failure);
  const PipelineConfig& config = *call.state.config;
  const KnownLatencies known(shared_.latencies(), config);
  call.turn.left = std::max(call.state.turn_ends - now, Duration{0});
  const RecoveryTool tool{.idempotent = failure.idempotent,
                          .optional_step = failure.optional_step,
                          .costs = recovery_costs(serf, known.quantile(latency_id(call), .5))};
  const auto next =
      next_action(serf, tool, {.left = call.turn.left, .reserve = answer_reserve(call)}, call.state.history);
  if (next && next->by_broker) {
    const schedule::RetryQuestion question{
        .retryable = serf.retryable,
        .idempotent = failure.idempotent,
        .not_applied = serf.outcome == Outcome::kNotApplied,
        .attempts = static_cast<int>(call.attempts.size()),
        .upstream_retry_share = shared_.breakers.retry_share(call.target->upstream, now),
        .retry_after = serf.retry_after ? Duration{*serf.retry_after} : Duration{0}};
    const auto decision = next_retry(call.turn, call.plan, question, random.uniform01(), known, config.turn.atba);
    if (decision.retry) {
      call.state.history.push_back(next->type);
      call.state.step = kPaused;
      call.serf = std::move(serf);  // what stands if the retry cannot be made
      return {.kind = Verdict::kPause, .pause = decision.pause};
    }
  }
  return stop_with(call, call.attempts.size() > 1 ? after_retries(std::move(serf)) : std::move(serf));
}

Verdict InvokeStage::prepare_retry(Call& call, WallTime now) {
  // A pass is for one attempt; the circuit may have opened since.
  call.state.pass = shared_.breakers.enter(call.target->upstream, now);
  if (!call.state.pass.allowed()) return give_up(call);
  const auto timeout = allocate_time(call, static_cast<int>(call.attempts.size()), shared_, now);
  if (timeout.why != schedule::TimeoutReason::kAllocated) return give_up(call);
  settle_attempt(call, call.serf->outcome == Outcome::kUnknown);
  call.timeout = timeout;
  if (charge_turn(call, shared_)) return give_up(call);
  call.state.step = kHolding;
  return hold_again(call, now);
}

Verdict InvokeStage::hold_again(Call& call, WallTime now) {
  Reserving reserving = reserve_attempt(call, shared_);
  if (reserving.kind == Reserving::kNeedsGrant)
    return {.kind = Verdict::kGrant, .reserve = std::move(reserving.request)};
  if (reserving.kind == Reserving::kRefused) return give_up(call);
  shared_.breakers.count_retry(call.target->upstream, now);
  call.serf.reset();
  call.outgoing_params = outgoing_params(call, shared_);
  return attempt(call, now);
}

}  // namespace bursar::broker
