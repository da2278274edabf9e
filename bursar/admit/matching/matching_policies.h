// The policies of this folder: stochastic-balance (goals and slots) and matching-prices (items and buyers).
#pragma once

#include "bursar/core/policy.h"

namespace bursar::admit {

[[nodiscard]] PolicyTable matching_policies();

}  // namespace bursar::admit
