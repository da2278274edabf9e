// Rollouts for the live candidates of a parallel search, by reasoning direction: a direction is not paid twice for
// having been sampled often.
//
//   // Four equal scores; candidates 0, 1, 2 say the same thing.
//   auto w = direction_weights({.scores = scores, .similarity = cosines});   // {1/6, 1/6, 1/6, 1/2}
//   auto n = split_over_directions({.scores = scores, .similarity = cosines}, 12);   // {2, 2, 2, 6}
//
// w = softmax(R / T_b); P = row softmax of S / T_s; g_i = P_ii (about 1 / size of its direction); w'_i = w_i g_i / sum
// w g. Rounding is cumulative, direction by direction, so that every direction's total is within one rollout of N w':
// rounding each candidate alone starves large directions. In two stages (the default: better where directions are
// sampled unevenly) candidates whose N w rounds to 0 are dropped first, and both softmaxes are taken anew over those
// that are left. posterior_split: success of a rollout ~ Beta(kappa w, kappa
// (1 - w)); least prod_i E[(1 - p_i)^B_i] with sum B_i = N. The gains -log((kappa (1 - w) + r) / (kappa + r)) shrink,
// so greedy is exact. O(k^2 + N log k). Source: systems/dora.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::allocate {

enum class DirectionMode : std::uint8_t { kTwoStage, kFormula };
enum class DirectionRounding : std::uint8_t {
  kCumulative,        // direction by direction: each total within one of its share
  kLargestRemainder,  // candidate by candidate, and exactly all
  kCyclic,            // each to the nearest; the list of rollouts is repeated or cut to fit, as in the published code
};

struct Directions {
  std::span<const double> scores;                 // [candidates], in [0, 1]
  std::span<const double> similarity;             // [candidates x candidates], cosines in [-1, 1]
  double quality_temperature = .1;                // T_b > 0
  double similarity_temperature = .01;            // T_s > 0
  double same_direction = .95;                    // a cosine above it: the same direction, for the rounding's order
  DirectionMode mode = DirectionMode::kTwoStage;  // of split_over_directions
  DirectionRounding rounding = DirectionRounding::kCumulative;  // and this
};

// w' of the formula. Errors: kInvalidArgument naming the candidate for numbers out of range and spans of another
// length.
[[nodiscard]] Result<std::vector<double>> direction_weights(const Directions& directions);
[[nodiscard]] Result<std::vector<std::int64_t>> split_over_directions(const Directions& directions,
                                                                      std::int64_t rollouts);

// `weights` are >= 0 and need not sum to 1; kappa > 0.
[[nodiscard]] Result<std::vector<std::int64_t>> posterior_split(std::span<const double> weights, double kappa,
                                                                std::int64_t rollouts);

}  // namespace bursar::allocate
