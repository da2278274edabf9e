#include "bursar/ledger/time_zone.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>

namespace bursar::ledger {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr std::size_t kMaxZones = 1024;
constexpr std::size_t kMaxZoneBytes = 1 << 20;

std::int64_t big_endian(std::string_view bytes) {
  std::uint64_t value = bytes.size() == 4 && (bytes[0] & 0x80) ? ~std::uint64_t{0} : 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return static_cast<std::int64_t>(value);
}

struct Header {
  std::size_t utc_flags, std_flags, leaps, times, types, chars;
  [[nodiscard]] std::size_t body(std::size_t time_size) const {
    return times * time_size + times + types * 6 + chars + leaps * (time_size + 4) + std_flags + utc_flags;
  }
};

constexpr std::size_t kHeaderSize = 44;

bool read_header(std::string_view data, Header& header) {
  if (data.size() < kHeaderSize || data.substr(0, 4) != "TZif") return false;
  const auto count = [&](std::size_t i) { return static_cast<std::size_t>(big_endian(data.substr(20 + i * 4, 4))); };
  header = {count(0), count(1), count(2), count(3), count(4), count(5)};
  return header.times < 100'000 && header.types > 0 && header.types <= 256 && header.chars < 10'000;
}

// Reads one field of a POSIX rule at a time.
struct RuleReader {
  std::string_view text;
  bool ok = true;

  bool take(char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
  }
  void name() {
    if (take('<')) {
      const auto end = text.find('>');
      ok = ok && end != std::string_view::npos;
      if (ok) text.remove_prefix(end + 1);
      return;
    }
    std::size_t n = 0;
    while (n < text.size() && ((text[n] >= 'A' && text[n] <= 'Z') || (text[n] >= 'a' && text[n] <= 'z'))) ++n;
    ok = ok && n >= 3;
    text.remove_prefix(n);
  }
  int number() {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    ok = ok && error == std::errc{} && value >= 0;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
  }
  std::int64_t time() {  // [+-]hh[:mm[:ss]]
    const bool negative = take('-');
    if (!negative) take('+');
    std::int64_t seconds = std::int64_t{number()} * 3600;
    if (take(':')) seconds += number() * 60;
    if (take(':')) seconds += number();
    return negative ? -seconds : seconds;
  }
};

std::int64_t year_of(std::int64_t unix_s) {
  const auto days = std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds{std::chrono::seconds{unix_s}});
  return static_cast<int>(std::chrono::year_month_day{days}.year());
}

}  // namespace

std::int64_t TimeZone::Change::local_s(std::int64_t year) const {
  using namespace std::chrono;  // NOLINT: calendar arithmetic reads badly with full names
  const std::chrono::year y{static_cast<int>(year)};
  sys_days date;
  if (form == Form::kMonthWeekDay) {
    const auto m = y / std::chrono::month{static_cast<unsigned>(month)};
    const weekday wanted{static_cast<unsigned>(day)};
    date = week == 5 ? sys_days{m / wanted[last]} : sys_days{m / wanted[static_cast<unsigned>(week)]};
  } else {
    const bool after_february = form == Form::kJulianNoLeap && y.is_leap() && day >= 60;
    const int skipped = form == Form::kJulianNoLeap ? day - 1 + (after_february ? 1 : 0) : day;
    date = sys_days{y / January / 1} + days{skipped};
  }
  return date.time_since_epoch().count() * kDay + at_s;
}

bool TimeZone::parse_rule(std::string_view rule) {
  RuleReader in{rule};
  in.name();
  standard_ = -in.time();
  if (!in.ok) return false;
  has_rule_ = true;
  if (in.text.empty()) return true;
  rule_has_summer_ = true;
  in.name();
  summer_ = standard_ + 3600;
  if (!in.text.empty() && in.text.front() != ',') summer_ = -in.time();
  for (Change* change : {&to_summer_, &to_standard_}) {
    in.ok = in.take(',') && in.ok;
    if (in.take('M')) {
      change->month = in.number();
      in.ok = in.take('.') && in.ok;
      change->week = in.number();
      in.ok = in.take('.') && in.ok;
      change->day = in.number();
      in.ok = in.ok && change->month >= 1 && change->month <= 12 && change->week >= 1 && change->week <= 5 &&
              change->day <= 6;
    } else {
      change->form = in.take('J') ? Change::Form::kJulianNoLeap : Change::Form::kJulianLeap;
      change->day = in.number();
      in.ok = in.ok && change->day <= 366;
    }
    if (in.take('/')) change->at_s = in.time();
  }
  return in.ok && in.text.empty();
}

