// Whole units out of fractional shares, without losing or inventing one.
//
//   auto seats = apportion(std::vector{41.0, 33.0, 26.0}, 10);                 // {4, 3, 3}
//   auto days = round_cumulatively(std::vector{0.5, 0.5, 0.5, 0.5});           // {1, 0, 1, 0}
//
// Which one: apportion for a pool that is divided by weights; round_cumulatively for a sequence (hours of a day, steps
// of a schedule) where the running total must stay close at every point.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar {

struct ApportionBounds {
  std::span<const std::int64_t> floors;    // [items] or empty: 0
  std::span<const std::int64_t> ceilings;  // [items] or empty: no bound
};

// Largest remainder (Hamilton): the quotas are q_i = clamp(lambda w_i, floor_i, ceiling_i) with sum q = total, each
// item gets floor(q_i), and the units left go to the largest fractions, ties to the lowest index. The sum is exact and
// every item gets floor(q_i) or ceil(q_i). An item of weight 0 stays at its floor; weights that are all 0 count as
// equal. Errors: kInvalidArgument for a weight that is negative or not finite, crossed or negative bounds, spans of
// another length, and a total outside 0 … 2^50; kInfeasible where floors exceed the total or ceilings stay below it.
// Time O(items log items).
[[nodiscard]] Result<std::vector<std::int64_t>> apportion(std::span<const double> weights, std::int64_t total,
                                                          ApportionBounds bounds = {});

// Rounds so that every prefix sum is within 1/2 of the true one, half up: a tie's unit goes to the lower index. Values
// may be negative. Errors: kInvalidArgument for a value that is not finite and for prefix sums beyond 2^50. O(items).
[[nodiscard]] Result<std::vector<std::int64_t>> round_cumulatively(std::span<const double> values);

}  // namespace bursar
