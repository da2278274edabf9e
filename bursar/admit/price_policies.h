// The policies of this folder's price sources: dual-mirror-descent, lp-prices, static-prices, greedy.
#pragma once

#include "bursar/core/policy.h"

namespace bursar::admit {

[[nodiscard]] PolicyTable price_policies();

}  // namespace bursar::admit
