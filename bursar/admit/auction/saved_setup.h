// The setup of a saved policy, as AuctionPolicy::save() writes it.
#pragma once

#include <boost/json/object.hpp>

#include "bursar/core/policy.h"

namespace bursar::admit {

// kCorrupt where it contradicts itself or the entry's parameters.
[[nodiscard]] Result<PolicySetup> saved_setup(const boost::json::object& saved, const PolicyEntry& entry);

}  // namespace bursar::admit
