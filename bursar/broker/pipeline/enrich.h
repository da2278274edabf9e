// Stage 4: what the upstream gets to see. The name as it knows it; arguments byte for byte; _meta without what clients
// may not set (every dev.bursar/* key but the idempotency key), with traceparent and dev.bursar/budget {call_ms,
// turn_ms_left, <resource>_left}. No header of the agent's is forwarded, its Authorization least of all.
// Source: systems/mcp-production, section A stage 4.
#pragma once

#include <string>

#include "bursar/broker/pipeline/stage.h"

namespace bursar::broker {

struct PipelineShared;

// The params of the next attempt, for call.timeout.
[[nodiscard]] std::string outgoing_params(const Call& call, PipelineShared& shared);

// Smallest units as a JSON number in the resource's printed unit: 1250000 micro-dollars are 1.25.
[[nodiscard]] std::string json_number(Amount amount);

// "usd_left":1.25,"calls_left":3: what the account and the turn may still spend; empty where nobody knows.
void append_left(std::string& object, const Call& call, PipelineShared& shared);

class EnrichStage final : public Stage {
 public:
  explicit EnrichStage(PipelineShared& shared) : shared_(shared) {}
  [[nodiscard]] StageName name() const override { return StageName::kEnrich; }
  [[nodiscard]] Verdict run(Call& call, WallTime now, RandomStream& random) override;

 private:
  PipelineShared& shared_;
};

}  // namespace bursar::broker
