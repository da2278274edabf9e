#include <array>
#include <cmath>
#include <vector>

#include "bursar/explore/bandit_policy.h"
#include "bursar/explore/bayesian/thompson.h"
#include "bursar/explore/contextual/lin_ucb.h"
#include "bursar/explore/contextual/per_context.h"
#include "bursar/explore/policies.h"
#include "bursar/explore/stochastic/epsilon_greedy.h"
#include "bursar/explore/stochastic/ucb1.h"

namespace bursar::explore {
namespace {

using Made = Result<std::unique_ptr<Learner>>;

constexpr PolicyParameter kDimension{.name = "dimension",
                                     .about = "features of an arm, or of a request",
                                     .kind = ParameterKind::kInteger,
                                     .low = 1,
                                     .high = 1024};
constexpr PolicyParameter kRidge{
    .name = "ridge", .about = "weight of the prior at zero", .preset = "1", .low = 1e-9, .high = 1e9};
constexpr PolicyParameter kShared{
    .name = "shared",
    .about =
        "true: the context has a row of features for each arm; false: one row, and each arm learns its own weights",
    .kind = ParameterKind::kFlag,
    .preset = "true"};
constexpr PolicyParameter kIntercept{
    .name = "intercept", .about = "one more weight, of a constant", .kind = ParameterKind::kFlag, .preset = "true"};
constexpr std::array<std::string_view, 3> kLearners{"ucb1", "thompson", "epsilon-greedy"};
constexpr PolicyParameter kLearner{.name = "learner",
                                   .about = "what learns for each context",
                                   .kind = ParameterKind::kText,
                                   .preset = "\"ucb1\"",
                                   .choices = kLearners};
constexpr PolicyParameter kConf{
    .name = "conf", .about = "of ucb1: 2 as proved, .5 for practice", .preset = "2", .low = 1e-6, .high = 1e6};

LinUcbOptions linear(const PolicySetup& setup, Exploration exploration) {
  return {.arms = count_of(setup, "arms"),
          .dimension = count_of(setup, "dimension"),
          .alpha = exploration == Exploration::kOptimism ? number_of(setup, "alpha") : 0,
          .ridge = number_of(setup, "ridge"),
          .shared = flag_of(setup, "shared"),
          .intercept = flag_of(setup, "intercept"),
          .exploration = exploration};
}

struct LinUcbBandit {
  static constexpr std::string_view kName = "lin-ucb", kSlug = "bandits";
  static constexpr std::string_view kAbout = "rewards linear in features, with optimism where the features are new";
  static std::span<const PolicyParameter> parameters() {
    static constexpr std::array kOwn{
        kDimension, kShared, kIntercept,
        PolicyParameter{.name = "alpha", .about = "width of the bounds", .preset = "1", .low = 0, .high = 1e6}, kRidge};
    return kOwn;
  }
  static Made make(const PolicySetup& setup) { return as_learner(LinUcb::make(linear(setup, Exploration::kOptimism))); }
};

struct OracleEpsilonGreedyBandit {
  static constexpr std::string_view kName = "oracle-epsilon-greedy", kSlug = "bandits";
  static constexpr std::string_view kAbout = "mostly the best arm of a ridge regression, now and then any";
  static std::span<const PolicyParameter> parameters() {
    static constexpr std::array kOwn{kDimension, kShared, kIntercept, kRidge};
    return kOwn;
  }
  static Made make(const PolicySetup& setup) { return as_learner(LinUcb::make(linear(setup, Exploration::kDecaying))); }
};

struct OracleExploreFirstBandit {
  static constexpr std::string_view kName = "oracle-explore-first", kSlug = "bandits";
  static constexpr std::string_view kAbout = "any arm at first, then the best of a ridge regression; needs the horizon";
  static std::span<const PolicyParameter> parameters() { return OracleEpsilonGreedyBandit::parameters(); }
  static Made make(const PolicySetup& setup) {
    LinUcbOptions options = linear(setup, Exploration::kFirst);
    const auto rounds = static_cast<double>(setup.horizon);
    if (setup.horizon < 2) return invalid_argument("horizon: must be at least 2 rounds for this learner");
    // Linear policies of d weights: about (T)^d that differ.
    options.explore = oracle_exploration(rounds, static_cast<double>(options.arms),
                                         static_cast<double>(options.dimension) * std::log(rounds));
    return as_learner(LinUcb::make(options));
  }
};

Made per_context(const PolicySetup& setup, PerContextOptions options) {
  const std::size_t arms = count_of(setup, "arms");
  const std::string_view learner = text_of(setup, "learner");
  return as_learner(PerContext::make(options, [&]() -> Made {
    if (learner == "thompson") return as_learner(ThompsonBeta::make({.arms = arms}));
    if (learner == "epsilon-greedy") return as_learner(EpsilonGreedy::make({.arms = arms}));
    return as_learner(Ucb1::make({.arms = arms, .horizon = setup.horizon, .conf = number_of(setup, "conf")}));
  }));
}

struct PerContextBandit {
  static constexpr std::string_view kName = "per-context", kSlug = "bandits";
  static constexpr std::string_view kAbout = "one learner for each type of request; the context is the type";
  static std::span<const PolicyParameter> parameters() {
    static constexpr std::array kOwn{PolicyParameter{.name = "contexts",
                                                     .about = "types of requests, 0 to contexts - 1",
                                                     .kind = ParameterKind::kInteger,
                                                     .low = 1,
                                                     .high = 1 << 20},
                                     kLearner, kConf};
    return kOwn;
  }
  static Made make(const PolicySetup& setup) { return per_context(setup, {.contexts = count_of(setup, "contexts")}); }
};

struct LipschitzContextBandit {
  static constexpr std::string_view kName = "lipschitz-context", kSlug = "bandits";
  static constexpr std::string_view kAbout = "one learner for each bin of a context in [0, 1]; needs the horizon";
  static std::span<const PolicyParameter> parameters() {
    static constexpr std::array kOwn{PolicyParameter{.name = "lipschitz",
                                                     .about = "means change by at most this for the whole of [0, 1]",
                                                     .preset = "1",
                                                     .low = 1e-6,
                                                     .high = 1e6},
                                     kLearner, kConf};
    return kOwn;
  }
  static Made make(const PolicySetup& setup) {
    if (setup.horizon < 2) return invalid_argument("horizon: must be at least 2 rounds for this learner");
    return per_context(setup, {.contexts = lipschitz_bins(static_cast<double>(setup.horizon), number_of(setup, "arms"),
                                                          number_of(setup, "lipschitz")),
                               .binned = true});
  }
};

}  // namespace

PolicyTable contextual_policies() {
  static const std::vector<PolicyEntry> table{bandit_entry<LinUcbBandit>(), bandit_entry<OracleEpsilonGreedyBandit>(),
                                              bandit_entry<OracleExploreFirstBandit>(),
                                              bandit_entry<PerContextBandit>(), bandit_entry<LipschitzContextBandit>()};
  return table;
}

}  // namespace bursar::explore
