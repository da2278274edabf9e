// The levels of notifications/message, quietest first.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace bursar::broker {

// 0 for "debug" … 7 for "emergency"; absent for anything else.
[[nodiscard]] std::optional<std::size_t> log_level_rank(std::string_view name);

}  // namespace bursar::broker
