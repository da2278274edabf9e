// Two learners that play a zero-sum game against each other find its value: their average strategies are close to an
// equilibrium, and the distance is known without knowing the equilibrium.
//
//   MatrixGame game{.rows = 3, .columns = 3, .payoff = {0, -1, 1, 1, 0, -1, -1, 1, 0}};
//   Play play = no_regret_play(game, {.rounds = 1000}).value();
//   play.row, play.column;             // average strategies: each a third
//   play.gap;                          // <= (play.row_regret + play.column_regret) / rounds
//
// payoff [rows x columns] goes to the row player, who wants much; the column player pays it. Each plays Hedge
// (adversarial/hedge.h) on the other's strategy, or the column player answers the row's with a best response, whose
// regret is at most 0. For average strategies p, q:
//   gap = max_i (M q)_i - min_j (p M)_j = (row_regret + column_regret) / rounds,
// so that neither can gain more than the gap by another strategy, and the value of the game lies within
// [min_j (p M)_j, max_i (M q)_i]. O(rounds x rows x columns). Deterministic (`sampled`: by the seed).
// Source: systems/bandits, 25.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::explore {

struct MatrixGame {
  std::size_t rows = 0, columns = 0;
  std::vector<double> payoff;  // [rows x columns], to the row player, finite
};

enum class Opponent : std::uint8_t { kHedge, kBestResponse };

struct PlayOptions {
  std::uint64_t rounds = 1000;  // >= 1
  Opponent column = Opponent::kHedge;
  double row_rate = 0, column_rate = 0;         // of Hedge, in [0, 1); 0: sqrt(ln actions / rounds)
  std::vector<double> row_start, column_start;  // first strategies, all weights > 0; empty: uniform
  bool sampled = false;                         // play one drawn action each instead of the strategy itself
  std::uint64_t seed = 1;
};

struct Play {
  std::vector<double> row, column;           // average strategies (sampled: how often each action was played)
  double value = 0;                          // mean payoff of a round
  double low = 0, high = 0;                  // min_j (p M)_j and max_i (M q)_i: the value of the game lies between
  double gap = 0;                            // high - low
  double row_regret = 0, column_regret = 0;  // over all rounds, in units of payoff
};

// Errors: kInvalidArgument for a matrix of the wrong size or with numbers that are not finite, no rounds, rates outside
// [0, 1), and starts of the wrong length or with weights that are not positive.
[[nodiscard]] Result<Play> no_regret_play(const MatrixGame& game, const PlayOptions& options = {});

// Of any two strategies (each sums to 1): max_i (M q)_i - min_j (p M)_j. 0 exactly at an equilibrium. Errors:
// kInvalidArgument for lengths that do not fit.
[[nodiscard]] Result<double> duality_gap(const MatrixGame& game, std::span<const double> row,
                                         std::span<const double> column);

}  // namespace bursar::explore
