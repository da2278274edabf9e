// The room's table of names: bandits that run behind core/policy.h, as --policy, the service and the configuration
// make them.
//
//   auto entry = policy_named(explore::policies(), "ucb1");
//   auto bandit = make_bandit("ucb1", {{"arms", 3}}, /*horizon=*/10'000);      // without a budget
//
// A folder of learners adds a line to policies.cc.
#pragma once

#include "bursar/core/policy.h"
#include "bursar/explore/bandit.h"

namespace bursar::explore {

[[nodiscard]] PolicyTable policies();

// Errors: kNotFound for a name that is not in the table; otherwise as make_policy().
[[nodiscard]] Result<std::unique_ptr<Policy>> make_bandit(std::string_view name, const boost::json::object& parameters,
                                                          std::uint64_t horizon = 0);

// The folders' tables.
[[nodiscard]] PolicyTable stochastic_policies();
[[nodiscard]] PolicyTable bayesian_policies();
[[nodiscard]] PolicyTable metric_policies();
[[nodiscard]] PolicyTable contextual_policies();
[[nodiscard]] PolicyTable knapsack_policies();
[[nodiscard]] PolicyTable best_arm_policies();
[[nodiscard]] PolicyTable adversarial_policies();  // and incentives, and lagrange-bwk

}  // namespace bursar::explore
