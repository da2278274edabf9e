// Lines of `click price theta` (bid_log.h) as a form of log that any policy can be replayed on: each line is an auction
// whose reward is theta, whose real reward is the click, and whose price is the market's.
#pragma once

#include "bursar/admit/log/log_forms.h"

namespace bursar::admit {

inline constexpr std::size_t kLongestAuction = 1 << 16;  // bytes of a line

// Empty lines, and comments that begin with #.
[[nodiscard]] bool is_no_auction(std::string_view line);

[[nodiscard]] bool begins_auctions(std::string_view text);
// The one resource is `options.resources`, or "money". Errors: kInvalidArgument for more than one.
[[nodiscard]] Result<std::unique_ptr<LogReader>> open_auction_log(allocate::ByteSource source,
                                                                  const LogOptions& options);

}  // namespace bursar::admit
