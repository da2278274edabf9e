// Bandits against an adversary: exponential weights on importance-weighted costs, of which only the chosen arm's is
// seen.
//
//   auto bandit = Bandit::make({.seed = 1}, Exp3::make(exp3_ix(10, 20'000)).value());   // or exp3(10, 20'000)
//   Choice choice = bandit->choose().value();              // choice.propensity = p(arm)
//   auto ok = bandit->learn(choice.id, {.reward = .8});    // with the propensity of then, however late
//
// Cost c = 1 - reward. p(a) = (1 - gamma) w(a) / sum w + gamma / K; after a cost w(a) *= exp(-rate c / (p(a) + g)).
//  - exp3: g = 0, (1 - eps)^chat with eps = sqrt(ln K / (3 K T)) (rate = -ln(1 - eps)); E R <= 2 sqrt(3 K T ln K). The
//    fake cost has the true cost as its mean, and a variance that explodes where p is small.
//  - exp3_ix, implicit exploration: g = rate / 2, rate = sqrt(2 ln K / (K T)). With probability 1 - delta
//    R <= 2 sqrt(2 K T ln K) + (sqrt(2 K T / ln K) + 1) ln(2 / delta), and better than exp3 on average. Prefer it.
// Choose these where rewards may drift, or answer to what you do; for stationary ones stochastic/ is far better. The
// horizon T must be known (doubling.h where it is not). Closed arms: the weights of the others, scaled up. pick and
// update O(log K) (O(K) with closed arms). Source: systems/bandits, 13 and 14; Neu 2015 for exp3_ix.
#pragma once

#include <cstdint>
#include <memory>

#include "bursar/explore/adversarial/arm_weights.h"
#include "bursar/explore/adversarial/reward_means.h"
#include "bursar/explore/bandit.h"

namespace bursar::explore {

struct Exp3Options {
  std::size_t arms = 0;
  double rate = 0;         // >= 0
  double exploration = 0;  // gamma, in [0, 1]: rounds at random
  double implicit = 0;     // g, >= 0
};
[[nodiscard]] Exp3Options exp3(std::size_t arms, std::uint64_t horizon);
[[nodiscard]] Exp3Options exp3_ix(std::size_t arms, std::uint64_t horizon);

// Of R for exp3_ix at its rate over its horizon, with probability 1 - delta.
[[nodiscard]] double exp3_ix_bound(std::size_t arms, double rounds, double delta);

class Exp3 final : public Learner {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Exp3>> make(const Exp3Options& options);

  [[nodiscard]] double probability(std::size_t arm) const;  // of the next pick, where no arm is closed
  [[nodiscard]] const ArmWeights& weights() const { return weights_; }

  [[nodiscard]] std::size_t arms() const override { return weights_.size(); }
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  [[nodiscard]] std::vector<Belief> beliefs() const override { return means_.beliefs(); }
  // At the rate that it has: 3 eps K T + ln K / eps for exp3, plus T gamma; the bound above, integrated over delta, for
  // exp3_ix; none for other g.
  [[nodiscard]] std::optional<double> regret_bound(double rounds) const override;
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

 private:
  Exp3(const Exp3Options& options, ArmWeights weights)
      : options_(options), weights_(std::move(weights)), means_(options.arms) {}

  Exp3Options options_;
  ArmWeights weights_;
  RewardMeans means_;
};

}  // namespace bursar::explore
