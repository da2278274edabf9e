// What tells this process from others in its records: 8 hex digits, of its number and of when it began.
//
//   services->instance = instance_name();   // "3f2a91c0"
#pragma once

#include <string>

namespace bursar::broker {

[[nodiscard]] std::string instance_name();

}  // namespace bursar::broker
