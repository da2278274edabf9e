// How many rollouts each prompt of a training batch gets, when the batch as a whole may spend a fixed number of them.
//
//   std::vector<RolloutItem> batch{{.id = "a", .p_hat = .1, .seen = 16}, {.id = "b", .p_hat = .8, .seen = 16}};
//   auto plan = allocate_rollouts(batch, /*total=*/16, {});
//   use(plan->rollouts);          // [batch], sums to 16
//   log(plan->report.warning);    // empty where all is well
//
// Value of n rollouts of a prompt that is solved with probability p: the chance of a group with both outcomes (only
// such a group has a gradient under group-relative advantages) times what one gradient step is worth there.
//
//   P_mixed(n, p) = 1 - p^n - (1 - p)^n      InfoGain(p) = p (1 - p)^2      Value(n, p) = P_mixed InfoGain
//   Value(n + 1) - Value(n) = p (1 - p)^2 [p^n (1 - p) + (1 - p)^n p], decreasing: marginal greedy is exact.
//
// The rule, in the order it is applied: prompts seen fewer than min_seen times get n_ref; those with 0 < p^ < 1
// ("effective") start at n_low, those at 0 and 1 get negative_n and positive_n. Of what is left, the effective ones
// need at most floor(min(n_up, demand(p^))) each; a surplus above that goes evenly to the prompts at 0 (`fallback`: the
// large groups of hard prompts come from here, and are not held to n_up), and the rest to the effective ones by
// marginal value up to n_up (`knapsack`). The sum is always `total`. O(total log batch). Source: systems/knapsack-rl.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::allocate {

struct RolloutItem {
  std::string id;
  std::optional<double> p_hat = std::nullopt;  // success rate last seen, in [0, 1]; nullopt: unknown
  std::int64_t seen = 0;                       // rewards that the estimate could rest on
};

enum class DemandModel : std::uint8_t {
  kProbability,  // ln(1 - alpha) / ln(max(p, 1 - p)): a mixed group with probability about alpha
  kExpectation,  // 1/p + 1/(1-p) - 1: expected rollouts until both outcomes were seen
};

struct KnapsackRolloutConfig {
  std::int64_t n_ref = 8;  // of a prompt that is not known yet
  std::int64_t n_low = 2, n_up = 128;
  std::int64_t negative_n = 2, positive_n = 2;  // of prompts at p^ = 0 and p^ = 1
  std::int64_t min_seen = 8;
  double alpha = .9;  // in (0, 1)
  DemandModel demand = DemandModel::kProbability;
  bool fallback = true;  // off: the effective prompts get everything, however little they gain
  bool knapsack = true;  // off: the effective prompts share evenly instead of by value
};

struct RolloutReport {
  std::size_t effective = 0, at_zero = 0, at_one = 0, unknown = 0;  // prompts
  double expected_effective_ratio = 0;  // share of the rollouts of known prompts that is expected in mixed groups
  std::int64_t surplus = 0;             // rollouts beyond the demand of the effective prompts
  std::int64_t largest = 0;             // of any prompt
  std::string warning;                  // where floors did not fit, or a group of one could not be avoided
};

struct RolloutPlan {
  std::vector<std::int64_t> rollouts;  // [batch]
  RolloutReport report;
};

// Errors: kInvalidArgument for p^ outside [0, 1] or not a number, total < 0 or > 2^40, seen < 0, n_low > n_up, and
// negative or absurd numbers of the configuration. Where the floors together exceed `total` the largest are shaved
// until they fit, groups of one are merged into groups of two (one rollout alone never has a gradient), and a warning
// says so.
[[nodiscard]] Result<RolloutPlan> allocate_rollouts(std::span<const RolloutItem> batch, std::int64_t total,
                                                    const KnapsackRolloutConfig& config);

// For p in [0, 1] and n >= 0.
[[nodiscard]] double mixed_probability(double p, std::int64_t n);
[[nodiscard]] double rollout_value(double p, std::int64_t n);
// Rollouts; infinite at p = 0 and p = 1.
[[nodiscard]] double rollout_demand(double p, DemandModel model, double alpha);

}  // namespace bursar::allocate
