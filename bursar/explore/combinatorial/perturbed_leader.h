// Follow the perturbed leader: plays the action that would have been best so far, up to fresh noise, and so needs no
// more of a combinatorial problem than its optimiser (a shortest path, a matching, the top k).
//
//   auto learner = Fpl::make(std::move(paths), {.horizon = 10'000}).value();          // rewards of all atoms come back
//   auto partial = SemiBanditFpl::make(std::move(paths), {.horizon = 10'000}).value();  // those of the chosen set
//
// Plays best(v - noise), v the cumulative costs of atoms (c = 1 - reward, in [0, 1]; see semi_bandit_hedge.h for sets
// of several sizes), noise uniform in [0, noise_max]^d. d useful atoms, m in the largest action, T rounds:
//  - Fpl: E R <= m noise_max + m d T / noise_max; 2 m sqrt(d T) at noise_max = sqrt(d T), the preset. Where costs come
//    by chance less noise is better (the sheet's experiment has sqrt(T / d)), at a worse bound.
//  - SemiBanditFpl: with probability gamma plays an action that covers a uniformly drawn atom e, whose fake cost is
//    c(e) d / gamma; other rounds teach nothing. E R <= m gamma T + m noise_max + d^2 T / (gamma noise_max) [derived]:
//    3 (m d T)^(2/3) at gamma = (d^2 / (m T))^(1/3), noise_max = d sqrt(T / (gamma m)), the presets; the book shows
//    T^(3/4).
// Both hold against costs that do not answer to the choices (an oblivious adversary). pick: one best(). Closed atoms as
// in semi_bandit_hedge.h. Source: systems/bandits, 16 and 17.
#pragma once

#include <cstdint>
#include <memory>

#include "bursar/explore/adversarial/reward_means.h"
#include "bursar/explore/bandit.h"
#include "bursar/explore/combinatorial/action_space.h"

namespace bursar::explore {

struct FplOptions {
  std::uint64_t horizon = 0;  // >= 1, or noise_max (and gamma)
  double noise_max = 0;       // >= 0, in costs; 0: the preset
  double exploration = 0;     // gamma, in [0, 1], of SemiBanditFpl; 0: the preset
};

// What both share: costs so far, the noisy leader, saving.
class PerturbedLeader : public Learner {
 public:
  [[nodiscard]] const ActionSpace& space() const { return *space_; }
  [[nodiscard]] std::size_t arms() const override { return space_->atoms(); }
  [[nodiscard]] std::vector<Belief> beliefs() const override { return means_.beliefs(); }
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

 protected:
  PerturbedLeader(std::unique_ptr<ActionSpace> space, double noise_max);
  [[nodiscard]] Pick lead(const Question& question, RandomStream& random) const;
  void add(std::size_t atom, double cost, double reward);

  std::unique_ptr<ActionSpace> space_;
  double noise_max_;
  std::vector<double> costs_;  // v
  RewardMeans means_;
};

class Fpl final : public PerturbedLeader {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Fpl>> make(std::unique_ptr<ActionSpace> space, const FplOptions& options);
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  [[nodiscard]] std::optional<double> regret_bound(double rounds) const override;

 private:
  using PerturbedLeader::PerturbedLeader;
};

class SemiBanditFpl final : public PerturbedLeader {
 public:
  [[nodiscard]] static Result<std::unique_ptr<SemiBanditFpl>> make(std::unique_ptr<ActionSpace> space,
                                                                   const FplOptions& options);
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  [[nodiscard]] std::optional<double> regret_bound(double rounds) const override;

 private:
  SemiBanditFpl(std::unique_ptr<ActionSpace> space, double noise_max, double exploration)
      : PerturbedLeader(std::move(space), noise_max), exploration_(exploration) {}
  double exploration_;
};

}  // namespace bursar::explore
