#include "bursar/explore/policies.h"

#include <limits>
#include <vector>

namespace bursar::explore {

PolicyTable policies() {
  static const std::vector<PolicyEntry> table = [] {
    std::vector<PolicyEntry> all;
    const auto add = [&all](PolicyTable entries) { all.insert(all.end(), entries.begin(), entries.end()); };
    add(stochastic_policies());
    add(bayesian_policies());
    add(metric_policies());
    add(contextual_policies());
    add(knapsack_policies());
    add(best_arm_policies());
    add(adversarial_policies());
    return all;
  }();
  return table;
}

Result<std::unique_ptr<Policy>> make_bandit(std::string_view name, const boost::json::object& parameters,
                                            std::uint64_t horizon) {
  const auto entry = policy_named(policies(), name);
  if (!entry) return tl::unexpected(entry.error());
  // One resource that nothing uses.
  return make_policy(**entry,
                     {.budget = {std::numeric_limits<double>::max()}, .horizon = horizon, .parameters = parameters});
}

}  // namespace bursar::explore
