// Offsets of IANA time zones, read from the system's TZif files (Debian package tzdata).
//
//   Result<const TimeZone*> berlin = find_time_zone("Europe/Berlin");
//   (*berlin)->offset_at(now);            // 3600 s in winter, 7200 s in summer
//   (*berlin)->start_of_day(20'776, now); // the first instant of that local day
//
// Source of the format: RFC 8536; times after a file's last transition follow its POSIX rule.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::ledger {

class TimeZone {
 public:
  [[nodiscard]] static Result<TimeZone> parse(std::string_view tzif);

  [[nodiscard]] std::int64_t offset_at(std::int64_t unix_s) const;  // seconds east of UTC
  // First instant (seconds since 1970 UTC) of the local day that is `day` days after 1970-01-01.
  [[nodiscard]] std::int64_t start_of_day(std::int64_t day) const;

 private:
  struct Change {  // "M3.5.0/2": the week-th weekday of the month; week 5 is the last; Jn and n count days of the year
    enum class Form : std::uint8_t { kMonthWeekDay, kJulianNoLeap, kJulianLeap } form = Form::kMonthWeekDay;
    int month = 0, week = 0, day = 0;
    std::int64_t at_s = 7200;
    [[nodiscard]] std::int64_t local_s(std::int64_t year) const;
  };
  [[nodiscard]] bool parse_rule(std::string_view rule);
  [[nodiscard]] std::int64_t rule_offset_at(std::int64_t unix_s) const;

  std::vector<std::int64_t> transitions_;  // unix seconds, increasing
  std::vector<std::int64_t> offsets_;      // from that transition on
  std::int64_t first_offset_ = 0;
  bool has_rule_ = false, rule_has_summer_ = false;
  std::int64_t standard_ = 0, summer_ = 0;
  Change to_summer_, to_standard_;
};

// Loads a zone once and keeps it for the life of the process; "UTC" needs no file. Thread-safe.
// Errors: kInvalidArgument for a name that is not [A-Za-z0-9_+/-]{1,64}, kNotFound where the system has no such zone.
[[nodiscard]] Result<const TimeZone*> find_time_zone(std::string_view name);

}  // namespace bursar::ledger
