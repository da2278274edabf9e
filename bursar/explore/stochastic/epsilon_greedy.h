// Epsilon-greedy: mostly the arm with the best mean, and now and then any arm.
//
//   auto learner = EpsilonGreedy::make({.arms = 10});          // eps_t = min(1, (K ln t / t)^(1/3))
//   auto fixed = EpsilonGreedy::make({.arms = 10, .epsilon = .05});
//
// Every pick carries its propensity, eps/K or 1 - eps + eps/K, so that the log serves off_policy.h: choose it where
// that matters more than regret. An arm that was never picked goes before the best. pick O(arms), update O(1).
// Regret: E R(t) <= t^(2/3) O(K ln t)^(1/3) for every t, with eps_t as above. Source: systems/bandits, 2.
#pragma once

#include <memory>

#include "bursar/explore/arm_table.h"
#include "bursar/explore/bandit.h"

namespace bursar::explore {

struct EpsilonGreedyOptions {
  std::size_t arms = 0;
  double epsilon = 0;  // in [0, 1]; 0: eps_t as above
};

class EpsilonGreedy final : public Learner {
 public:
  [[nodiscard]] static Result<std::unique_ptr<EpsilonGreedy>> make(const EpsilonGreedyOptions& options);

  [[nodiscard]] std::size_t arms() const override { return table_.arms(); }
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  void forget(const Pick& pick) override { table_.forget(*pick.arm); }
  [[nodiscard]] std::vector<Belief> beliefs() const override;
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

 private:
  explicit EpsilonGreedy(const EpsilonGreedyOptions& options) : options_(options), table_(options.arms) {}

  EpsilonGreedyOptions options_;
  ArmTable table_;
  std::uint64_t round_ = 0;
};

// min(1, (K ln t / t)^(1/3)), t >= 1.
[[nodiscard]] double exploration_rate(double t, double arms);
// One of the open arms, each alike; absent where all are closed.
[[nodiscard]] std::optional<Arm> any_open(std::size_t arms, const Question& question, RandomStream& random);
[[nodiscard]] std::size_t count_open(std::size_t arms, const Question& question);

}  // namespace bursar::explore
