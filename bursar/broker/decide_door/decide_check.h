// What must fit together in the configuration about named policies: names, accounts, budgets, parameters.
//
//   check_policies(config, wrong);                              // as check_models
//   Result<std::unique_ptr<Policy>> fresh = make_decider(config.policies[0]);
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "bursar/broker/config/identity_check.h"
#include "bursar/core/policy.h"

namespace bursar::broker {

// What `policies` can name: policies of requests with known rewards (admit), and those that learn them (explore).
[[nodiscard]] PolicyTable decide_policies();
// Whether rewards are learned from observations, rather than told with each request.
[[nodiscard]] bool learns_rewards(const DecideConfig& config);

void check_policies(const Config& config, const ReportProblem& wrong);

// A new policy with its whole budget; where it has prices, it begins with `prices` if there are any. Errors: the name,
// the parameter or the budget that is wrong.
[[nodiscard]] Result<std::unique_ptr<Policy>> make_decider(const DecideConfig& config,
                                                           std::span<const double> prices = {});

// Nothing where the budget is there once. Errors: kInvalidArgument for what is no window of the calendar.
[[nodiscard]] Result<std::optional<ledger::Window>> window_of(const DecideConfig& config);

// Costs of policies are in the unit that people write: dollars for usd, milliseconds for ms.
[[nodiscard]] double whole_units(Amount amount);

}  // namespace bursar::broker
