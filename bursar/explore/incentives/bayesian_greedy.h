// What users do who know what the platform knows: each takes the arm with the highest posterior mean. Optimal for each,
// and often it never tries an arm that would have been better; the baseline that incentivised exploration must beat.
//
//   auto bandit = Bandit::make({}, BayesianGreedy::make({.priors = {{6, 4}, {4, 6}}}).value());
//
// Beta priors; a reward r in [0, 1] counts as r successes and 1 - r failures (exact for 0 and 1). Ties go to the first
// arm. Two arms with prior means m1 > m2: arm 2 is never tried with probability at least m1 - m2, however long it runs
// (recommendation.h has the exact figure). pick O(arms). Source: systems/bandits, 30.
#pragma once

#include <memory>
#include <vector>

#include "bursar/explore/bandit.h"
#include "bursar/explore/incentives/beta_arms.h"

namespace bursar::explore {

struct BayesianGreedyOptions {
  std::vector<BetaPrior> priors;  // [arms]
};

class BayesianGreedy final : public Learner {
 public:
  [[nodiscard]] static Result<std::unique_ptr<BayesianGreedy>> make(const BayesianGreedyOptions& options);

  [[nodiscard]] std::size_t arms() const override { return table_.arms(); }
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  [[nodiscard]] std::vector<Belief> beliefs() const override { return table_.beliefs(); }
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

 private:
  explicit BayesianGreedy(BetaArms table) : table_(std::move(table)) {}
  BetaArms table_;
};

}  // namespace bursar::explore
