// Patterns of policies, prices and tool overrides: '*' stands for any run of characters, '?' for one.
//
//   glob_match("files.*", "files.read");   // true
//
// Linear in practice, O(pattern x text) at worst; no recursion, no allocation.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bursar::broker {

[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view text);
[[nodiscard]] bool any_match(const std::vector<std::string>& patterns, std::string_view text);

}  // namespace bursar::broker
