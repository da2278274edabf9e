// Exponential weights of many arms of which one changes at a time: draws in O(log arms) instead of O(arms).
//
//   ArmWeights weights = ArmWeights::create(1'000'000, .001).value();
//   std::size_t arm = weights.draw(random);
//   double p = weights.probability(arm);
//   weights.add(arm, cost / p);                 // w(arm) *= exp(-rate * cost / p)
//
// p(a) = exp(-rate L(a)) / sum over all arms, L(a) the costs added so far. A binary tree of sums, each the sum of its
// two children and nothing else, so that it is a function of L and the base alone; the base follows the least L when
// all weights have become small. draw, add and probability O(log arms), or O(arms) when the base moves, which at a cost
// of c / p a round is rare. Memory 24 … 40 bytes an arm. systems/bandits, 12 to 14.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <span>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/core/result.h"

namespace bursar::explore {

class ArmWeights {
 public:
  // arms from 1 to kMostArms, rate >= 0. Errors: kInvalidArgument.
  [[nodiscard]] static Result<ArmWeights> create(std::size_t arms, double rate);

  [[nodiscard]] std::size_t size() const { return losses_.size(); }
  [[nodiscard]] double rate() const { return rate_; }
  [[nodiscard]] double probability(std::size_t arm) const;
  [[nodiscard]] std::size_t draw(RandomStream& random) const;
  // cost finite and >= 0, arm < size(): what is not is kInvalidArgument, state unchanged.
  Result<void> add(std::size_t arm, double cost);
  [[nodiscard]] std::span<const double> losses() const { return losses_; }  // L

  [[nodiscard]] boost::json::object save() const;
  [[nodiscard]] Result<void> load(const boost::json::object& saved);  // of as many arms; kCorrupt, state unchanged

 private:
  ArmWeights(std::size_t arms, double rate);
  void rebuild();  // the whole tree, from losses_ and base_
  [[nodiscard]] double weight(std::size_t arm) const;

  double rate_, base_ = 0;
  std::size_t leaves_;  // a power of two
  std::vector<double> losses_;
  std::vector<double> sums_;  // [2 x leaves]: node n has the children 2n and 2n + 1; the root is 1
};

}  // namespace bursar::explore
