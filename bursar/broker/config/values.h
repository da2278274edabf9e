// How single values are written in bursar.yaml.
//
//   parse_size("4 MiB") == 4'194'304;  parse_duration("30 s") == 30s;
//   parse_limit("100 usd month Europe/Berlin");  parse_limit("60 calls rate 60 s");
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "bursar/core/amount.h"
#include "bursar/core/clock.h"
#include "bursar/core/result.h"
#include "bursar/ledger/account.h"

namespace bursar::broker {

// A whole number and B, kB, MB, GB (powers of 1000) or KiB, MiB, GiB; a number alone is bytes.
[[nodiscard]] Result<std::size_t> parse_size(std::string_view text);
[[nodiscard]] std::string size_text(std::size_t bytes);  // "4 MiB"; reads back the same

// A number and us, ms, s, min, h or d. A number alone is refused: it does not say what it counts.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);
[[nodiscard]] std::string duration_text(Duration duration);  // "30 s"; reads back the same

// "<amount> <resource>" and a window; without a window the limit is for all time.
[[nodiscard]] Result<ledger::Limit> parse_limit(std::string_view text);
[[nodiscard]] std::string limit_text(const ledger::Limit& limit);  // reads back the same

// The known name that `name` was probably meant to be, empty where none is near. O(names x length^2).
[[nodiscard]] std::string nearest_name(std::string_view name, std::span<const std::string_view> known);

}  // namespace bursar::broker
