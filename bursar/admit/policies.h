// The room's table of names: what --policy, the service and the configuration can make.
//
//   auto entry = policy_named(admit::policies(), "greedy");
//
// A file of policies adds a line to policies.cc.
#pragma once

#include "bursar/core/policy.h"

namespace bursar::admit {

[[nodiscard]] PolicyTable policies();

}  // namespace bursar::admit
