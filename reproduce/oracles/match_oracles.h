// Exact answers for small instances of online matching with stochastic rewards, by other means than the library's.
//
//   adaptive_optimum(instance);                                          // S-OPT, the best policy that sees no coins
//   expected_value(instance, {.rule = admit::GoalRule::kBalance});       // what a rule earns, over every coin
//   enumerated_lp(instance, EnumeratedLp::kStochastic);                  // the configuration LP over every subset
#pragma once

#include <cstdint>

#include "bursar/admit/matching/goal_matcher.h"
#include "bursar/admit/matching/match_instance.h"
#include "bursar/core/result.h"

namespace bursar::reproduce {

// G(t, mask) = max(G(t+1, mask), max_u p_ut (w_u + G(t+1, mask + u)) + (1 - p_ut) G(t+1, mask)), mask: who succeeded.
// kInvalidArgument past 16 goals. O(edges 2^goals).
[[nodiscard]] Result<double> adaptive_optimum(const admit::MatchInstance& instance);

// Expected weight of what succeeds, following both ends of every try. For rules without luck, or one draw of theirs.
// kInvalidArgument past 20 slots. O(2^slots edges).
[[nodiscard]] Result<double> expected_value(const admit::MatchInstance& instance,
                                            const admit::GoalMatcherOptions& options);

enum class EnumeratedLp : std::uint8_t { kStochastic, kTruncated };
// kInvalidArgument where a goal has more than 14 slots.
[[nodiscard]] Result<double> enumerated_lp(const admit::MatchInstance& instance, EnumeratedLp which);

}  // namespace bursar::reproduce
