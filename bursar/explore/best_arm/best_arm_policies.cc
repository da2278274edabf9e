#include <array>
#include <vector>

#include "bursar/explore/bandit_policy.h"
#include "bursar/explore/best_arm/best_arm.h"
#include "bursar/explore/policies.h"

namespace bursar::explore {
namespace {

constexpr std::array<std::string_view, 2> kRules{"lucb", "elimination"};

struct SequentialHalvingBandit {
  static constexpr std::string_view kName = "sequential-halving", kSlug = "bandits";
  static constexpr std::string_view kAbout = "the best arm within `horizon` samples; then it chooses nothing";
  static std::span<const PolicyParameter> parameters() { return {}; }
  static Result<std::unique_ptr<Learner>> make(const PolicySetup& setup) {
    return as_learner(SequentialHalving::make({.arms = count_of(setup, "arms"), .budget = setup.horizon}));
  }
};

struct BestArmBandit {
  static constexpr std::string_view kName = "best-arm", kSlug = "bandits";
  static constexpr std::string_view kAbout = "samples until the best arm is known with confidence; then nothing";
  static std::span<const PolicyParameter> parameters() {
    static constexpr std::array kOwn{
        PolicyParameter{
            .name = "delta", .about = "probability of a wrong answer", .preset = "0.05", .low = 1e-9, .high = .99},
        PolicyParameter{.name = "epsilon",
                        .about = "how much worse the answer may be, as a share of the range",
                        .preset = "0",
                        .low = 0,
                        .high = 1},
        PolicyParameter{.name = "rule",
                        .about = "lucb samples the best and its rival, elimination all that may be best",
                        .kind = ParameterKind::kText,
                        .preset = "\"lucb\"",
                        .choices = kRules}};
    return kOwn;
  }
  static Result<std::unique_ptr<Learner>> make(const PolicySetup& setup) {
    return as_learner(FixedConfidence::make(
        {.arms = count_of(setup, "arms"),
         .delta = number_of(setup, "delta"),
         .epsilon = number_of(setup, "epsilon"),
         .rule = text_of(setup, "rule") == "lucb" ? ConfidenceRule::kLucb : ConfidenceRule::kElimination}));
  }
};

}  // namespace

PolicyTable best_arm_policies() {
  static const std::vector<PolicyEntry> table{bandit_entry<SequentialHalvingBandit>(), bandit_entry<BestArmBandit>()};
  return table;
}

}  // namespace bursar::explore
