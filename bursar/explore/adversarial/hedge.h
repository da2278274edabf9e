// Chooses among experts whose costs are all seen afterwards, and does little worse than the best of them in hindsight.
//
//   Hedge hedge = Hedge::create(10, hedge_rate({.experts = 10, .rounds = 10'000})).value();
//   std::size_t e = hedge.draw(random);          // with the probabilities hedge.probabilities()
//   auto ok = hedge.learn(costs);                // [experts]: what each would have cost, in [0, 1]
//   double regret = hedge.expected_cost() - hedge.best_cost();
//
// p(e) ~ w(e), w(e) = (1 - eps)^(cost of e so far). Costs may be chosen by an adversary who knows the algorithm and the
// past, not the draws to come: with T rounds, and the best expert's cost at most u T, E R <= 2 sqrt(u T ln K) at
// eps = sqrt(ln K / (u T)). Where only E sum_e p(e) c(e)^2 <= u is known (fake costs), eps = sqrt(ln K / (3 u T)) and
// E R <= 2 sqrt(3 u T ln K). Weights live as sums of costs less the least one, so they neither vanish nor overflow, and
// a constant added to all costs of a round changes nothing. Each call O(experts). Deterministic. systems/bandits, 11.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/core/result.h"

namespace bursar::explore {

struct HedgePlan {
  std::size_t experts = 1;
  std::uint64_t rounds = 1;
  double share = 1;            // u: the best expert's cost per round is at most that; or of the second moment below
  bool second_moment = false;  // u bounds E sum p c^2 alone, as for fake costs
};
[[nodiscard]] double hedge_rate(const HedgePlan& plan);  // eps, held to at most 1/2
// Of the expected regret at a rate, in units of cost: eps u T + ln K / eps, or 3 eps u T + ln K / eps; the figures
// above at the rate above.
[[nodiscard]] double hedge_bound(const HedgePlan& plan, double rate);

class Hedge {
 public:
  // rate in [0, 1). cost_max: the largest cost that learn() takes; infinity for fake costs. Errors: kInvalidArgument.
  [[nodiscard]] static Result<Hedge> create(std::size_t experts, double rate, double cost_max = 1);

  [[nodiscard]] std::size_t size() const { return costs_.size(); }
  [[nodiscard]] double rate() const { return rate_; }
  [[nodiscard]] std::span<const double> probabilities() const { return probabilities_; }  // sum 1; until learn()
  [[nodiscard]] std::size_t draw(RandomStream& random) const;

  // Errors, state unchanged: kInvalidArgument for a wrong number of costs, and a cost outside [0, cost_max] or NaN.
  Result<void> learn(std::span<const double> costs);
  // learn() of a cost for one expert and none for the others: what importance weighting gives.
  Result<void> learn_one(std::size_t expert, double cost);

  [[nodiscard]] std::span<const double> costs() const { return costs_; }  // of each expert so far
  [[nodiscard]] double expected_cost() const { return expected_cost_; }   // sum over rounds of p . c
  [[nodiscard]] double best_cost() const;                                 // of the best expert in hindsight
  [[nodiscard]] std::uint64_t rounds() const { return rounds_; }

  // Exact: what was created with the same arguments goes on after load(save()) as this one would. Errors, state
  // unchanged: kCorrupt naming the member.
  [[nodiscard]] boost::json::object save() const;
  [[nodiscard]] Result<void> load(const boost::json::object& saved);

 private:
  Hedge(std::size_t experts, double rate, double cost_max);
  [[nodiscard]] Result<void> check(std::size_t expert, double cost) const;
  void refresh();  // probabilities_ from costs_

  double rate_, cost_max_;
  std::vector<double> costs_, probabilities_;
  double expected_cost_ = 0;
  std::uint64_t rounds_ = 0;
};

// The first index whose share of the sum lies past u, for u in [0, 1): draws from weights that sum to `total`. Never an
// index of weight 0 while one is positive.
[[nodiscard]] std::size_t index_at(std::span<const double> weights, double total, double u);

}  // namespace bursar::explore
