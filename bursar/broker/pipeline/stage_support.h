// What several stages share: the pipeline's tables, failures as they are built from a call, time and money of an
// attempt. Not for other rooms.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bursar/broker/pipeline/breaker.h"
#include "bursar/broker/pipeline/idempotency.h"
#include "bursar/broker/pipeline/limiters.h"
#include "bursar/broker/pipeline/pipeline.h"
#include "bursar/broker/pipeline/turns.h"

namespace bursar::broker {

struct PipelineShared {
  PipelineDeps deps;
  BucketTable principal_buckets, tool_buckets;
  ConcurrencyLimiter in_flight;
  Breakers breakers;
  TurnTable turns;
  IdempotencyTable idempotency;
  ContractCache contracts;
  schedule::LatencyStore own_latencies;  // where the dependencies bring none

  [[nodiscard]] schedule::LatencyStore& latencies() { return deps.latencies ? *deps.latencies : own_latencies; }
};

[[nodiscard]] bool is_tool_call(const Call& call);
[[nodiscard]] std::chrono::milliseconds to_ms(Duration d);

// A failure of this call, ready for classify(); what it says of tool, attempts and elapsed time is filled in.
[[nodiscard]] Failure failure_of(const Call& call, Cause cause, WallTime now);
[[nodiscard]] Verdict stop_with(Call& call, Serf serf);
[[nodiscard]] Verdict stop_with(Call& call, const Failure& failure);

// The learned latencies, with the operator's prior for tools that have too few observations of their own.
class KnownLatencies final : public schedule::LatencyModel {
 public:
  KnownLatencies(const schedule::LatencyStore& store, const PipelineConfig& config) : store_(store), config_(config) {}
  [[nodiscard]] Duration quantile(const schedule::ToolId& tool, double p) const override;
  [[nodiscard]] double cdf(const schedule::ToolId& tool, Duration t) const override;
  [[nodiscard]] bool knows(const schedule::ToolId& tool) const override;

 private:
  [[nodiscard]] std::optional<Duration> prior(const schedule::ToolId& tool) const;
  const schedule::LatencyStore& store_;
  const PipelineConfig& config_;
};

[[nodiscard]] schedule::ToolId latency_id(const Call& call);
// Brings call.turn.left up to now, and allocates the time of that attempt (0 is the first).
[[nodiscard]] schedule::TimeoutDecision allocate_time(Call& call, int attempt, PipelineShared& shared, WallTime now);
[[nodiscard]] Duration answer_reserve(const Call& call);

// Holds the call's price, and the milliseconds of call.timeout where they are metered; a hold that is given is in
// call.hold afterwards. A progress extension is held too; where the ledger cannot pay it the call goes without, and
// where it cannot pay the timeout either, with what is left, as long as that covers a median.
struct Reserving {
  enum Kind : std::uint8_t { kHeld, kNeedsGrant, kRefused };
  Kind kind = kHeld;
  ledger::ReserveRequest request = {};  // kNeedsGrant
  std::optional<ledger::Refusal> refusal = std::nullopt;
};
[[nodiscard]] Reserving reserve_attempt(Call& call, PipelineShared& shared);

// Takes the price from the turn's own caps; the refusal where they cannot pay.
[[nodiscard]] std::optional<ledger::Refusal> charge_turn(Call& call, PipelineShared& shared);
[[nodiscard]] Verdict stop_refused(Call& call, ledger::Refusal refusal, WallTime now);

// Pays for the last attempt and lets its hold go; nothing where none is held.
void settle_attempt(Call& call, bool uncertain);

}  // namespace bursar::broker
