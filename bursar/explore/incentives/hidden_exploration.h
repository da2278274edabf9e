// Recommends one of two arms to users who come once and follow only what is in their interest, so that both arms get
// tried all the same: exploration hides among recommendations that are good for the user.
//
//   const TwoArms arms{.first = {6, 4}, .second = {4, 6}};
//   auto hidden = HiddenExploration::make({.arms = arms, .warm_up = 20}).value();                  // explores arm 2
//   auto repeated = HiddenExploration::make({.arms = arms, .warm_up = 20}, std::move(ucb1)).value();  // ucb1 explores
//   auto bandit = Bandit::make({.seed = 1}, std::move(repeated));
//
// The first `warm_up` users get arm 1, which they prefer. When all of their rewards have come, each user is recommended
//  - with probability epsilon (an exploration round): arm 2, or what the explorer picks, who learns from these rounds;
//  - otherwise: the arm with the higher posterior mean, given everything that came back.
// Users do not know which of the two they got. Following is in their interest (BIC) for epsilon up to
// tight_exploration() without and safe_exploration() with an explorer, which are the presets; more information later
// only helps, since E[G+] grows. Epsilon above is refused. With an explorer its regret over T rounds is at most 1 /
// epsilon times that over its own epsilon T exploration rounds, beside the warm-up. Choose warm_up by the trade between
// waiting and epsilon: at least samples_needed(arms). Source: systems/bandits, 31 and 32.
#pragma once

#include <memory>

#include "bursar/explore/bandit.h"
#include "bursar/explore/incentives/beta_arms.h"
#include "bursar/explore/incentives/recommendation.h"

namespace bursar::explore {

struct HiddenExplorationOptions {
  TwoArms arms;
  std::uint64_t warm_up = 0;  // at least samples_needed(arms)
  double epsilon = 0;         // 0: the largest that is followed
};

class HiddenExploration final : public Learner {
 public:
  // explorer: of two arms, or none. Errors: kInvalidArgument for arms that do not fit, and for an epsilon that users
  // would not follow; kInfeasible where after warm_up arm 2 cannot look better (no fighting chance).
  [[nodiscard]] static Result<std::unique_ptr<HiddenExploration>> make(const HiddenExplorationOptions& options,
                                                                       std::unique_ptr<Learner> explorer = nullptr);

  [[nodiscard]] double epsilon() const { return epsilon_; }
  [[nodiscard]] std::size_t arms() const override { return 2; }
  // A closed arm is not recommended, and nothing is explored in that round.
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  void forget(const Pick& pick) override;
  [[nodiscard]] std::vector<Belief> beliefs() const override { return table_.beliefs(); }
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

 private:
  HiddenExploration(std::uint64_t warm_up, double epsilon, BetaArms table, std::unique_ptr<Learner> explorer)
      : warm_up_(warm_up), epsilon_(epsilon), table_(std::move(table)), explorer_(std::move(explorer)) {}

  std::uint64_t warm_up_;
  double epsilon_;
  BetaArms table_;
  std::unique_ptr<Learner> explorer_;
};

}  // namespace bursar::explore
