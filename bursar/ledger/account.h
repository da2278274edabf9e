// Accounts and their limits: the words in which budgets are written down.
//
//   AccountSpec ada{.path = "acme/research/ada",
//                   .limits = {{.resource = kUsd, .amount = 5'000'000, .window = {.kind = WindowKind::kDay}},
//                              {.resource = kCalls, .amount = 60, .window = {.kind = WindowKind::kRate, .period =
//                              60s}}}};
//
// A path is 1 … 16 names joined by '/', each [A-Za-z0-9._@-]{1,64}; an account's parent is the path without its last
// name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/amount.h"
#include "bursar/core/clock.h"
#include "bursar/core/result.h"

namespace bursar::ledger {

enum class WindowKind : std::uint8_t { kTotal, kDay, kWeek, kMonth, kRate };

struct Window {
  WindowKind kind = WindowKind::kTotal;
  std::string time_zone = "UTC";  // IANA name or UTC; calendar windows begin at local midnight (weeks on Monday)
  Duration period{0};             // kRate only: `amount` refills evenly over one period, and is the bucket's size
  bool operator==(const Window&) const = default;
};

[[nodiscard]] Result<Window> parse_window(std::string_view text);  // "total", "day", "month Europe/Berlin", "rate 60 s"
[[nodiscard]] std::string to_string(const Window& window);

struct Limit {
  Resource resource = kCalls;
  std::int64_t amount = 0;  // smallest units, >= 0
  Window window = {};
  bool operator==(const Limit&) const = default;
};

struct AccountSpec {
  std::string path;
  std::vector<Limit> limits = {};  // at most 16, one a (resource, window kind)
  bool frozen = false;
  bool sync = false;       // every reservation is on disk before it is granted
  bool fail_open = false;  // spend on, unguarded and reported, while the store fails; the default refuses
  bool operator==(const AccountSpec&) const = default;
};

inline constexpr std::size_t kMaxDepth = 16;
inline constexpr std::size_t kMaxLimits = 16;

// Errors: kInvalidArgument naming the field and the value.
[[nodiscard]] Result<void> check(const AccountSpec& spec);

// Start and end of the window's instance that holds `now`; kTotal and kRate are one endless instance.
struct WindowSpan {
  WallTime begin, end;
};
[[nodiscard]] Result<WindowSpan> span_of(const Window& window, WallTime now);

}  // namespace bursar::ledger
