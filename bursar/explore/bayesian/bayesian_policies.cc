#include <array>
#include <vector>

#include "bursar/explore/bandit_policy.h"
#include "bursar/explore/bayesian/thompson.h"
#include "bursar/explore/policies.h"

namespace bursar::explore {
namespace {

using Made = Result<std::unique_ptr<Learner>>;

struct BetaBandit {
  static constexpr std::string_view kName = "thompson", kSlug = "bandits";
  static constexpr std::string_view kAbout = "the best arm of a world drawn from Beta posteriors; rewards as coins";
  static std::span<const PolicyParameter> parameters() {
    static constexpr std::array kOwn{
        PolicyParameter{.name = "a", .about = "successes of the prior", .preset = "1", .low = 1e-3, .high = 1e9},
        PolicyParameter{.name = "b", .about = "failures of the prior", .preset = "1", .low = 1e-3, .high = 1e9}};
    return kOwn;
  }
  static Made make(const PolicySetup& setup) {
    return as_learner(
        ThompsonBeta::make({.arms = count_of(setup, "arms"), .a = number_of(setup, "a"), .b = number_of(setup, "b")}));
  }
};

// Of rewards scaled to [0, 1], as all parameters of learners.
struct GaussianBandit {
  static constexpr std::string_view kName = "thompson-gaussian", kSlug = "bandits";
  static constexpr std::string_view kAbout = "as thompson, with normal posteriors of means under normal noise";
  static std::span<const PolicyParameter> parameters() {
    static constexpr std::array kOwn{
        PolicyParameter{
            .name = "mean", .about = "of the prior, 0 to 1 in the range", .preset = "0.5", .low = 0, .high = 1},
        PolicyParameter{.name = "deviation", .about = "of the prior", .preset = "0.5", .low = 1e-6, .high = 1e6},
        PolicyParameter{.name = "noise", .about = "deviation of a reward", .preset = "0.5", .low = 1e-6, .high = 1e6}};
    return kOwn;
  }
  static Made make(const PolicySetup& setup) {
    return as_learner(ThompsonGaussian::make({.arms = count_of(setup, "arms"),
                                              .mean = number_of(setup, "mean"),
                                              .deviation = number_of(setup, "deviation"),
                                              .noise = number_of(setup, "noise")}));
  }
};

}  // namespace

PolicyTable bayesian_policies() {
  static const std::vector<PolicyEntry> table{bandit_entry<BetaBandit>(), bandit_entry<GaussianBandit>()};
  return table;
}

}  // namespace bursar::explore
