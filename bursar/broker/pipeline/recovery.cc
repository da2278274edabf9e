#include "bursar/broker/pipeline/recovery.h"

#include <algorithm>

#include "bursar/broker/pipeline/serf_table.h"

namespace bursar::broker {
namespace {

bool allows(const Serf& serf, const RecoveryTool& tool, ActionType action) {
  switch (action) {
    case ActionType::kRetry: return serf.retryable && (tool.idempotent || serf.outcome == Outcome::kNotApplied);
    case ActionType::kWait: return serf.outcome != Outcome::kUnknown || tool.idempotent;
    case ActionType::kVerifyState: return serf.outcome == Outcome::kUnknown;
    case ActionType::kSkipOptional: return tool.optional_step;
    default: return true;
  }
}

Duration cost_of(const RecoveryCosts& costs, ActionType action) {
  switch (action) {
    case ActionType::kRetry: return costs.retry;
    case ActionType::kWait: return costs.wait;
    case ActionType::kFixInput: return costs.fix_input;
    case ActionType::kSwitchResource: return costs.switch_resource;
    case ActionType::kVerifyState: return costs.verify_state;
    default: return Duration{0};
  }
}

}  // namespace

RecoveryCosts recovery_costs(const Serf& serf, Duration median) {
  // Where nobody says how long to wait, a second is what a rate limit commonly needs.
  constexpr Duration kUnknownWait = std::chrono::seconds{1};
  const Duration wait = serf.retry_after ? Duration{*serf.retry_after} : kUnknownWait;
  return {
      .retry = median, .wait = wait + median, .fix_input = median, .switch_resource = median, .verify_state = median};
}

std::optional<RecoveryAction> next_action(const Serf& serf, const RecoveryTool& tool, const RecoveryTurn& turn,
                                          std::span<const ActionType> history) {
  for (const SuggestedAction& suggested : serf.actions) {
    const ActionType type = suggested.type;
    if (!allows(serf, tool, type)) continue;
    if (std::ranges::count(history, type) >= limit_of(serf.category, serf.code, type)) continue;
    const Duration cost = cost_of(tool.costs, type);
    if (cost > Duration{0} && cost > turn.left - turn.reserve) continue;
    return RecoveryAction{
        .type = type, .by_broker = type == ActionType::kRetry || type == ActionType::kWait, .cost = cost};
  }
  return std::nullopt;
}

Serf after_retries(Serf serf) {
  serf.retryable = false;
  std::erase_if(serf.actions, [](const SuggestedAction& action) { return action.type == ActionType::kRetry; });
  return serf;
}

}  // namespace bursar::broker
