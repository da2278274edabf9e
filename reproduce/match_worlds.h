// Streams of slots in blocks of equal slots, and what a rule earns on them: for the reproduction of
// systems/stochastic-balance.
//
//   SlotBlocks hard = upper_triangular(10, .02);
//   double earned = mean_earned(hard, {.rule = admit::GoalRule::kBalance}, /*runs=*/1000, random);
#pragma once

#include <cstddef>
#include <vector>

#include "bursar/admit/matching/goal_matcher.h"
#include "bursar/admit/matching/match_instance.h"
#include "bursar/core/random.h"

namespace bursar::reproduce {

struct SlotBlock {
  std::size_t slots = 0;
  std::vector<admit::MatchEdge> edges;
};

struct SlotBlocks {
  std::vector<double> weight;
  std::vector<SlotBlock> blocks;
};

[[nodiscard]] admit::MatchInstance instance_of(const SlotBlocks& world);

// Block k of n brings 1/p slots of probability p, each compatible with goals k … n. The matching LP is n.
[[nodiscard]] SlotBlocks upper_triangular(std::size_t goals, double p);
// The same, where goals that are needed in a later block have 1.2 times the probability.
[[nodiscard]] SlotBlocks later_goals_likelier(std::size_t goals, double p);
// First slots for every goal, then slots of their own for the upper half.
[[nodiscard]] SlotBlocks two_phases(std::size_t goals, double p);
// supply x goals / p slots, each for three goals of its own drawing.
[[nodiscard]] SlotBlocks random_sparse(std::size_t goals, double supply, double p, RandomStream random);
// 60 tickets of three kinds: 400 generalist slots, then 20 bursts of 17 specialist slots for kinds 0 and 1 in turn.
[[nodiscard]] SlotBlocks tickets();

enum class Coins : std::uint8_t {
  kEachTry,    // a try works with its p
  kThreshold,  // a goal succeeds once its load passes a draw of Exp(1): the same for vanishing p
};
// Mean over runs of the weight that succeeded. Rules that draw get a seed of their own each run.
[[nodiscard]] double mean_earned(const SlotBlocks& world, const admit::GoalMatcherOptions& options, std::size_t runs,
                                 const RandomStream& random, Coins coins = Coins::kEachTry);

}  // namespace bursar::reproduce
