// The setup of a policy, in its saved state.
//
//   object saved = save_setup("greedy", setup);        // policy, budget, resources, horizon, parameters
//   Result<PolicySetup> again = saved_setup(saved, entry);
#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "bursar/core/policy.h"

namespace bursar {

[[nodiscard]] boost::json::object save_setup(std::string_view policy, const PolicySetup& setup);
// kCorrupt where it contradicts itself or the entry's parameters.
[[nodiscard]] Result<PolicySetup> saved_setup(const boost::json::object& saved, const PolicyEntry& entry);

}  // namespace bursar
