#include "bursar/broker/pipeline/stage_support.h"

#include <algorithm>

#include "bursar/broker/pipeline/glob.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kOwnObservations = 20;  // from here on a tool's own data count, as in the latency store

void add(Amounts& sum, const Amounts& more) {
  // A sum that leaves 64 bits cannot come from amounts that the ledger granted; then the old one stands.
  (void)sum.add(more);
}

Amounts attempt_price(const Call& call) {
  Amounts amounts = call.price;
  if (!call.meter_ms) return amounts;
  const Duration longest = std::max(call.timeout.timeout, call.timeout.extend_to);
  (void)amounts.add({kMs, longest.count()});
  return amounts;
}

}  // namespace

bool is_tool_call(const Call& call) { return call.request.method() == "tools/call"; }

std::chrono::milliseconds to_ms(Duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d); }

Failure failure_of(const Call& call, Cause cause, WallTime now) {
  Failure failure{.cause = cause, .call_id = call.id, .trace_id = call.trace_id};
  if (call.target) {
    failure.tool = call.target->exposed;
    failure.upstream = call.target->upstream;
    failure.idempotent = call.target->idempotent;
    failure.read_only = call.target->read_only;
    failure.optional_step = !call.plan.empty() && call.plan.front().optional;
  } else {
    failure.tool = std::string(call.request.name());
  }
  failure.attempts = static_cast<int>(call.attempts.size());
  failure.elapsed = to_ms(std::max(now - call.arrived, Duration{0}));
  if (!call.attempts.empty()) {
    failure.sent = call.attempts.back().reply.sent;
    failure.timeout = to_ms(call.attempts.back().timeout);
    failure.retry_after = call.attempts.back().reply.retry_after;
  }
  return failure;
}

Verdict stop_with(Call& call, Serf serf) {
  call.serf = std::move(serf);
  return {.kind = Verdict::kStop};
}

Verdict stop_with(Call& call, const Failure& failure) { return stop_with(call, classify(failure)); }

std::optional<Duration> KnownLatencies::prior(const schedule::ToolId& tool) const {
  for (const ToolConfig& rule : config_.tools) {
    if (!rule.prior || !glob_match(rule.server, tool.upstream) || !glob_match(rule.tool, tool.tool)) continue;
    if (store_.observations(tool) >= kOwnObservations) return std::nullopt;
    return rule.prior;
  }
  return std::nullopt;
}

Duration KnownLatencies::quantile(const schedule::ToolId& tool, double p) const {
  if (const auto guess = prior(tool)) return p <= .5 ? *guess / 2 : *guess;
  return store_.quantile(tool, p);
}

double KnownLatencies::cdf(const schedule::ToolId& tool, Duration t) const {
  constexpr double kPriorQuantile = .95;  // what an operator means by "it takes up to so long"
  if (const auto guess = prior(tool)) return t >= *guess ? kPriorQuantile : 0;
  return store_.cdf(tool, t);
}

bool KnownLatencies::knows(const schedule::ToolId& tool) const { return prior(tool).has_value() || store_.knows(tool); }

schedule::ToolId latency_id(const Call& call) {
  if (!call.target) return {};
  // A prompt, a resource: their names are many and their latencies alike.
  return {call.target->upstream, is_tool_call(call) ? call.target->name : std::string(call.request.method())};
}

schedule::TimeoutDecision allocate_time(Call& call, int attempt, PipelineShared& shared, WallTime now) {
  const PipelineConfig& config = *call.state.config;
  call.turn.left = std::max(call.state.turn_ends - now, Duration{0});
  return next_timeout(call.turn, call.plan, attempt, KnownLatencies(shared.latencies(), config), config.turn.atba);
}

Duration answer_reserve(const Call& call) {
  const schedule::AtbaConfig& atba = call.state.config->turn.atba;
  const auto share =
      static_cast<std::int64_t>(static_cast<double>(call.turn.total.count()) * atba.answer_reserve_share);
  return std::max(atba.answer_reserve_min, Duration{share});
}

