// One learner for each kind of request, so that each kind finds its own best arm.
//
//   auto make = [] { return as_learner(Ucb1::make({.arms = 3, .horizon = 10'000})); };
//   auto by_type = PerContext::make({.contexts = 5}, make);                      // context: one whole number, 0 to 4
//   auto by_value = PerContext::make({.contexts = lipschitz_bins(1e4, 3, 1), .binned = true}, make);   // in [0, 1]
//
// Types: regret of one learner on each, for UCB1 O(sqrt(K T |X| ln T)). Binned: [0, 1] is cut into bins of width
// eps = (T / (K ln T))^(-1/3) L^(-2/3), where means change by at most L |x - x'|: E R <= O(T^(2/3) (L K ln T)^(1/3)).
// Choose lin_ucb.h where features are many. pick and update as of one learner. Source: systems/bandits, 19 and 20.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "bursar/explore/bandit.h"

namespace bursar::explore {

struct PerContextOptions {
  std::size_t contexts = 0;  // 1 to 2^20
  bool binned = false;       // the context is a number in [0, 1] rather than a type
};

class PerContext final : public Learner {
 public:
  using Make = std::function<Result<std::unique_ptr<Learner>>()>;
  // Calls `make` once a context.
  [[nodiscard]] static Result<std::unique_ptr<PerContext>> make(const PerContextOptions& options, const Make& make);

  [[nodiscard]] std::size_t arms() const override { return learners_[0]->arms(); }
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  void forget(const Pick& pick) override;
  // Of all contexts together, weighted by their pulls; bounds are those averages.
  [[nodiscard]] std::vector<Belief> beliefs() const override;
  [[nodiscard]] std::optional<double> regret_bound(double rounds) const override;
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

  [[nodiscard]] const Learner& learner(std::size_t context) const { return *learners_[context]; }

 private:
  PerContext(const PerContextOptions& options, std::vector<std::unique_ptr<Learner>> learners);
  [[nodiscard]] Result<std::size_t> place(const Question& question) const;
  [[nodiscard]] Learner* of(const Pick& pick);
  [[nodiscard]] static Pick inner(const Pick& pick);  // as the learner of its context made it

  PerContextOptions options_;
  std::vector<std::unique_ptr<Learner>> learners_;
};

[[nodiscard]] std::size_t lipschitz_bins(double rounds, double arms, double lipschitz);

}  // namespace bursar::explore
