// Which options of a layer must not be taken, so that a knapsack over layers does not sacrifice one of them: the cap on
// errors of calibration-guided compression.
//
//   auto capped = cap_damage({.error = errors, .kept = parameters, .size = sizes, .width = 14}, .3);
//   problem.forbidden = capped->forbidden;      // then multiple choice: value -error, cost parameters
//
// For a share t of parameters to be removed: m = mean over layers of the error at the option that removes nearest to t;
// a = the smallest of 1.0, 1.1, …, 2.0 with which every layer, taking the option that removes most with error <= a m,
// removes at least t together; options with error > a m are forbidden, but for the best of a layer that would have none
// left. Where no a is enough nothing is forbidden. O(options). Source: systems/rocket (step 5).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::allocate {

struct LayerOptions {
  std::span<const double> error;  // [layers x width], >= 0
  std::span<const double> kept;   // [layers x width]: parameters left, >= 0
  std::span<const double> size;   // [layers]: parameters of the untouched layer, > 0
  std::size_t width = 0;
};

struct DamageCap {
  std::vector<std::uint8_t> forbidden;  // [layers x width]
  double factor = 0;                    // a; 0 where none was enough
  double error_limit = 0;               // a m
};

// Errors: kInvalidArgument for spans that do not fit, numbers out of range (naming layer and option) and t outside (0,
// 1); kInfeasible where the smallest options together remove less than t, with the largest share that can be reached.
[[nodiscard]] Result<DamageCap> cap_damage(const LayerOptions& layers, double removed_share);

}  // namespace bursar::allocate
