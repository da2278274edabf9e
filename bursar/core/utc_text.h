// Points in time as text: RFC 3339 in UTC.
//
//   utc_text(now);                               // "2026-11-25T01:13:39Z"
//   parse_utc("2026-11-25T01:13:39.5+01:00");    // the same moment whatever offset it was written with
//   parse_utc("2026-11-25");                     // midnight
#pragma once

#include <string>
#include <string_view>

#include "bursar/core/clock.h"
#include "bursar/core/result.h"

namespace bursar {

enum class TimeDigits : std::uint8_t { kSeconds, kMicros };

// kSeconds rounds down. Years from 0 to 9999 read back the same.
[[nodiscard]] std::string utc_text(WallTime time, TimeDigits digits = TimeDigits::kSeconds);

// A date, or a date, 'T' or a space, and a time of day with 'Z', an offset, or nothing (UTC). Errors: kInvalidArgument.
[[nodiscard]] Result<WallTime> parse_utc(std::string_view text);

}  // namespace bursar
