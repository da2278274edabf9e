// UCB1: optimism under uncertainty. Every arm once, then the one with the highest upper confidence bound.
//
//   auto bandit = Bandit::make({.seed = 1}, Ucb1::make({.arms = 10, .horizon = 20'000}).value());
//
// Picks argmax m(a) + rad(a), rad(a) = sqrt(conf ln T / n(a)). conf 2 is the theorem's; .5 works better in practice.
// Without a horizon T is the round t: the anytime form. Choose it for stationary rewards, when a bound must hold on
// every instance; thompson.h is better on average. pick O(arms), update O(1).
// Regret (conf >= 2): E R(T) <= 2 sqrt(conf K T ln T) + K + 2, and O(ln T) sum 1/gap. Source: systems/bandits, 4.
#pragma once

#include <memory>

#include "bursar/explore/arm_table.h"
#include "bursar/explore/bandit.h"

namespace bursar::explore {

struct Ucb1Options {
  std::size_t arms = 0;
  std::uint64_t horizon = 0;  // rounds; 0: not known
  double conf = 2;            // > 0
};

class Ucb1 final : public Learner {
 public:
  // kInvalidArgument for no arms and for conf that is not positive.
  [[nodiscard]] static Result<std::unique_ptr<Ucb1>> make(const Ucb1Options& options);

  [[nodiscard]] std::size_t arms() const override { return table_.arms(); }
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  void forget(const Pick& pick) override { table_.forget(*pick.arm); }
  [[nodiscard]] std::vector<Belief> beliefs() const override { return table_.beliefs(radius()); }
  [[nodiscard]] std::optional<double> regret_bound(double rounds) const override;
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

 private:
  explicit Ucb1(const Ucb1Options& options) : options_(options), table_(options.arms) {}
  [[nodiscard]] double radius() const;  // sqrt(conf ln T)

  Ucb1Options options_;
  ArmTable table_;
  std::uint64_t round_ = 0;  // picks so far
};

}  // namespace bursar::explore
