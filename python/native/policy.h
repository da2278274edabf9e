// The tables of policies that Python makes by name: "admit" or "explore".
#pragma once

#include <string>

#include "bursar/core/policy.h"

namespace bursar::python {

[[nodiscard]] PolicyTable table_of(const std::string& room);

}  // namespace bursar::python
