#include "bursar/ledger/account.h"

#include <algorithm>
#include <charconv>

#include "bursar/ledger/time_zone.h"

namespace bursar::ledger {
namespace {

constexpr std::int64_t kDaySeconds = 86'400;
constexpr Duration kMinPeriod = std::chrono::milliseconds{1};
constexpr Duration kMaxPeriod = std::chrono::days{366};
constexpr std::size_t kMaxName = 64;

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '@' || c == '-';
  });
}

Result<void> check_path(std::string_view path) {
  std::size_t depth = 0;
  for (std::string_view rest = path;; ++depth) {
    const auto slash = rest.find('/');
    if (depth >= kMaxDepth)
      return invalid_argument("path \"" + std::string(path.substr(0, 200)) + "\" is deeper than 16");
    if (!is_name(rest.substr(0, slash))) {
      return invalid_argument("path \"" + std::string(path.substr(0, 200)) +
                              "\" must be names of A-Z a-z 0-9 . _ @ - (1 to 64 characters) joined by '/'");
    }
    if (slash == std::string_view::npos) return {};
    rest.remove_prefix(slash + 1);
  }
}

Result<void> check_window(const Window& window) {
  if (window.kind == WindowKind::kRate) {
    if (window.period < kMinPeriod || window.period > kMaxPeriod) {
      return invalid_argument("period of a rate is " + std::to_string(window.period.count()) +
                              " us; it must be 1 ms to 366 days");
    }
    return {};
  }
  if (window.period != Duration{0}) return invalid_argument("period is set on a window that is not a rate");
  if (window.kind == WindowKind::kTotal) return {};
  if (auto zone = find_time_zone(window.time_zone); !zone) return tl::unexpected(zone.error());
  return {};
}

std::string_view name_of_kind(WindowKind kind) {
  switch (kind) {
    case WindowKind::kTotal: return "total";
    case WindowKind::kDay: return "day";
    case WindowKind::kWeek: return "week";
    case WindowKind::kMonth: return "month";
    case WindowKind::kRate: return "rate";
  }
  return "total";
}

std::string_view next_word(std::string_view& text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  const auto word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

// First day (since 1970-01-01) of the period that holds `day`, and of the one after it.
struct DaySpan {
  std::int64_t begin, end;
};
DaySpan days_of(WindowKind kind, std::int64_t day) {
  using std::chrono::days, std::chrono::months, std::chrono::sys_days, std::chrono::year_month_day;
  if (kind == WindowKind::kWeek) {
    const std::int64_t since_monday = ((day + 3) % 7 + 7) % 7;  // 1970-01-01 was a Thursday
    return {day - since_monday, day - since_monday + 7};
  }
  if (kind == WindowKind::kMonth) {
    const year_month_day date{sys_days{days{day}}};
    const auto first = date.year() / date.month();
    const auto count = [](auto month) { return sys_days{month / 1}.time_since_epoch().count(); };
    return {count(first), count(first + months{1})};
  }
  return {day, day + 1};
}

}  // namespace

Result<void> check(const AccountSpec& spec) {
  if (auto ok = check_path(spec.path); !ok) return ok;
  if (spec.limits.size() > kMaxLimits) {
    return invalid_argument("limits of " + spec.path + " are " + std::to_string(spec.limits.size()) +
                            "; at most 16 are allowed");
  }
  for (std::size_t i = 0; i < spec.limits.size(); ++i) {
    const Limit& limit = spec.limits[i];
    const std::string where = "limits[" + std::to_string(i) + "] of " + spec.path;
    if (limit.amount < 0) {
      return invalid_argument(where + ": amount is " + std::to_string(limit.amount) + "; it must not be negative");
    }
    if (auto ok = check_window(limit.window); !ok) return tl::unexpected(with_context(where, ok.error()));
    for (std::size_t j = 0; j < i; ++j) {
      if (spec.limits[j].resource == limit.resource && spec.limits[j].window.kind == limit.window.kind) {
        return invalid_argument(where + ": resource " + std::string(limit.resource.name()) +
                                " already has a limit with window " + std::string(name_of_kind(limit.window.kind)));
      }
    }
  }
  return {};
}

Result<Window> parse_window(std::string_view text) {
  std::string_view rest = text;
  const auto bad = [&] {
    return invalid_argument("window \"" + std::string(text.substr(0, 100)) +
                            "\" is none of total, day, week, month (each with an optional time zone), rate <period>");
  };
  const std::string_view kind = next_word(rest);
  Window window;
  if (kind == "rate") {
    window.kind = WindowKind::kRate;
    auto period = parse_amount(rest.substr(std::min(rest.size(), rest.find_first_not_of(' '))));
    if (!period || period->resource != kMs) return bad();
    window.period = Duration{period->units};
  } else {
    if (kind == "day")
      window.kind = WindowKind::kDay;
    else if (kind == "week")
      window.kind = WindowKind::kWeek;
    else if (kind == "month")
      window.kind = WindowKind::kMonth;
    else if (kind != "total")
      return bad();
    const std::string_view zone = next_word(rest);
    if (!zone.empty() && window.kind == WindowKind::kTotal) return bad();
    if (!zone.empty()) window.time_zone = zone;
    if (!next_word(rest).empty()) return bad();
  }
  if (auto ok = check_window(window); !ok) return tl::unexpected(ok.error());
  return window;
}

std::string to_string(const Window& window) {
  std::string text{name_of_kind(window.kind)};
  if (window.kind == WindowKind::kRate) {
    const std::int64_t us = window.period.count();
    if (us % 1'000'000 == 0) return text + ' ' + std::to_string(us / 1'000'000) + " s";
    return text + ' ' + std::to_string(us) + " us";
  }
  if (window.kind != WindowKind::kTotal && window.time_zone != "UTC") text += ' ' + window.time_zone;
  return text;
}

Result<WindowSpan> span_of(const Window& window, WallTime now) {
  if (window.kind == WindowKind::kTotal || window.kind == WindowKind::kRate) {
    return WindowSpan{WallTime::min(), WallTime::max()};
  }
  const auto zone = find_time_zone(window.time_zone);
  if (!zone) return tl::unexpected(zone.error());
  const std::int64_t now_s = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  const std::int64_t local = now_s + (*zone)->offset_at(now_s);
  const std::int64_t today = local >= 0 ? local / kDaySeconds : -((-local + kDaySeconds - 1) / kDaySeconds);
  DaySpan span = days_of(window.kind, today);
  // Where clocks go back across midnight a date comes twice; its second visit belongs to the day that has begun.
  if ((*zone)->start_of_day(span.end) <= now_s) span = days_of(window.kind, span.end);
  const auto at = [&](std::int64_t day) { return wall_from_unix_us((*zone)->start_of_day(day) * 1'000'000); };
  return WindowSpan{at(span.begin), at(span.end)};
}

}  // namespace bursar::ledger
