// Bandits with knapsacks as a game: one player picks arms, the other the resource that runs out fastest, and what the
// first is paid falls with the use of the second's resource.
//
//   auto learner = LagrangeBwk::make({.arms = 10, .horizon = 10'000, .budget = {2500}, .most = {1}}).value();
//   auto bandit = Bandit::make({}, std::move(learner));
//   Choice choice = bandit->choose().value();              // no arm: rest, which is free
//   if (choice.arm) auto ok = bandit->learn(choice.id, {.reward = r, .spent = used});      // [resources]
//
// Payoff of arm a and resource i: L(a, i) = r(a) + 1 - (T / B_i) c_i(a); rounds are a resource more, with c = B / T.
// Arms, and resting, are played by exp3_ix on the payoff scaled to [0, 1], against the other's strategy; resources by
// Hedge, who hears of all of them. Both know T and B; regret O(T / B) sqrt(T K ln(d T)) with high probability (order
// only, so no regret_bound()). It assumes nothing of how rewards and uses depend on each other, and pays for that:
// where they come by chance, ucb_bwk.h and primal_dual_bwk.h are better. It does not stop by itself: the caller closes
// arms that no longer fit (bandit_policy.h does), and a use above `most` is learned as `most`. Resting is an arm more
// to learn, a tenth of the regret with ten arms; without it, and with no arm that is within its rate, it prefers what
// uses least to what pays most. prices(): T / B_i times the weight of resource i. pick O(log arms), update O(log arms +
// resources). Source: systems/bandits, 26.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "bursar/explore/adversarial/exp3.h"
#include "bursar/explore/adversarial/hedge.h"
#include "bursar/explore/bandit.h"

namespace bursar::explore {

struct LagrangeBwkOptions {
  std::size_t arms = 0;
  std::uint64_t horizon = 0;   // T >= 1
  std::vector<double> budget;  // B [resources], > 0
  std::vector<double> most;    // [resources], > 0: the most that one round uses
  bool rest = true;            // false where some arm uses no more than B / T, or resting makes no sense
};

class LagrangeBwk final : public Learner {
 public:
  [[nodiscard]] static Result<std::unique_ptr<LagrangeBwk>> make(const LagrangeBwkOptions& options);

  [[nodiscard]] std::size_t arms() const override { return options_.arms; }
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  [[nodiscard]] std::vector<Belief> beliefs() const override { return means_.beliefs(); }
  [[nodiscard]] std::vector<double> prices() const override;
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

 private:
  LagrangeBwk(LagrangeBwkOptions options, std::unique_ptr<Exp3> primal, Hedge dual);
  // Both players learn from one round; `weight` [resources + 1] is the strategy of the time.
  [[nodiscard]] Result<void> learn(const Pick& inner, std::span<const double> weight, const Feedback& feedback,
                                   RandomStream& random);

  LagrangeBwkOptions options_;
  std::unique_ptr<Exp3> primal_;  // arms, and resting as the last
  Hedge dual_;                    // resources, and rounds as the last
  RewardMeans means_;
  double low_;  // of L; the highest is 2
};

}  // namespace bursar::explore
