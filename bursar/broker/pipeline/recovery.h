// What to do next about a failure: a pure function, so that the broker, the agent's advice, the simulator and a replay
// decide alike.
//
//   std::optional<RecoveryAction> next = next_action(serf, tool, {.left = 6s, .reserve = 1500ms}, history);
//   if (next && next->by_broker) …                 // RETRY and WAIT: the invoke stage does them itself
//
// Walks the failure's actions in their order and takes the first one that
//   * the failure allows: RETRY only where it is retryable and either nothing was applied or the tool is idempotent,
//     VERIFY_STATE only where the outcome is unknown, SKIP_OPTIONAL only for an optional step;
//   * was taken less often than the table's limit for that code (serf_table.cc);
//   * the rest of the turn can pay once the reserve is put aside.
// Absent where nothing is left. Same input, same output. Source: systems/mcp-production, section C. O(actions x
// history).
#pragma once

#include <optional>
#include <span>

#include "bursar/broker/pipeline/serf.h"
#include "bursar/core/clock.h"

namespace bursar::broker {

// What an action would take from the turn's time, the call that follows it included.
struct RecoveryCosts {
  Duration retry{0}, wait{0}, fix_input{0}, switch_resource{0}, verify_state{0};
};
[[nodiscard]] RecoveryCosts recovery_costs(const Serf& serf, Duration median);

struct RecoveryTool {
  bool idempotent = false, optional_step = false;
  RecoveryCosts costs;
};

struct RecoveryTurn {
  Duration left{0}, reserve{0};
};

struct RecoveryAction {
  ActionType type = ActionType::kEscalateToUser;
  bool by_broker = false;
  Duration cost{0};
  bool operator==(const RecoveryAction&) const = default;
};

[[nodiscard]] std::optional<RecoveryAction> next_action(const Serf& serf, const RecoveryTool& tool,
                                                        const RecoveryTurn& turn, std::span<const ActionType> history);

// The same failure after the broker has tried again itself: the agent is not told to retry what was retried.
[[nodiscard]] Serf after_retries(Serf serf);

}  // namespace bursar::broker
