// LinUCB: rewards that are linear in features, and optimism about what the features have not shown yet.
//
//   auto learner = LinUcb::make({.arms = 10, .dimension = 5, .alpha = 1});
//   bandit.choose({.context = features});        // [arms x d]: one row for each arm, one theta for all
//   auto apart = LinUcb::make({.arms = 3, .dimension = 5, .shared = false});
//   bandit.choose({.context = x});               // [d]: one row for all, a theta for each arm
//
// Picks argmax theta . x + alpha sqrt(x^T A^-1 x). Choose shared where what an arm is like is in its features (models
// with prices and sizes, prompts with embeddings), and not shared where only the request has features. Features of
// length about 1. With epsilon > 0 or explore > 0 it is the oracle learner of the sheet, where regression stands for
// the oracle: alpha = 0, a uniform arm with probability epsilon(t) or for the first `explore` rounds, and the greedy
// arm of a ridge regression on rewards weighted by 1 / propensity otherwise; every pick carries its propensity.
// pick O(arms d^2 / 2), update O(d^2): 100 arms and d = 64 take about 20 us. Regret O~(d sqrt(T)).
// Source: systems/bandits, 21 and 23.
#pragma once

#include <memory>
#include <vector>

#include "bursar/explore/arm_table.h"
#include "bursar/explore/bandit.h"
#include "bursar/explore/contextual/ridge_model.h"

namespace bursar::explore {

enum class Exploration : std::uint8_t {
  kOptimism,  // LinUCB
  kFirst,     // OracleExploreFirst: uniform for the first `explore` rounds
  kDecaying,  // OracleEpsilonGreedy: uniform with probability min(1, (K ln t / t)^(1/3))
};

struct LinUcbOptions {
  std::size_t arms = 0, dimension = 0;  // dimension 1 to 1024
  double alpha = 1;                     // >= 0
  double ridge = 1;                     // > 0
  bool shared = true;
  bool intercept = true;  // one more weight, of a constant; false: rewards are 0 at features 0
  Exploration exploration = Exploration::kOptimism;
  std::uint64_t explore = 0;  // rounds of kFirst
};

class LinUcb final : public Learner {
 public:
  [[nodiscard]] static Result<std::unique_ptr<LinUcb>> make(const LinUcbOptions& options);

  [[nodiscard]] std::size_t arms() const override { return options_.arms; }
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  // Of each arm's own average, whatever the context, at 95%.
  [[nodiscard]] std::vector<Belief> beliefs() const override;
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

  [[nodiscard]] const RidgeModel& model(std::size_t arm) const { return models_[options_.shared ? 0 : arm]; }

 private:
  explicit LinUcb(const LinUcbOptions& options);
  [[nodiscard]] double exploration() const;  // probability of a uniform arm

  LinUcbOptions options_;
  std::vector<RidgeModel> models_;
  ArmTable averages_;
  std::vector<double> scores_;  // [arms]
  std::uint64_t round_ = 0;
};

// Rounds of OracleExploreFirst: T^(2/3) (K ln(policies T))^(1/3), at most T.
[[nodiscard]] std::uint64_t oracle_exploration(double rounds, double arms, double log_policies);

}  // namespace bursar::explore