Result<TimeZone> TimeZone::parse(std::string_view tzif) {
  const auto bad = [] { return fail(ErrorCode::kCorrupt, "the time zone's file is not TZif of version 2 or later"); };
  Header header{};
  if (!read_header(tzif, header) || tzif[4] < '2') return bad();
  if (tzif.size() < kHeaderSize + header.body(4)) return bad();
  tzif.remove_prefix(kHeaderSize + header.body(4));  // the 32-bit block
  if (!read_header(tzif, header) || tzif.size() < kHeaderSize + header.body(8)) return bad();

  const std::string_view times = tzif.substr(kHeaderSize);
  const std::string_view kinds = times.substr(header.times * 8);
  const std::string_view types = kinds.substr(header.times);
  const auto offset_of = [&](std::size_t type) { return big_endian(types.substr(type * 6, 4)); };
  TimeZone zone;
  zone.first_offset_ = offset_of(0);
  for (std::size_t i = 0; i < header.times; ++i) {
    const auto type = static_cast<unsigned char>(kinds[i]);
    if (type >= header.types) return bad();
    zone.transitions_.push_back(big_endian(times.substr(i * 8, 8)));
    zone.offsets_.push_back(offset_of(type));
  }
  if (!std::is_sorted(zone.transitions_.begin(), zone.transitions_.end())) return bad();

  std::string_view footer = tzif.substr(kHeaderSize + header.body(8));
  if (footer.size() >= 2 && footer.front() == '\n') {
    footer = footer.substr(1, footer.find('\n', 1) - 1);
    if (!footer.empty() && !zone.parse_rule(footer)) return bad();
  }
  return zone;
}

std::int64_t TimeZone::rule_offset_at(std::int64_t unix_s) const {
  if (!rule_has_summer_) return standard_;
  const std::int64_t year = year_of(unix_s + standard_);
  const std::int64_t begin = to_summer_.local_s(year) - standard_;
  const std::int64_t end = to_standard_.local_s(year) - summer_;
  const bool summer = begin < end ? unix_s >= begin && unix_s < end : unix_s >= begin || unix_s < end;
  return summer ? summer_ : standard_;
}

std::int64_t TimeZone::offset_at(std::int64_t unix_s) const {
  const auto next = std::upper_bound(transitions_.begin(), transitions_.end(), unix_s);
  if (next == transitions_.end() && has_rule_) return rule_offset_at(unix_s);
  if (next == transitions_.begin()) return first_offset_;
  return offsets_[static_cast<std::size_t>(next - transitions_.begin()) - 1];
}

std::int64_t TimeZone::start_of_day(std::int64_t day) const {
  const std::int64_t local = day * kDay;
  const std::int64_t a = local - std::max(offset_at(local - kDay), offset_at(local + kDay));
  const std::int64_t b = local - std::min(offset_at(local - kDay), offset_at(local + kDay));
  if (a + offset_at(a) == local) return a;
  if (b + offset_at(b) == local) return b;
  // The clocks skip local midnight: the day begins with the first second after the gap.
  std::int64_t before = a - kDay, after = b + kDay;
  while (after - before > 1) {
    const std::int64_t middle = before + (after - before) / 2;
    (middle + offset_at(middle) >= local ? after : before) = middle;
  }
  return after;
}

Result<const TimeZone*> find_time_zone(std::string_view name) {
  static const TimeZone utc;
  static std::mutex mutex;
  static std::map<std::string, TimeZone, std::less<>> zones;
  if (name == "UTC") return &utc;

  const bool plain =
      !name.empty() && name.size() <= 64 && name.front() != '/' && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '+' ||
               c == '/' || c == '-';
      });
  if (!plain) {
    return invalid_argument("time zone \"" + std::string(name.substr(0, 64)) +
                            "\" is not an IANA name such as Europe/Berlin");
  }
  const std::lock_guard lock(mutex);
  if (const auto found = zones.find(name); found != zones.end()) return &found->second;
  if (zones.size() >= kMaxZones) return fail(ErrorCode::kExhausted, "more than 1024 time zones are in use");
  std::ifstream file("/usr/share/zoneinfo/" + std::string(name), std::ios::binary);
  std::string data;
  if (file) data.assign(std::istreambuf_iterator<char>(file), {});
  if (data.empty() || data.size() > kMaxZoneBytes) {
    return fail(ErrorCode::kNotFound, "time zone \"" + std::string(name) +
                                          "\" is not in /usr/share/zoneinfo; check the name, or install tzdata");
  }
  auto zone = TimeZone::parse(data);
  if (!zone) return tl::unexpected(with_context(name, zone.error()));
  return &zones.emplace(std::string(name), std::move(*zone)).first->second;
}

}  // namespace bursar::ledger
