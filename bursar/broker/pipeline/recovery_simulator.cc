#include "bursar/broker/pipeline/recovery_simulator.h"

#include <array>
#include <vector>

#include "bursar/broker/pipeline/recovery.h"

namespace bursar::broker {
namespace {

using std::chrono::milliseconds;

enum class Kind : std::uint8_t { kInput, kNotFound, kUpstream, kRate, kPermission, kInternal };
constexpr std::array kShares{.30, .08, .36, .11, .08, .07};
constexpr std::array kCauses{Cause::kSchema,      Cause::kNotFound,  Cause::kTimeout,
                             Cause::kRateLimited, Cause::kForbidden, Cause::kUpstreamBug};

constexpr Duration kBudget = milliseconds{8000};
constexpr Duration kBlindRetry = milliseconds{400};
constexpr RecoveryCosts kCosts{.retry = milliseconds{1400},
                               .wait = milliseconds{3000},
                               .fix_input = milliseconds{900},
                               .switch_resource = milliseconds{1200},
                               .verify_state = milliseconds{400}};

struct Incident {
  Kind kind = Kind::kInput;
  bool idempotent = false, applied = false;
};

Incident draw(RandomStream& random) {
  double u = random.uniform01();
  std::size_t kind = 0;
  while (kind + 1 < kShares.size() && u >= kShares.at(kind)) u -= kShares.at(kind++);
  Incident out{.kind = static_cast<Kind>(kind), .idempotent = random.bernoulli(.6)};
  out.applied = random.bernoulli(.5) && out.kind == Kind::kUpstream;
  return out;
}

// The chance that an action mends what really happened.
double chance(Kind kind, ActionType action, bool backoff) {
  switch (action) {
    case ActionType::kFixInput: return kind == Kind::kInput ? .85 : 0;
    case ActionType::kSwitchResource: return kind == Kind::kNotFound ? .6 : 0;
    case ActionType::kWait: return kind == Kind::kRate ? .92 : 0;
    case ActionType::kRetry:
      if (kind == Kind::kUpstream) return backoff ? .75 : .45;
      if (kind == Kind::kRate) return backoff ? .35 : .08;
      if (kind == Kind::kInternal) return backoff ? .35 : .25;
      return 0;
    default: return 0;
  }
}

bool is_call(ActionType action) {
  return action == ActionType::kRetry || action == ActionType::kWait || action == ActionType::kFixInput ||
         action == ActionType::kSwitchResource || action == ActionType::kVerifyState;
}

struct Tally {
  bool recovered = false, duplicated = false;
  int calls = 0;
};

void perform(const Incident& incident, ActionType action, bool backoff, RandomStream& random, Tally& tally) {
  if (is_call(action)) ++tally.calls;
  const bool repeats = action == ActionType::kRetry || action == ActionType::kWait;
  if (repeats && incident.applied && !incident.idempotent) tally.duplicated = true;
  if (random.bernoulli(chance(incident.kind, action, backoff))) tally.recovered = true;
}

Tally retry_blindly(const Incident& incident, RandomStream& random) {
  constexpr int kRetries = 3;
  Tally tally;
  Duration left = kBudget;
  for (int i = 0; i < kRetries && !tally.recovered && left >= kBlindRetry; ++i, left -= kBlindRetry) {
    perform(incident, ActionType::kRetry, /*backoff=*/false, random, tally);
  }
  return tally;
}

// Follows the table for the category that was understood. Free text says nothing of the outcome nor of the tool, so
// whoever guesses takes every tool for one that may be repeated.
Tally follow(const Incident& incident, const RecoveryPolicy& policy, RandomStream& random) {
  auto understood = static_cast<std::size_t>(incident.kind);
  if (!random.bernoulli(policy.right)) {
    const std::uint64_t shift = 1 + random.uniform_int(std::uint64_t{kCauses.size() - 1});
    understood = (understood + shift) % kCauses.size();
  }
  const bool told = policy.style == RecoveryStyle::kSerf;
  const bool idempotent = told ? incident.idempotent : true;
  const Serf serf = classify({.cause = kCauses.at(understood), .idempotent = idempotent, .sent = true, .attempts = 1});
  Tally tally;
  RecoveryTurn turn{.left = kBudget};
  std::vector<ActionType> history;
  while (!tally.recovered) {
    const auto next = next_action(serf, {.idempotent = idempotent, .costs = kCosts}, turn, history);
    if (!next || !is_call(next->type)) break;
    turn.left -= next->cost;
    history.push_back(next->type);
    perform(incident, next->type, /*backoff=*/true, random, tally);
  }
  return tally;
}

}  // namespace

RecoveryScore simulate_recovery(const RecoveryPolicy& policy, int failures, const RandomStream& random) {
  RecoveryScore score;
  for (int i = 0; i < failures; ++i) {
    const RandomStream own = random.split(static_cast<std::uint64_t>(i));
    RandomStream world = own.split("incident"), luck = own.split("luck");
    const Incident incident = draw(world);
    const Tally tally =
        policy.style == RecoveryStyle::kBlindRetry ? retry_blindly(incident, luck) : follow(incident, policy, luck);
    score.recovered += tally.recovered ? 1 : 0;
    score.duplicated += tally.duplicated ? 1 : 0;
    score.calls += tally.calls;
  }
  const double n = failures;
  return {.recovered = score.recovered / n, .calls = score.calls / n, .duplicated = score.duplicated / n};
}

}  // namespace bursar::broker
