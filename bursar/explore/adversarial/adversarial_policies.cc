#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <string>
#include <vector>

#include "bursar/explore/adversarial/doubling.h"
#include "bursar/explore/adversarial/exp3.h"
#include "bursar/explore/adversarial/exp4.h"
#include "bursar/explore/bandit_policy.h"
#include "bursar/explore/incentives/bayesian_greedy.h"
#include "bursar/explore/incentives/hidden_exploration.h"
#include "bursar/explore/knapsack/lagrange_bwk.h"
#include "bursar/explore/policies.h"

namespace bursar::explore {
namespace {

using Made = Result<std::unique_ptr<Learner>>;

constexpr PolicyParameter kExploration{.name = "exploration",
                                       .about = "share of decisions at random, whatever was learned",
                                       .preset = "0",
                                       .low = 0,
                                       .high = 1};

// With the horizon where it is known, otherwise in epochs that double.
Made over_horizon(const PolicySetup& setup, const LearnerMaker& make) {
  if (setup.horizon > 0) return make(setup.horizon);
  return as_learner(Doubling::make(make, {.first = 64}));
}

struct Exp3Bandit {
  static constexpr std::string_view kName = "exp3", kSlug = "bandits";
  static constexpr std::string_view kAbout = "exponential weights, for rewards that may change or answer back";
  static std::span<const PolicyParameter> parameters() {
    static constexpr std::array kOwn{kExploration};
    return kOwn;
  }
  static Made make(const PolicySetup& setup) {
    return over_horizon(
        setup, [arms = count_of(setup, "arms"), gamma = number_of(setup, "exploration")](std::uint64_t rounds) -> Made {
          Exp3Options options = exp3(arms, rounds);
          options.exploration = gamma;
          return as_learner(Exp3::make(options));
        });
  }
};

struct Exp3IxBandit {
  static constexpr std::string_view kName = "exp3-ix", kSlug = "bandits";
  static constexpr std::string_view kAbout =
      "exp3 with implicit exploration: a bound with high probability, and better";
  static std::span<const PolicyParameter> parameters() { return {}; }
  static Made make(const PolicySetup& setup) {
    return over_horizon(setup, [arms = count_of(setup, "arms")](std::uint64_t rounds) -> Made {
      return as_learner(Exp3::make(exp3_ix(arms, rounds)));
    });
  }
};

struct Exp4Bandit {
  static constexpr std::string_view kName = "exp4", kSlug = "bandits";
  static constexpr std::string_view kAbout = "as good as the best of experts, who each recommend an arm in the context";
  static std::span<const PolicyParameter> parameters() {
    static constexpr std::array kOwn{
        PolicyParameter{.name = "experts",
                        .about = "how many; the context of a request is the number of the arm that each recommends. 0: "
                                 "one an arm, who always recommends it, and no context",
                        .kind = ParameterKind::kInteger,
                        .preset = "0",
                        .low = 0,
                        .high = 1 << 24},
        kExploration};
    return kOwn;
  }
  static Made make(const PolicySetup& setup) {
    return over_horizon(
        setup,
        [arms = count_of(setup, "arms"), experts = count_of(setup, "experts"),
         gamma = number_of(setup, "exploration")](std::uint64_t rounds) -> Made {
          return as_learner(Exp4::make({.arms = arms, .experts = experts, .horizon = rounds, .exploration = gamma}));
        });
  }
};

constexpr PolicyParameter kSuccesses{.name = "successes",
                                     .about = "of each arm before the first decision, as a prior; empty: 1 each",
                                     .kind = ParameterKind::kNumbers,
                                     .preset = "[]",
                                     .low = 1e-9,
                                     .high = 1e9};
constexpr PolicyParameter kFailures{.name = "failures",
                                    .about = "of each arm before the first decision, as a prior; empty: 1 each",
                                    .kind = ParameterKind::kNumbers,
                                    .preset = "[]",
                                    .low = 1e-9,
                                    .high = 1e9};

Result<std::vector<BetaPrior>> priors_of(const PolicySetup& setup) {
  const std::size_t arms = count_of(setup, "arms");
  std::vector<BetaPrior> out(arms);
  for (const bool success : {true, false}) {
    const std::string_view name = success ? "successes" : "failures";
    const auto given = numbers_of(setup, name);
    if (!given.empty() && given.size() != arms) {
      return invalid_argument(std::string(name) + ": has " + std::to_string(given.size()) + " numbers for " +
                              std::to_string(arms) + " arms");
    }
    for (std::size_t a = 0; a < given.size(); ++a) (success ? out[a].a : out[a].b) = given[a];
  }
  return out;
}

struct GreedyBandit {
  static constexpr std::string_view kName = "bayesian-greedy", kSlug = "bandits";
  static constexpr std::string_view kAbout = "the arm with the highest posterior mean, without exploration";
  static std::span<const PolicyParameter> parameters() {
    static constexpr std::array kOwn{kSuccesses, kFailures};
    return kOwn;
  }
  static Made make(const PolicySetup& setup) {
    return priors_of(setup).and_then(
        [](std::vector<BetaPrior> priors) { return as_learner(BayesianGreedy::make({.priors = std::move(priors)})); });
  }
};

struct HiddenBandit {
  static constexpr std::string_view kName = "hidden-exploration", kSlug = "bandits";
  static constexpr std::string_view kAbout = "two arms for users who follow only what is in their interest";
  static std::span<const PolicyParameter> parameters() {
    static constexpr std::array kOwn{
        kSuccesses, kFailures,
        PolicyParameter{.name = "warm_up",
                        .about = "users who get the first arm before exploration begins",
                        .kind = ParameterKind::kInteger,
                        .preset = "20",
                        .low = 1,
                        .high = 1e6},
        PolicyParameter{.name = "epsilon",
                        .about = "share of explored decisions; 0: the largest that users still follow",
                        .preset = "0",
                        .low = 0,
                        .high = 1},
        PolicyParameter{.name = "explorer",
                        .about = "exp3-ix explores both arms in its rounds; otherwise the second is tried",
                        .kind = ParameterKind::kFlag,
                        .preset = "false"}};
    return kOwn;
  }
  static Made make(const PolicySetup& setup) {
    const auto priors = priors_of(setup);
    if (!priors) return tl::unexpected(priors.error());
    if (priors->size() != 2) return invalid_argument("arms: must be 2, is " + std::to_string(priors->size()));
    std::unique_ptr<Learner> explorer;
    if (flag_of(setup, "explorer")) {
      auto made =
          over_horizon(setup, [](std::uint64_t rounds) -> Made { return as_learner(Exp3::make(exp3_ix(2, rounds))); });
      if (!made) return made;
      explorer = std::move(*made);
    }
    return as_learner(HiddenExploration::make({.arms = {.first = (*priors)[0], .second = (*priors)[1]},
                                               .warm_up = count_of(setup, "warm_up"),
                                               .epsilon = number_of(setup, "epsilon")},
                                              std::move(explorer)));
  }
};

struct LagrangeBandit {
  static constexpr std::string_view kName = "lagrange-bwk", kSlug = "bandits";
  static constexpr std::string_view kAbout = "rewards against the resource that runs out fastest, without statistics";
  static std::span<const PolicyParameter> parameters() {
    static constexpr std::array kOwn{
        PolicyParameter{.name = "rest",
                        .about = "it may choose nothing; false is better where some arm uses no more than its rate",
                        .kind = ParameterKind::kFlag,
                        .preset = "true"}};
    return kOwn;
  }
  static Made make(const PolicySetup& setup) {
    if (setup.horizon == 0) return invalid_argument("horizon: lagrange-bwk must know for how many requests it plans");
    return as_learner(LagrangeBwk::make({.arms = count_of(setup, "arms"),
                                         .horizon = setup.horizon,
                                         .budget = setup.budget,
                                         .most = numbers_of(setup, "most"),
                                         .rest = flag_of(setup, "rest")}));
  }
};

}  // namespace

PolicyTable adversarial_policies() {
  static const std::vector<PolicyEntry> table{bandit_entry<Exp3Bandit>(),   bandit_entry<Exp3IxBandit>(),
                                              bandit_entry<Exp4Bandit>(),   bandit_entry<GreedyBandit>(),
                                              bandit_entry<HiddenBandit>(), bandit_entry<LagrangeBandit>()};
  return table;
}

}  // namespace bursar::explore
