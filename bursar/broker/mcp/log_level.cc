#include "bursar/broker/mcp/log_level.h"

#include <algorithm>
#include <array>

namespace bursar::broker {

std::optional<std::size_t> log_level_rank(std::string_view name) {
  static constexpr std::array<std::string_view, 8> kLevels = {"debug", "info",     "notice", "warning",
                                                              "error", "critical", "alert",  "emergency"};
  const auto found = std::find(kLevels.begin(), kLevels.end(), name);
  if (found == kLevels.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kLevels.begin());
}

}  // namespace bursar::broker
