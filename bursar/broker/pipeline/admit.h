// Stage 3: may it now, for how long, and who pays. In this order, and nothing is charged before the last step:
//   contract -> idempotency key -> token buckets -> concurrency -> circuit -> time of the turn -> ledger
//
// The first that refuses says how to go on (WAIT and when, FIX_INPUT and where, SKIP_OPTIONAL, ANSWER_WITH_PARTIAL).
// Where the ledger cannot decide in memory the stage answers kGrant and goes on when deliver() was called.
// Source: systems/mcp-production, section A stage 3 and section B.
#pragma once

#include "bursar/broker/pipeline/stage.h"

namespace bursar::broker {

struct PipelineConfig;
struct PipelineShared;

struct CallPrice {
  Amounts fixed;
  bool meter_ms = false;
};
// The first price rule that fits. Without one a tools/call costs 1 call and its milliseconds, anything else nothing.
// Rules for other methods name the method: tool: "resources/read", "prompts/*"; a pattern without '/' is about tools
// only.
[[nodiscard]] CallPrice price_of(const PipelineConfig& config, const Target& target, std::string_view method);

class AdmitStage final : public Stage {
 public:
  explicit AdmitStage(PipelineShared& shared) : shared_(shared) {}
  [[nodiscard]] StageName name() const override { return StageName::kAdmit; }
  [[nodiscard]] Verdict run(Call& call, WallTime now, RandomStream& random) override;
  void deliver(Call& call, ledger::Reservation reservation) override;

 private:
  using Refused = std::optional<Verdict>;
  [[nodiscard]] Refused contract(Call& call, WallTime now);
  [[nodiscard]] Refused read_meta(Call& call, WallTime now);
  [[nodiscard]] Refused idempotency(Call& call, WallTime now);
  [[nodiscard]] Refused rates(Call& call, WallTime now);
  [[nodiscard]] Refused concurrency(Call& call, WallTime now);
  [[nodiscard]] Refused circuit(Call& call, WallTime now);
  [[nodiscard]] Refused time(Call& call, WallTime now);
  [[nodiscard]] Verdict reserve(Call& call, WallTime now);

  PipelineShared& shared_;
};

}  // namespace bursar::broker
