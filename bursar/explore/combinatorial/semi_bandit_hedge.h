// Learns which set of atoms (path, basket, chain of tools) to choose when the rewards of the chosen atoms alone come
// back; with the paths of a graph it is online routing.
//
//   auto paths = DagPaths::create(graph).value();                     // or ActionList, TopK
//   auto learner = SemiBanditHedge::make(std::move(paths), {.horizon = 10'000}).value();
//   auto bandit = Bandit::make({.range = {-1, 0}}, std::move(learner));
//   Choice choice = bandit->choose().value();                         // choice.set: the edges, in order
//   auto ok = bandit->learn(choice.id, {.each = minus_delays});       // [set]: a reward each; .reward is not read
//
// Hedge over actions, without listing them: P(action) ~ exp(-rate x sum over its atoms of L(e)), L(e) the sum of
// chat(e) = c(e) / q(e) over the rounds that chose e, q(e) = P(the chosen action contains e). The cost c of an atom in
// [0, 1] is the top of the declared range less its reward: where actions differ in size, declare [-cost, 0], so that an
// atom that costs nothing counts nothing. With d useful atoms, m in the largest action, N actions and
// rate = sqrt(2 ln N / (m d T)):  E R <= sqrt(2 m d T ln N)  [derived; lit: Audibert, Bubeck, Lugosi 2014].
// `exploration` gamma plays a covering action of an atom drawn uniformly instead, at most m gamma T more; off where
// atoms are closed. full = true: the rewards of all atoms come back (`each` [atoms]), costs are exact, and
// rate = sqrt(8 ln N / T) / m,  E R <= m sqrt(T ln N / 2).
// Arms are atoms; Choice.arm is the first of the set, its propensity q of that atom. A closed atom is never chosen; no
// action where all contain one. pick: one weigh() of the space. Source: systems/bandits, 15 and 18.
#pragma once

#include <cstdint>
#include <memory>

#include "bursar/explore/adversarial/reward_means.h"
#include "bursar/explore/bandit.h"
#include "bursar/explore/combinatorial/action_space.h"

namespace bursar::explore {

struct SemiBanditOptions {
  std::uint64_t horizon = 0;  // >= 1, or a rate
  double rate = 0;            // >= 0; 0: the one above
  double exploration = 0;     // gamma, in [0, 1]
  bool full = false;
};

class SemiBanditHedge final : public Learner {
 public:
  // Errors: kInvalidArgument.
  [[nodiscard]] static Result<std::unique_ptr<SemiBanditHedge>> make(std::unique_ptr<ActionSpace> space,
                                                                     const SemiBanditOptions& options);

  [[nodiscard]] const ActionSpace& space() const { return *space_; }
  [[nodiscard]] double rate() const { return rate_; }
  [[nodiscard]] std::vector<double> marginals() const;  // q [atoms] of the next pick, where nothing is closed

  [[nodiscard]] std::size_t arms() const override { return space_->atoms(); }
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  [[nodiscard]] std::vector<Belief> beliefs() const override { return means_.beliefs(); }
  [[nodiscard]] std::optional<double> regret_bound(double rounds) const override;  // in costs of atoms
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

 private:
  SemiBanditHedge(std::unique_ptr<ActionSpace> space, const SemiBanditOptions& options);
  void weigh(const Question& question);  // weights_ and q_
  [[nodiscard]] Result<void> learn_all(const Feedback& feedback);

  std::unique_ptr<ActionSpace> space_;
  SemiBanditOptions options_;
  double rate_;
  std::vector<double> losses_;   // L [atoms]
  std::vector<double> covered_;  // [atoms]: P(a covering action contains it)
  RewardMeans means_;
  std::vector<double> log_weights_, q_;
  ActionWeights weights_;
};

}  // namespace bursar::explore
