// The guard between the gateway and the program of a stdio server; see child_process.h. Its own program, in effect: it
// runs before main() of whatever executable links it, when the first argument is guard_word(), and never returns.
//
//   bursar internal-guard <memory bytes> <open files> <directory> <command> <args…>
//
// Descriptors: 0, 1, 2 become the program's; 3 is the read end of the gateway's pipe of orders.
#pragma once

#include <string_view>

namespace bursar::broker {

// "internal-guard". A function, so that whoever starts a guard links the guard too.
[[nodiscard]] std::string_view guard_word();

inline constexpr char kGuardTerminate = 'T';  // SIGTERM to the program's group, and carry on
inline constexpr char kGuardKill = 'K';       // SIGKILL to the whole tree

}  // namespace bursar::broker
