// Explore first, then commit: every arm N times, and then the one with the best mean for ever.
//
//   auto learner = ExploreFirst::make({.arms = 10, .horizon = 20'000});       // N = ceil((T/K)^(2/3) (ln T)^(1/3))
//
// Choose it where exploring has to end at a known time (a launch, a review); ucb1.h and thompson.h lose less. Feedback
// that arrives after the commitment no longer changes it. Where the arm is closed, the best open one is taken.
// Regret: E R(T) <= N K + 2 T sqrt(2 ln T / N) + 2, with N as above T^(2/3) O(K ln T)^(1/3). Source:
// systems/bandits, 1.
#pragma once

#include <memory>
#include <optional>

#include "bursar/explore/arm_table.h"
#include "bursar/explore/bandit.h"

namespace bursar::explore {

struct ExploreFirstOptions {
  std::size_t arms = 0;
  std::uint64_t horizon = 0;  // rounds; >= 2
  std::uint64_t each = 0;     // N; 0: as above
};

class ExploreFirst final : public Learner {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ExploreFirst>> make(const ExploreFirstOptions& options);

  [[nodiscard]] std::size_t arms() const override { return table_.arms(); }
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  void forget(const Pick& pick) override { table_.forget(*pick.arm); }
  [[nodiscard]] std::vector<Belief> beliefs() const override;
  [[nodiscard]] std::optional<double> regret_bound(double rounds) const override;
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

  [[nodiscard]] std::uint64_t each() const { return each_; }  // N
  [[nodiscard]] std::optional<Arm> committed() const { return committed_; }

 private:
  ExploreFirst(const ExploreFirstOptions& options, std::uint64_t each)
      : options_(options), each_(each), table_(options.arms) {}

  ExploreFirstOptions options_;
  std::uint64_t each_;
  ArmTable table_;
  std::uint64_t round_ = 0;
  std::optional<Arm> committed_;
};

}  // namespace bursar::explore
