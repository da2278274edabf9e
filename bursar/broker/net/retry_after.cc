#include "bursar/broker/net/retry_after.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace bursar::broker {
namespace {

using std::chrono::milliseconds;

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

bool digit(char c) { return c >= '0' && c <= '9'; }

// Reads a date from its front; once something did not fit, everything after it fails too.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  int number(std::size_t digits) {
    int value = 0;
    const std::string_view word = rest_.substr(0, digits);
    if (word.size() != digits || !std::ranges::all_of(word, digit)) return failed();
    (void)std::from_chars(word.data(), word.data() + word.size(), value);
    rest_.remove_prefix(digits);
    return value;
  }
  int month() {
    const auto* const found = std::ranges::find(kMonths, rest_.substr(0, 3));
    if (found == kMonths.end()) return failed();
    rest_.remove_prefix(3);
    return static_cast<int>(found - kMonths.begin()) + 1;
  }
  void text(std::string_view wanted) {
    if (!rest_.starts_with(wanted)) return (void)failed();
    rest_.remove_prefix(wanted.size());
  }
  bool skip(std::string_view wanted) {
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(wanted.size());
    return true;
  }
  [[nodiscard]] bool whole() const { return good_ && rest_.empty(); }

 private:
  int failed() {
    good_ = false;
    rest_ = {};
    return 0;
  }

  std::string_view rest_;
  bool good_ = true;
};

struct Date {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

void time_of_day(Reader& in, Date& date) {
  date.hour = in.number(2);
  in.text(":");
  date.minute = in.number(2);
  in.text(":");
  date.second = in.number(2);
}

std::optional<WallTime> moment(const Date& d) {
  using namespace std::chrono;  // NOLINT(google-build-using-namespace): the names of a calendar
  const year_month_day day{year{d.year}, month{static_cast<unsigned>(d.month)},
                           std::chrono::day{static_cast<unsigned>(d.day)}};
  if (!day.ok() || d.hour > 23 || d.minute > 59 || d.second > 60) return std::nullopt;  // 60: a leap second
  return WallTime{sys_days{day}} + hours{d.hour} + minutes{d.minute} + seconds{d.second};
}

// Two digits are the year that is at most fifty years ahead.
int whole_year(int two_digits, WallTime now) {
  const std::chrono::year_month_day today{std::chrono::floor<std::chrono::days>(now)};
  const int this_year = static_cast<int>(today.year());
  const int year = this_year - this_year % 100 + two_digits;
  return year > this_year + 50 ? year - 100 : year;
}

}  // namespace

std::optional<WallTime> parse_http_date(std::string_view text, WallTime now) {
  const std::size_t comma = text.find(',');
  Date date;
  if (comma == std::string_view::npos) {  // Sun Nov  6 08:49:37 1994
    if (text.size() < 4) return std::nullopt;
    Reader in(text.substr(3));
    in.text(" ");
    date.month = in.month();
    in.text(" ");
    date.day = in.skip(" ") ? in.number(1) : in.number(2);
    in.text(" ");
    time_of_day(in, date);
    in.text(" ");
    date.year = in.number(4);
    return in.whole() ? moment(date) : std::nullopt;
  }
  Reader in(text.substr(comma + 1));
  in.text(" ");
  date.day = in.number(2);
  const bool obsolete = in.skip("-");  // Sunday, 06-Nov-94 08:49:37 GMT, else Sun, 06 Nov 1994 08:49:37 GMT
  if (!obsolete) in.text(" ");
  date.month = in.month();
  in.text(obsolete ? "-" : " ");
  date.year = obsolete ? whole_year(in.number(2), now) : in.number(4);
  in.text(" ");
  time_of_day(in, date);
  in.text(" GMT");
  return in.whole() ? moment(date) : std::nullopt;
}

std::optional<milliseconds> parse_retry_after(std::string_view value, WallTime now) {
  if (value.empty()) return std::nullopt;
  if (std::ranges::all_of(value, digit)) {
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    const std::int64_t most = std::chrono::duration_cast<std::chrono::seconds>(kRetryAfterMax).count();
    return std::chrono::seconds{error == std::errc{} ? std::min(seconds, most) : most};
  }
  const auto until = parse_http_date(value, now);
  if (!until) return std::nullopt;
  const auto wait = std::chrono::ceil<milliseconds>(*until - now);
  return std::clamp(wait, milliseconds{0}, kRetryAfterMax);
}

}  // namespace bursar::broker
