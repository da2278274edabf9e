#include <array>
#include <vector>

#include "bursar/explore/bandit_policy.h"
#include "bursar/explore/policies.h"
#include "bursar/explore/stochastic/epsilon_greedy.h"
#include "bursar/explore/stochastic/explore_first.h"
#include "bursar/explore/stochastic/successive_elimination.h"
#include "bursar/explore/stochastic/ucb1.h"

namespace bursar::explore {
namespace {

using Made = Result<std::unique_ptr<Learner>>;

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
  static Made make(const PolicySetup& setup) {
    return as_learner(
        Ucb1::make({.arms = count_of(setup, "arms"), .horizon = setup.horizon, .conf = number_of(setup, "conf")}));
  }
};

struct ExploreFirstBandit {
  static constexpr std::string_view kName = "explore-first", kSlug = "bandits";
  static constexpr std::string_view kAbout = "every arm so many times, then the best for ever; needs the horizon";
  static std::span<const PolicyParameter> parameters() {
    static constexpr std::array kOwn{
        PolicyParameter{.name = "each",
                        .about = "rewards of every arm before it commits; 0: by the horizon",
                        .kind = ParameterKind::kInteger,
                        .preset = "0",
                        .low = 0,
                        .high = 1e12}};
    return kOwn;
  }
  static Made make(const PolicySetup& setup) {
    return as_learner(ExploreFirst::make(
        {.arms = count_of(setup, "arms"), .horizon = setup.horizon, .each = count_of(setup, "each")}));
  }
};

struct EpsilonGreedyBandit {
  static constexpr std::string_view kName = "epsilon-greedy", kSlug = "bandits";
  static constexpr std::string_view kAbout = "mostly the best arm, now and then any; every choice has its propensity";
  static std::span<const PolicyParameter> parameters() {
    static constexpr std::array kOwn{
        PolicyParameter{.name = "epsilon",
                        .about = "share of choices at random; 0: falls as (K ln t / t)^(1/3)",
                        .preset = "0",
                        .low = 0,
                        .high = 1}};
    return kOwn;
  }
  static Made make(const PolicySetup& setup) {
    return as_learner(EpsilonGreedy::make({.arms = count_of(setup, "arms"), .epsilon = number_of(setup, "epsilon")}));
  }
};

struct SuccessiveEliminationBandit {
  static constexpr std::string_view kName = "successive-elimination", kSlug = "bandits";
  static constexpr std::string_view kAbout =
      "all arms in turn, and those that are surely worse leave; needs the horizon";
  static std::span<const PolicyParameter> parameters() { return Ucb1Bandit::parameters(); }
  static Made make(const PolicySetup& setup) {
    return as_learner(SuccessiveElimination::make(
        {.arms = count_of(setup, "arms"), .horizon = setup.horizon, .conf = number_of(setup, "conf")}));
  }
};

}  // namespace

PolicyTable stochastic_policies() {
  static const std::vector<PolicyEntry> table{bandit_entry<Ucb1Bandit>(), bandit_entry<ExploreFirstBandit>(),
                                              bandit_entry<EpsilonGreedyBandit>(),
                                              bandit_entry<SuccessiveEliminationBandit>()};
  return table;
}

}  // namespace bursar::explore
