// Successive elimination: all arms in turn, and those that are surely worse drop out.
//
//   auto learner = SuccessiveElimination::make({.arms = 10, .horizon = 20'000});
//
// A phase picks each active arm once; then a drops out if m(a) + rad(a) < m(b) - rad(b) for some active b, rad(a) =
// sqrt(conf ln T / n(a)) over the rewards that came. Choose it where arms have to leave for good (variants of a test),
// and best_arm/fixed_confidence.h where the answer matters and not the rewards on the way. An arm that is closed in its
// turn is passed over; where all active ones are closed, the best open one is taken. pick O(1) amortised over a phase
// of O(arms). Regret (conf >= 2): E R(T) <= 4 sqrt(conf K T ln T) + K + 2, and O(ln T) sum 1/gap.
// Source: systems/bandits, 3.
#pragma once

#include <memory>

#include "bursar/explore/arm_table.h"
#include "bursar/explore/bandit.h"

namespace bursar::explore {

struct SuccessiveEliminationOptions {
  std::size_t arms = 0;
  std::uint64_t horizon = 0;  // rounds; >= 2
  double conf = 2;            // > 0
};

class SuccessiveElimination final : public Learner {
 public:
  [[nodiscard]] static Result<std::unique_ptr<SuccessiveElimination>> make(const SuccessiveEliminationOptions& options);

  [[nodiscard]] std::size_t arms() const override { return table_.arms(); }
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  void forget(const Pick& pick) override { table_.forget(*pick.arm); }
  [[nodiscard]] std::vector<Belief> beliefs() const override { return table_.beliefs(radius_); }
  [[nodiscard]] std::optional<double> regret_bound(double rounds) const override;
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

  [[nodiscard]] std::span<const Arm> active() const { return active_; }

 private:
  explicit SuccessiveElimination(const SuccessiveEliminationOptions& options);
  void eliminate();

  SuccessiveEliminationOptions options_;
  ArmTable table_;
  double radius_;  // sqrt(conf ln T)
  std::vector<Arm> active_;
  std::size_t turn_ = 0;  // into active_
};

}  // namespace bursar::explore
