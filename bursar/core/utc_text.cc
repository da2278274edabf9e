#include "bursar/core/utc_text.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>

namespace bursar {
namespace {

using std::chrono::hours, std::chrono::minutes, std::chrono::seconds;

// Takes its parts from the front of a text; any part that is not there makes the whole thing wrong.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  int number(std::size_t digits, int low, int high) {
    int value = 0;
    if (rest_.size() < digits || !std::ranges::all_of(rest_.substr(0, digits), is_digit)) return fail();
    std::from_chars(rest_.data(), rest_.data() + digits, value);
    rest_.remove_prefix(digits);
    return value < low || value > high ? fail() : value;
  }
  bool one_of(std::string_view choices) {
    if (rest_.empty() || choices.find(rest_.front()) == std::string_view::npos) return false;
    last_ = rest_.front();
    rest_.remove_prefix(1);
    return true;
  }
  void need(std::string_view choices) { good_ = one_of(choices) && good_; }
  // Digits after the point, of which a microsecond is the sixth.
  Duration fraction() {
    std::int64_t micros = 0, unit = 100'000;
    std::size_t taken = 0;
    for (; taken < rest_.size() && is_digit(rest_[taken]); ++taken, unit /= 10) micros += (rest_[taken] - '0') * unit;
    if (taken == 0 || taken > 12) fail();
    rest_.remove_prefix(taken);
    return Duration{micros};
  }
  [[nodiscard]] char last() const { return last_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] bool good() const { return good_; }
  int fail() {
    good_ = false;
    return 0;
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  std::string_view rest_;
  char last_ = 0;
  bool good_ = true;
};

std::optional<WallTime> read(std::string_view text) {
  Scanner scan(text);
  const std::chrono::year year{scan.number(4, 0, 9999)};
  scan.need("-");
  const std::chrono::month month{static_cast<unsigned>(scan.number(2, 1, 12))};
  scan.need("-");
  const std::chrono::day day{static_cast<unsigned>(scan.number(2, 1, 31))};
  const std::chrono::year_month_day date{year, month, day};
  if (!scan.good() || !date.ok()) return std::nullopt;
  WallTime time = std::chrono::sys_days{date};
  if (scan.at_end()) return time;
  scan.need("Tt ");
  time += hours{scan.number(2, 0, 23)};
  scan.need(":");
  time += minutes{scan.number(2, 0, 59)};
  scan.need(":");
  time += seconds{scan.number(2, 0, 59)};
  if (scan.one_of(".")) time += scan.fraction();
  if (scan.one_of("+-")) {
    const int sign = scan.last() == '+' ? -1 : 1;
    time += sign * hours{scan.number(2, 0, 23)};
    scan.need(":");
    time += sign * minutes{scan.number(2, 0, 59)};
  } else {
    scan.one_of("Zz");
  }
  return scan.good() && scan.at_end() ? std::optional(time) : std::nullopt;
}

}  // namespace

std::string utc_text(WallTime time, TimeDigits digits) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  char text[64];
  int size = std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                           static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                           static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                           static_cast<int>(clock.seconds().count()));
  std::string out(text, static_cast<std::size_t>(size));
  if (digits == TimeDigits::kMicros) {
    size = std::snprintf(text, sizeof text, ".%06d", static_cast<int>(clock.subseconds().count()));
    out.append(text, static_cast<std::size_t>(size));
  }
  return out + 'Z';
}

Result<WallTime> parse_utc(std::string_view text) {
  if (const auto time = read(text)) return *time;
  return invalid_argument("\"" + std::string(text.substr(0, 64)) +
                          "\" is no time; write 2026-11-25 or 2026-11-25T09:00:00Z");
}

}  // namespace bursar
