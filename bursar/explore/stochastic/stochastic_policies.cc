#include <array>
#include <vector>

#include "bursar/explore/bandit_policy.h"
#include "bursar/explore/policies.h"
#include "bursar/explore/stochastic/ucb1.h"

namespace bursar::explore {
namespace {

constexpr PolicyParameter kConf{.name = "conf",
                                .about = "width of the confidence bounds: 2 as proved, .5 for practice",
                                .preset = "2",
                                .low = 1e-6,
                                .high = 1e6};

struct Ucb1Bandit {
  static constexpr std::string_view kName = "ucb1", kSlug = "bandits";
  static constexpr std::string_view kAbout = "the arm with the highest upper confidence bound";
  static std::span<const PolicyParameter> parameters() {
    static constexpr std::array kOwn{kConf};
    return kOwn;
  }
  static Result<std::unique_ptr<Learner>> make(const PolicySetup& setup) {
    return Ucb1::make({.arms = count_of(setup, "arms"), .horizon = setup.horizon, .conf = number_of(setup, "conf")})
        .map([](auto p) -> std::unique_ptr<Learner> { return p; });
  }
};

}  // namespace

PolicyTable stochastic_policies() {
  static const std::vector<PolicyEntry> table{bandit_entry<Ucb1Bandit>()};
  return table;
}

}  // namespace bursar::explore
