// How many rollouts each prompt gets when a token budget is fixed and prompts differ in length and in how much their
// rollouts disagree: cost-weighted Neyman allocation.
//
//   std::vector<NeymanItem> prompts{{.s = 1, .cost = 100}, {.s = 2, .cost = 100}, {.s = 1, .cost = 400}};
//   auto plan = neyman_split(prompts, 2000, {.n_min = 1, .n_max = 32});   // {4, 8, 2}
//
// Least  sum s_q^2 / n_q  subject to  sum n_q L_q <= B,  n_min <= n_q <= n_max, n whole: n_q = s_q / sqrt(lambda L_q),
// with lambda by bisection of its logarithm, rounded, and then the longest prompts give back until the budget holds.
// Without bounds and rounding the least is (sum s sqrt L)^2 / B, which `variance_bound` states (with bounds it stays a
// bound). O(items (40 + log items)). Source: systems/duet.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::allocate {

struct NeymanItem {
  double s = 1;     // >= 0: spread of what one rollout teaches
  double cost = 1;  // L > 0: tokens of one rollout
};

struct NeymanBounds {
  std::int64_t n_min = 2;  // >= 1; one rollout alone has no spread
  std::int64_t n_max = 32;
};

struct NeymanPlan {
  std::vector<std::int64_t> rollouts;  // [items]
  double spent = 0;                    // sum n L, at most the budget unless saturated
  double variance = 0;                 // sum s^2 / n
  double variance_bound = 0;           // no split within the budget has less
  double lambda = 0;                   // price of a token: what one more would take off the variance
  bool saturated = false;              // n_min rollouts of all cost more than the budget: everybody gets n_min
};

// Errors: kInvalidArgument naming the item for s < 0, cost <= 0 and numbers that are not finite; bounds that cross, lie
// below 1 or above 2^40; a budget that is not finite or negative.
[[nodiscard]] Result<NeymanPlan> neyman_split(std::span<const NeymanItem> items, double budget,
                                              const NeymanBounds& bounds = {});

}  // namespace bursar::allocate
