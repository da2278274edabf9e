// How long a server asks to be left alone: the header Retry-After (RFC 9110, section 10.2.3).
//
//   parse_retry_after("120", now);                             // 120 s
//   parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now);    // until then; 0 where that has passed
//
// Dates come in the form of today and in both obsolete ones, as a recipient must take them (section 5.6.7).
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "bursar/core/clock.h"

namespace bursar::broker {

inline constexpr std::chrono::milliseconds kRetryAfterMax = std::chrono::hours{24};

// At most kRetryAfterMax, whatever stands there; nothing where it is neither a number of seconds nor a date.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, WallTime now);

// Nothing where it is no HTTP date. The weekday's name is not compared with the date.
[[nodiscard]] std::optional<WallTime> parse_http_date(std::string_view text, WallTime now);

}  // namespace bursar::broker
