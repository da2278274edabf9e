// Stage 6: pay what it cost, give the rest back, write it down, and compose the answer. Runs exactly once for every
// call, also for one that was refused at the first stage or dropped half-way.
//
//   answered                     commit the price and the milliseconds that passed
//   failed, the request was sent commit the same, uncertain where the outcome is unknown
//   failed, it was not sent      release
//
// Afterwards exactly one of call.http, call.upstream_error and call.result is set, in that order of precedence; a
// result of tools/call carries _meta["dev.bursar/budget"] {tool, turn_ms_left, cost, <resource>_left}. Source:
// systems/mcp-production, section A stage 6.
#pragma once

#include "bursar/broker/pipeline/stage.h"

namespace bursar::broker {

struct PipelineShared;

class SettleStage final : public Stage {
 public:
  explicit SettleStage(PipelineShared& shared) : shared_(shared) {}
  [[nodiscard]] StageName name() const override { return StageName::kSettle; }
  [[nodiscard]] Verdict run(Call& call, WallTime now, RandomStream& random) override;

 private:
  PipelineShared& shared_;
};

}  // namespace bursar::broker
