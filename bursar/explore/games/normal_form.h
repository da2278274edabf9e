// Any number of players who each learn with Hedge: what they play together approaches a coarse correlated equilibrium.
//
//   NormalForm chicken{.actions = {2, 2}, .cost = {{1, .4, .1, .3}, {1, .1, .4, .3}}};   // joint actions row-major
//   JointPlay play = no_regret_play(chicken, {.rounds = 10'000}).value();
//   play.joint;       // [joint actions]: the average of the products of strategies
//   play.gap;         // the most that one player saves by one fixed action instead, at most max regret / rounds
//
// Joint action (a_1, …, a_n) stands at ((a_1 x actions_2) + a_2) x actions_3 + …. A coarse correlated equilibrium is a
// distribution over joint actions that nobody leaves for a fixed action before the draw. O(rounds x players x joint
// actions). Deterministic. Source: systems/bandits, 25.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::explore {

struct NormalForm {
  std::vector<std::size_t> actions;       // [players], each >= 1
  std::vector<std::vector<double>> cost;  // [players][joint actions], finite: what each wants little of
};
inline constexpr std::size_t kMostJointActions = std::size_t{1} << 20;

struct JointPlayOptions {
  std::uint64_t rounds = 1000;             // >= 1
  std::vector<double> rate = {};           // [players] or empty; 0: sqrt(ln actions / rounds)
  std::vector<std::vector<double>> start;  // [players][actions] first strategies, weights > 0; empty: uniform
};

struct JointPlay {
  std::vector<double> joint;   // [joint actions], sums to 1
  std::vector<double> cost;    // [players]: mean of a round
  std::vector<double> regret;  // [players]: over all rounds, against the best fixed action
  double gap = 0;              // max over players of regret / rounds, at least 0
};

// Errors: kInvalidArgument for sizes that do not fit, and numbers that are not finite; names the player.
[[nodiscard]] Result<JointPlay> no_regret_play(const NormalForm& game, const JointPlayOptions& options = {});

// The most that one player saves by a fixed action instead of the joint distribution (sums to 1): at most 0 in a coarse
// correlated equilibrium. Errors: kInvalidArgument.
[[nodiscard]] Result<double> coarse_correlated_gap(const NormalForm& game, std::span<const double> joint);

}  // namespace bursar::explore
