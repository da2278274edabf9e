// How many failures an agent gets over, at how many calls, and how many writes it doubles: SERF against retrying
// blindly and against guessing the category from free text.
//
//   RecoveryScore serf = simulate_recovery({.style = RecoveryStyle::kSerf}, 20'000, RandomStream(1));
//   serf.recovered; serf.calls; serf.duplicated;       // shares of the failures, calls per failure
//
// The model of systems/mcp-production, hypothesis H3: the mix of failures, the chances of each action and its cost in
// milliseconds are the sheet's; 8 s a failure. Every style meets the same failures for the same stream. VERIFY_STATE is
// counted as one call that recovers nothing, which flatters nobody.
#pragma once

#include <cstdint>

#include "bursar/core/random.h"

namespace bursar::broker {

enum class RecoveryStyle : std::uint8_t { kBlindRetry, kGuessedFromText, kSerf };

struct RecoveryPolicy {
  RecoveryStyle style = RecoveryStyle::kSerf;
  double right = 1;  // chance that the category is understood (text) or was named right by the server (SERF)
};

struct RecoveryScore {
  double recovered = 0;   // share of the failures
  double calls = 0;       // a failure
  double duplicated = 0;  // share of the failures with a write that was applied twice
};

[[nodiscard]] RecoveryScore simulate_recovery(const RecoveryPolicy& policy, int failures, const RandomStream& random);

}  // namespace bursar::broker
