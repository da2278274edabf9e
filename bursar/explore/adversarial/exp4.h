// Bandits with advice: experts each recommend an arm, and the learner does little worse than the best expert's whole
// record, though it sees the reward of one arm only. An expert may be a rule, a model, or one policy of a class.
//
//   auto bandit = Bandit::make({}, Exp4::make({.arms = 4, .experts = 64, .horizon = 20'000}).value());
//   Choice choice = bandit->choose({.context = advice}).value();   // [experts]: the arm that each recommends
//   auto ok = bandit->learn(choice.id, {.reward = .8});
//
// Hedge over experts on the fake cost c / p(arm) of those who recommended the chosen arm, 0 for the others; p(arm) =
// (1 - gamma) (weight of who recommends it) + gamma / K. eps = sqrt(ln N / (3 K T)), E R <= 2 sqrt(3 K T ln N) against
// the best expert, plus gamma T; gamma 1 / (2 T) or less. Experts whose arm is closed are not heard in that round.
// pick and update O(experts + arms). Feedback may be late: who recommended the arm is kept with the choice, 8 bytes
// each. Source: systems/bandits, 12 and 22.
#pragma once

#include <cstdint>
#include <memory>

#include "bursar/explore/adversarial/hedge.h"
#include "bursar/explore/adversarial/reward_means.h"
#include "bursar/explore/bandit.h"

namespace bursar::explore {

struct Exp4Options {
  std::size_t arms = 0;
  std::size_t experts = 0;    // 0: one an arm, who always recommends it, and no context
  std::uint64_t horizon = 0;  // >= 1
  double rate = 0;            // eps, in [0, 1); 0: the one above
  double exploration = 0;     // gamma, in [0, 1]
};

class Exp4 final : public Learner {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Exp4>> make(const Exp4Options& options);

  [[nodiscard]] const Hedge& experts() const { return hedge_; }
  [[nodiscard]] std::size_t arms() const override { return options_.arms; }
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  [[nodiscard]] std::vector<Belief> beliefs() const override { return means_.beliefs(); }
  [[nodiscard]] std::optional<double> regret_bound(double rounds) const override;  // against the best expert
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

 private:
  [[nodiscard]] Result<void> check(std::span<const double> advice) const;
  Exp4(const Exp4Options& options, Hedge hedge);

  Exp4Options options_;
  Hedge hedge_;
  RewardMeans means_;
  std::vector<double> constant_;  // [experts], where they are constant
  std::vector<double> costs_;     // [experts]: of one update
};

}  // namespace bursar::explore
