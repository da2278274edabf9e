// How many tokens each sub-question of a plan gets: credit by difficulty, times a weight that decays along the plan.
//
//   auto tokens = split_tokens(std::vector{20.0, 80.0}, 200, Decay::kLinear);   // {66, 134}
//
// v_j = d_j g(j) / sum, b_j = floor(v_j B), and the tokens left go one each to the largest v_j: the sum is B exactly.
// g(j) for j = 0 … m-1: constant 1; linear m - j; polynomial (m - j)^power; exponential base^j; cosine
// (1 + cos(pi j / (m - 1))) / 2 + floor. Choose it while nothing is known but credits; where uncertainty curves are
// known, waterfill_power of water_filling.h is optimal. O(m log m). Source: systems/plan-and-budget.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::allocate {

enum class Decay : std::uint8_t { kConstant, kLinear, kPolynomial, kExponential, kCosine };

struct DecayShape {
  double power = 2;   // >= 0
  double base = .9;   // in (0, 1]
  double floor = .1;  // >= 0; keeps the last step of cosine alive
};

// Errors: kInvalidArgument for no credits, credits that are negative, not finite or all 0, a total below 0 or above
// 2^50, and a shape out of range.
[[nodiscard]] Result<std::vector<std::int64_t>> split_tokens(std::span<const double> credits, std::int64_t total,
                                                             Decay decay, const DecayShape& shape = {});

// sum_j c_j / b_j^a_j; infinite where a b_j is 0 and its c_j is not. All spans have the same length.
[[nodiscard]] double residual_uncertainty(std::span<const double> c, std::span<const double> a,
                                          std::span<const double> tokens);

}  // namespace bursar::allocate
