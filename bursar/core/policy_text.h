// What a table of policies has, for people and for programs.
//
//   out << policies_text(explore::policies());       // a line a policy, indented its parameters
//   out << policies_json(explore::policies());       // an array: name, system, room, about, parameters
#pragma once

#include <string>

#include "bursar/core/policy.h"

namespace bursar {

[[nodiscard]] std::string policies_text(PolicyTable table);
[[nodiscard]] std::string policies_json(PolicyTable table);  // one line

}  // namespace bursar
