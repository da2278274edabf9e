// Stage 5: the attempts, and what is made of their end.
//
//   attempt -> answered:  the server's own JSON-RPC error and a tool's isError result pass through untouched; a result
//   is
//                         cut to the size limit (flagged) and held against the outputSchema
//           -> failed:    SERF; where next_action() says RETRY or WAIT and next_retry() finds that it still pays,
//                         pause, pay for the attempt, hold the price again, attempt again; else stop with the failure
//
// An attempt that left this process is charged like a call, since the server saw one: no retry escapes the budget.
// Latencies are recorded censored where the deadline cut them; the circuit hears of every attempt, except of timeouts
// shorter than the tool's median, which say more about the turn than about the server.
// Source: systems/mcp-production, section A stage 5 and section B rules 4-6.
#pragma once

#include <string>

#include "bursar/broker/pipeline/stage.h"

namespace bursar::broker {

struct PipelineShared;

// A result that is cut to about `bytes`: texts end early, binary items are replaced by a note, structuredContent goes,
// and _meta["dev.bursar/truncated"] says how much there was. Absent where the result cannot be made so small.
[[nodiscard]] std::optional<std::string> truncated_result(std::string_view result, std::size_t bytes);

class InvokeStage final : public Stage {
 public:
  explicit InvokeStage(PipelineShared& shared) : shared_(shared) {}
  [[nodiscard]] StageName name() const override { return StageName::kInvoke; }
  [[nodiscard]] Verdict run(Call& call, WallTime now, RandomStream& random) override;
  void deliver(Call& call, ledger::Reservation reservation) override;

 private:
  [[nodiscard]] Verdict attempt(Call& call, WallTime now);
  [[nodiscard]] Verdict judge(Call& call, WallTime now, RandomStream& random);
  [[nodiscard]] Verdict accept(Call& call, WallTime now, RandomStream& random);
  [[nodiscard]] Verdict recover(Call& call, const Failure& failure, WallTime now, RandomStream& random);
  [[nodiscard]] Verdict prepare_retry(Call& call, WallTime now);
  [[nodiscard]] Verdict hold_again(Call& call, WallTime now);
  void learn(Call& call, WallTime now);

  PipelineShared& shared_;
};

}  // namespace bursar::broker
