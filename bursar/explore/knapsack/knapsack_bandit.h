// Bandits with knapsacks: every choice uses up resources that have to last, and what it earns and uses is learned.
//
//   auto learner = KnapsackBandit::make({.arms = 10, .budget = {5000}, .most = {1}, .horizon = 20'000,
//                                        .rule = KnapsackRule::kPrimalDual});
//   bandit.learn(choice.id, {.reward = sold ? price : 0, .spent = {{sold ? 1.0 : 0.0}}});
//
// Costs are at most `most` of each resource (what exceeds it is learned as `most`), and are scaled so that all budgets
// are alike. BanditPolicy keeps the budget itself: it holds `most` until the outcome comes and closes all arms when
// that no longer fits. Bounds: rad(m, n) = sqrt(conf m ln T / n) + conf ln T / n around each mean, cut to [0, 1].
//   kUcb          plays the best mix (knapsack_mix.h) at the upper bounds of rewards and the lower bounds of costs, for
//                 budgets cut by `shrink`; where the mix is less than 1 it rests for the remainder
//   kPrimalDual   plays the most upper reward per lower cost at prices y, which follow what is used by Hedge
//                 (eps = sqrt(ln(d + 1) / B)); time is one of the resources
//   kElimination  draws an arm, and plays the mix with most of it among those that could still be the best
// kPrimalDual is the cheapest and the best of the three on the sheet's pricing; kUcb has prices with a meaning and
// mixes; kElimination pays for its bound by exploring. OPT - E REW <= O~(sqrt(K OPT) + OPT sqrt(K / B)) for all three.
// Not for prices set by an adversary (lagrange). pick: kPrimalDual O(K d); kUcb one, kElimination two linear programs,
// closed form for kUcb with one resource. Source: systems/bandits, 27 to 29; the way in which kElimination writes
// "could still be the best" as one program is ours.
#pragma once

#include <memory>
#include <vector>

#include "bursar/explore/arm_table.h"
#include "bursar/explore/bandit.h"

namespace bursar::explore {

enum class KnapsackRule : std::uint8_t { kUcb, kPrimalDual, kElimination };

struct KnapsackOptions {
  std::size_t arms = 0;
  std::vector<double> budget;  // [resources], > 0
  std::vector<double> most;    // [resources], > 0: the most that one choice uses
  std::uint64_t horizon = 0;   // rounds that the budget must last; >= 2
  KnapsackRule rule = KnapsackRule::kPrimalDual;
  double conf = 0;     // > 0; 0: the rule's own
  double shrink = -1;  // kUcb: share of the budget that is kept back, in [0, 1); negative: the rule's own
};

class KnapsackBandit final : public Learner {
 public:
  [[nodiscard]] static Result<std::unique_ptr<KnapsackBandit>> make(const KnapsackOptions& options);

  [[nodiscard]] std::size_t arms() const override { return table_.arms(); }
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  // Without `spent` the choice used nothing.
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  void forget(const Pick& pick) override { table_.forget(*pick.arm); }
  [[nodiscard]] std::vector<Belief> beliefs() const override;
  [[nodiscard]] std::vector<double> prices() const override { return prices_; }
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

  // [arms x resources], in the caller's units.
  [[nodiscard]] std::vector<double> mean_costs() const;

 private:
  explicit KnapsackBandit(const KnapsackOptions& options);
  void bounds();  // fills upper_ … from what was learned
  [[nodiscard]] Result<Pick> ucb(const Question& question, RandomStream& random);
  [[nodiscard]] Result<Pick> primal_dual(const Question& question);
  [[nodiscard]] Result<Pick> elimination(const Question& question, RandomStream& random);
  [[nodiscard]] static Pick drawn(const std::vector<double>& mix, const Question& question, RandomStream& random);

  KnapsackOptions options_;
  std::size_t resources_;
  ArmTable table_;
  std::vector<double> cost_;       // [arms x resources]: means, as shares of `most`
  std::vector<double> allowance_;  // [resources]: shares of `most` a round
  double scale_ = 0;               // B: of the tightest budget, in choices that cost `most`
  double log_rounds_;
  std::vector<double> log_price_;  // [resources + 1], time last: Hedge's
  std::vector<double> prices_;     // [resources], reward per the caller's unit
  std::vector<double> reward_up_, reward_down_, cost_up_, cost_down_;
};

}  // namespace bursar::explore
