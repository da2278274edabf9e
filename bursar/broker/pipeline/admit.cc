#include "bursar/broker/pipeline/admit.h"

#include "bursar/broker/pipeline/authorise.h"
#include "bursar/broker/pipeline/glob.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/pipeline/stage_support.h"

namespace bursar::broker {
namespace {

constexpr std::string_view kOwnUpstream = "bursar";  // the gateway's own tools cost nothing

Verdict stop_input(Call& call, std::string hint, WallTime now) {
  Failure failure = failure_of(call, Cause::kBadRequest, now);
  failure.param_hints = {std::move(hint)};
  return stop_with(call, failure);
}

Verdict stop_until(Call& call, Cause cause, Duration wait, WallTime now) {
  Failure failure = failure_of(call, cause, now);
  failure.retry_after = to_ms(wait + Duration{999});  // rounded up: who comes back then is not refused again
  return stop_with(call, failure);
}

bool prices(const PriceRule& rule, const Target& target, std::string_view method) {
  if (!glob_match(rule.server, target.upstream)) return false;
  if (method == "tools/call") return glob_match(rule.tool, target.name) || glob_match(rule.tool, target.exposed);
  return rule.tool.find('/') != std::string::npos && glob_match(rule.tool, method);
}

}  // namespace

CallPrice price_of(const PipelineConfig& config, const Target& target, std::string_view method) {
  if (target.upstream == kOwnUpstream) return {.fixed = {}, .meter_ms = false};
  for (const PriceRule& rule : config.prices) {
    if (prices(rule, target, method)) return {.fixed = rule.price, .meter_ms = rule.meter_ms};
  }
  CallPrice price;
  if (method == "tools/call") {
    (void)price.fixed.set(kCalls, 1);
    price.meter_ms = true;
  }
  return price;
}

void AdmitStage::deliver(Call& call, ledger::Reservation reservation) { call.state.granted = std::move(reservation); }

Verdict AdmitStage::run(Call& call, WallTime now, RandomStream& /*random*/) {
  if (call.state.step == 0) {
    using Check = Refused (AdmitStage::*)(Call&, WallTime);
    for (const Check check : {&AdmitStage::contract, &AdmitStage::read_meta, &AdmitStage::idempotency,
                              &AdmitStage::rates, &AdmitStage::concurrency, &AdmitStage::circuit, &AdmitStage::time}) {
      if (auto refused = (this->*check)(call, now)) return *std::move(refused);
    }
    CallPrice price = price_of(*call.state.config, *call.target, call.request.method());
    call.price = price.fixed;
    call.meter_ms = price.meter_ms;
    if (auto refusal = charge_turn(call, shared_)) return stop_refused(call, std::move(*refusal), now);
    call.state.step = 1;
  }
  return reserve(call, now);
}

AdmitStage::Refused AdmitStage::contract(Call& call, WallTime now) {
  if (!is_tool_call(call)) return std::nullopt;
  const Target& target = *call.target;
  const auto schema = target.input_contract ? target.input_contract : shared_.contracts.get(target.input_schema);
  if (!schema) return std::nullopt;
  std::vector<std::string> hints = schema->check(call.request.arguments(), "arguments");
  if (hints.empty()) return std::nullopt;
  Failure failure = failure_of(call, Cause::kSchema, now);
  failure.param_hints = std::move(hints);
  return stop_with(call, failure);
}

AdmitStage::Refused AdmitStage::read_meta(Call& call, WallTime now) {
  auto asked = read_turn(call.request.meta(), call.ingress.traceparent);
  if (!asked) return stop_input(call, asked.error().message, now);
  // A turn of one call that names caps still needs a place where they are kept.
  if (asked->id.empty() && !asked->caps.empty()) asked->id = call.id;
  const PipelineConfig& config = *call.state.config;
  const TurnView view = shared_.turns.enter(call.principal.subject, *asked, config.turn.budget, now);
  call.turn_id = asked->id;
  call.state.turn_from_trace = asked->from_trace;
  call.state.turn_ends = view.ends;
  call.turn = {.total = view.total, .left = view.ends - now, .plan_known = asked->plan_known};

  schedule::StepPlan own{.tool = latency_id(call), .optional = call.target->optional_step};
  std::span<const PlannedStep> later(asked->plan);
  if (!later.empty() && is_tool_call(call) && later.front().tool == call.target->exposed) {
    own.optional = later.front().optional || own.optional;
    own.weight = later.front().weight;
    later = later.subspan(1);
  }
  call.plan = {std::move(own)};
  for (const PlannedStep& step : later) {
    const auto target = shared_.deps.resolve ? shared_.deps.resolve(call, step.tool) : std::nullopt;
    if (!target) continue;  // nothing is known of it, so nothing can be kept for it
    call.plan.push_back({.tool = {target->upstream, target->name}, .optional = step.optional, .weight = step.weight});
  }
  return std::nullopt;
}

AdmitStage::Refused AdmitStage::idempotency(Call& call, WallTime now) {
  const std::string_view raw = raw_member(call.request.meta(), "dev.bursar/idempotency_key");
  if (raw.empty()) return std::nullopt;
  const std::string key = raw_string(raw);
  if (key.empty() || key.size() > kMaxIdempotencyKey) {
    return stop_input(call, "_meta[\"dev.bursar/idempotency_key\"]: must be a string of 1 to 128 bytes", now);
  }
  // A request that is repeated with answers to the server's questions is a call of its own.
  const std::string_view round = raw_member(call.request.params(), "requestState");
  const std::string_view answers = raw_member(call.request.params(), "inputResponses");
  call.state.ledger_key = round.empty() && answers.empty() ? digest_of({call.principal.subject, key})
                                                           : digest_of({call.principal.subject, key, round, answers});
  const std::string fingerprint = digest_of({call.request.method(), call.target->exposed, call.request.arguments()});
  auto begun = shared_.idempotency.begin(call.state.ledger_key, fingerprint, now);
  using enum IdempotencyTable::Found;
  switch (begun.found) {
    case kNew: call.state.claim = std::move(begun.claim); return std::nullopt;
    case kRunning:
    case kFull: return stop_until(call, Cause::kConcurrency, std::chrono::seconds{1}, now);
    case kConflict: return stop_refused(call, {.why = ledger::Refusal::Why::kKeyConflict, .account = {}}, now);
    case kStored: break;
  }
  call.result = begun.answer->result;
  call.upstream_error = begun.answer->error;
  return Verdict{.kind = Verdict::kStop};
}

AdmitStage::Refused AdmitStage::rates(Call& call, WallTime now) {
  const RateConfig& rate = call.state.config->rate;
  const double burst = std::max(rate.burst, 1.0);
  const BucketRate principal{.per_second = rate.per_principal, .burst = burst};
  const BucketRate tool{.per_second = rate.per_tool, .burst = burst};
  if (rate.per_principal > 0) {
    if (auto wait = shared_.principal_buckets.take(call.principal.subject, principal, now)) {
      return stop_until(call, Cause::kRateLimited, *wait, now);
    }
  }
  if (rate.per_tool > 0) {
    const std::string key = call.target->upstream + '\0' + call.target->name;
    if (auto wait = shared_.tool_buckets.take(key, tool, now)) {
      if (rate.per_principal > 0) shared_.principal_buckets.give_back(call.principal.subject, principal);
      return stop_until(call, Cause::kRateLimited, *wait, now);
    }
  }
  return std::nullopt;
}

AdmitStage::Refused AdmitStage::concurrency(Call& call, WallTime now) {
  // A second is about when one of so many calls ends.
  constexpr Duration kComeBack = std::chrono::seconds{1};
  const PipelineConfig& config = *call.state.config;
  auto mine = shared_.in_flight.acquire("p:" + call.principal.subject, config.limits.calls_per_principal);
  if (!mine) return stop_until(call, Cause::kConcurrency, kComeBack, now);
  call.state.principal_unit = std::move(*mine);
  const auto upstream = config.upstreams.find(call.target->upstream);
  if (upstream == config.upstreams.end()) return std::nullopt;
  auto theirs = shared_.in_flight.acquire("u:" + call.target->upstream, upstream->second.max_concurrent);
  if (!theirs) return stop_until(call, Cause::kConcurrency, kComeBack, now);
  call.state.upstream_unit = std::move(*theirs);
  return std::nullopt;
}

AdmitStage::Refused AdmitStage::circuit(Call& call, WallTime now) {
  if (shared_.deps.audit_health && !call.target->read_only && !shared_.deps.audit_health()) {
    return stop_with(call, failure_of(call, Cause::kStoreUnavailable, now));
  }
  call.state.pass = shared_.breakers.enter(call.target->upstream, now);
  if (call.state.pass.allowed()) return std::nullopt;
  return stop_until(call, Cause::kCircuitOpen, call.state.pass.retry_after(), now);
}

AdmitStage::Refused AdmitStage::time(Call& call, WallTime now) {
  call.timeout = allocate_time(call, 0, shared_, now);
  switch (call.timeout.why) {
    case schedule::TimeoutReason::kAllocated: return std::nullopt;
    case schedule::TimeoutReason::kSkip: return stop_with(call, failure_of(call, Cause::kSkippedOptional, now));
    case schedule::TimeoutReason::kStopEarly:
    case schedule::TimeoutReason::kNoTime: break;
  }
  return stop_with(call, failure_of(call, Cause::kTurnTime, now));
}

Verdict AdmitStage::reserve(Call& call, WallTime now) {
  Reserving reserving = reserve_attempt(call, shared_);
  if (reserving.kind == Reserving::kNeedsGrant)
    return {.kind = Verdict::kGrant, .reserve = std::move(reserving.request)};
  using Why = ledger::Refusal::Why;
  const bool paid_before = (reserving.refusal && reserving.refusal->why == Why::kKeyConflict) ||
                           (!call.state.ledger_key.empty() && reserving.kind == Reserving::kHeld &&
                            call.hold.id() != 0 && !call.hold.active());
  if (paid_before) {
    // The ledger knows the key and this process no longer has its answer: the call was made before a restart.
    call.hold = {};
    Failure failure = failure_of(call, Cause::kReset, now);
    failure.sent = true;
    failure.idempotent = false;
    failure.param_hints = {
        "the gateway made this call before under the same idempotency key and no longer has its answer"};
    return stop_with(call, failure);
  }
  if (reserving.kind == Reserving::kRefused) return stop_refused(call, std::move(*reserving.refusal), now);
  return {};
}

}  // namespace bursar::broker
