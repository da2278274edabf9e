// Hedge behind the interface of all bandits, where the rewards of all arms come back: prices that were posted
// elsewhere, a log that is replayed, forecasts that all turn out right or wrong.
//
//   auto bandit = Bandit::make({}, HedgeLearner::make({.arms = 10, .horizon = 10'000}).value());
//   Choice choice = bandit->choose().value();
//   auto ok = bandit->learn(choice.id, {.reward = rewards[*choice.arm], .each = rewards});   // [arms]
//
// hedge.h with costs 1 - reward. Closed arms: the weights of the others, scaled up. pick and update O(arms).
// Source: systems/bandits, 11.
#pragma once

#include <memory>

#include "bursar/explore/adversarial/hedge.h"
#include "bursar/explore/bandit.h"

namespace bursar::explore {

struct HedgeLearnerOptions {
  std::size_t arms = 0;
  std::uint64_t horizon = 0;  // >= 1, or a rate
  double share = 1;           // the best arm's cost per round is at most that, in (0, 1]
  double rate = 0;            // eps, in [0, 1); 0: sqrt(ln K / (share x horizon))
};

class HedgeLearner final : public Learner {
 public:
  [[nodiscard]] static Result<std::unique_ptr<HedgeLearner>> make(const HedgeLearnerOptions& options);

  [[nodiscard]] const Hedge& hedge() const { return hedge_; }
  [[nodiscard]] std::size_t arms() const override { return hedge_.size(); }
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  [[nodiscard]] std::vector<Belief> beliefs() const override;
  [[nodiscard]] std::optional<double> regret_bound(double rounds) const override;
  [[nodiscard]] boost::json::object save() const override { return hedge_.save(); }
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override { return hedge_.load(saved); }

 private:
  HedgeLearner(double share, Hedge hedge) : share_(share), hedge_(std::move(hedge)), costs_(hedge_.size()) {}

  double share_;
  Hedge hedge_;
  std::vector<double> costs_;
};

}  // namespace bursar::explore