Reserving reserve_attempt(Call& call, PipelineShared& shared) {
  constexpr Duration kGrace = std::chrono::seconds{15};  // for the answer to come back and be settled
  const bool extendable = !call.request.progress_token().empty() && call.timeout.extend_to > call.timeout.timeout;
  if (!extendable) call.timeout.extend_to = call.timeout.timeout;
  while (true) {
    ledger::ReserveRequest request{.account = call.principal.account, .amounts = attempt_price(call)};
    if (request.amounts.empty() || !shared.deps.try_reserve) return {};
    if (!call.state.ledger_key.empty()) {
      request.idempotency_key = call.state.ledger_key + "." + std::to_string(call.attempts.size());
    }
    request.ttl = std::clamp<Duration>(std::max(call.timeout.timeout, call.timeout.extend_to) + kGrace,
                                       std::chrono::milliseconds{1}, std::chrono::hours{24});
    const bool delivered = call.state.granted.has_value();
    ledger::Reservation answer = delivered ? std::move(*call.state.granted) : shared.deps.try_reserve(request);
    call.state.granted.reset();
    if (auto* hold = std::get_if<ledger::Hold>(&answer)) {
      call.hold = std::move(*hold);
      return {};
    }
    if (std::holds_alternative<ledger::NeedsGrant>(answer)) {
      if (!delivered) return {.kind = Reserving::kNeedsGrant, .request = std::move(request)};
      return {.kind = Reserving::kRefused,
              .refusal =
                  ledger::Refusal{.why = ledger::Refusal::Why::kStoreUnavailable, .account = call.principal.account}};
    }
    auto& refusal = std::get<ledger::Refusal>(answer);
    const bool lacks_time = refusal.why == ledger::Refusal::Why::kLimit && refusal.resource == kMs && call.meter_ms;
    if (lacks_time && call.timeout.extend_to > call.timeout.timeout) {
      call.timeout.extend_to = call.timeout.timeout;
      continue;
    }
    const Duration left{refusal.left - call.price[kMs]};
    const KnownLatencies known(shared.latencies(), *call.state.config);
    if (lacks_time && left < call.timeout.timeout && left > Duration{0} &&
        left >= known.quantile(latency_id(call), .5)) {
      call.timeout.timeout = call.timeout.extend_to = left;
      call.timeout.p_finish = known.cdf(latency_id(call), left);
      continue;
    }
    return {.kind = Reserving::kRefused, .refusal = std::move(refusal)};
  }
}

std::optional<ledger::Refusal> charge_turn(Call& call, PipelineShared& shared) {
  if (call.turn_id.empty() || call.price.empty()) return std::nullopt;
  const auto refused = shared.turns.charge(call.principal.subject, call.turn_id, call.price);
  if (!refused) {
    add(call.state.turn_charged, call.price);
    return std::nullopt;
  }
  return ledger::Refusal{.account = "turn " + call.turn_id,
                         .resource = refused->resource,
                         .limit = refused->units,
                         .asked = call.price[refused->resource],
                         .left = refused->units};
}

Verdict stop_refused(Call& call, ledger::Refusal refusal, WallTime now) {
  Failure failure = failure_of(call, Cause::kBudget, now);
  failure.sent = false;
  failure.retry_after.reset();
  if (refusal.refills_at) failure.retry_after = to_ms(std::max(*refusal.refills_at - now, Duration{0}) + Duration{999});
  failure.refusal = std::move(refusal);
  return stop_with(call, failure);
}

void settle_attempt(Call& call, bool uncertain) {
  if (!call.hold.active()) return;
  const bool sent = !call.attempts.empty() && call.attempts.back().reply.sent;
  if (!sent) {
    call.hold.release();
    call.hold = {};
    return;
  }
  ledger::Settlement settlement{.actual = call.price, .uncertain = uncertain, .memo = call.id};
  if (call.meter_ms) {
    // A timer that fired late is our delay, not the tool's: what was held is the most that a call may cost.
    const std::int64_t most = call.hold.amounts()[kMs] - call.price[kMs];
    (void)settlement.actual.add(
        {kMs, std::clamp<std::int64_t>(call.attempts.back().elapsed.count(), 0, std::max<std::int64_t>(most, 0))});
  }
  auto receipt = call.hold.settle(std::move(settlement));
  call.hold = {};
  if (!receipt) return;
  add(call.state.committed, receipt->actual);
  if (call.receipt) {
    add(receipt->reserved, call.receipt->reserved);
    add(receipt->actual, call.receipt->actual);
    add(receipt->overrun, call.receipt->overrun);
    receipt->uncertain |= call.receipt->uncertain;
  }
  call.receipt = std::move(*receipt);
}

}  // namespace bursar::broker
