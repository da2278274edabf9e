#include <array>
#include <vector>

#include "bursar/explore/bandit_policy.h"
#include "bursar/explore/knapsack/knapsack_bandit.h"
#include "bursar/explore/policies.h"

namespace bursar::explore {
namespace {

using Made = Result<std::unique_ptr<Learner>>;

constexpr PolicyParameter kConf{
    .name = "conf", .about = "width of the confidence bounds; 0: the rule's own", .preset = "0", .low = 0, .high = 1e6};

KnapsackOptions options_of(const PolicySetup& setup, KnapsackRule rule) {
  return {.arms = count_of(setup, "arms"),
          .budget = setup.budget,
          .most = numbers_of(setup, "most"),
          .horizon = setup.horizon,
          .rule = rule,
          .conf = number_of(setup, "conf")};
}

struct PrimalDualBandit {
  static constexpr std::string_view kName = "primal-dual-bwk", kSlug = "bandits";
  static constexpr std::string_view kAbout =
      "the most reward per priced cost, both learned; prices make the budget last; needs the horizon and most";
  static std::span<const PolicyParameter> parameters() {
    static constexpr std::array kOwn{kConf};
    return kOwn;
  }
  static Made make(const PolicySetup& setup) {
    return as_learner(KnapsackBandit::make(options_of(setup, KnapsackRule::kPrimalDual)));
  }
};

struct UcbBandit {
  static constexpr std::string_view kName = "ucb-bwk", kSlug = "bandits";
  static constexpr std::string_view kAbout =
      "the best mix of arms under the budget, at optimistic rewards and costs; "
      "may rest; needs the horizon and most";
  static std::span<const PolicyParameter> parameters() {
    static constexpr std::array kOwn{kConf, PolicyParameter{.name = "shrink",
                                                            .about = "share of the budget that is kept back; negative: "
                                                                     "sqrt(arms / budget)",
                                                            .preset = "-1",
                                                            .low = -1,
                                                            .high = .99}};
    return kOwn;
  }
  static Made make(const PolicySetup& setup) {
    KnapsackOptions options = options_of(setup, KnapsackRule::kUcb);
    options.shrink = number_of(setup, "shrink");
    return as_learner(KnapsackBandit::make(options));
  }
};

struct EliminationBandit {
  static constexpr std::string_view kName = "elimination-bwk", kSlug = "bandits";
  static constexpr std::string_view kAbout =
      "mixes of arms that could still be the best under the budget; explores evenly; needs the horizon and most";
  static std::span<const PolicyParameter> parameters() { return PrimalDualBandit::parameters(); }
  static Made make(const PolicySetup& setup) {
    return as_learner(KnapsackBandit::make(options_of(setup, KnapsackRule::kElimination)));
  }
};

}  // namespace

PolicyTable knapsack_policies() {
  static const std::vector<PolicyEntry> table{bandit_entry<PrimalDualBandit>(), bandit_entry<UcbBandit>(),
                                              bandit_entry<EliminationBandit>()};
  return table;
}

}  // namespace bursar::explore
