#include "bursar/cli/output.h"

#include <algorithm>
#include <cmath>
#include <ostream>

#include "bursar/broker/config/values.h"
#include "bursar/core/utc_text.h"

namespace bursar::cli {
namespace {

using std::chrono::floor;

std::string clean(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
  }
  return text;
}

}  // namespace

std::size_t display_width(std::string_view utf8) {
  return static_cast<std::size_t>(std::ranges::count_if(utf8, [](char c) { return (c & 0xc0) != 0x80; }));
}

void Table::print(std::ostream& out) const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  }
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += clean(row[i]);
      if (i + 1 < row.size()) line.append(widths[i] - display_width(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  }
}

std::string time_text(WallTime time) {
  std::string text = utc_text(time);
  text[text.find('T')] = ' ';
  return text;
}

std::string time_text(const std::optional<WallTime>& time) { return time ? time_text(*time) : "-"; }

Result<WallTime> parse_time(std::string_view text, WallTime now) {
  if (const auto time = parse_utc(text)) return *time;
  if (const auto ago = broker::parse_duration(text); ago && ago->count() >= 0) return now - *ago;
  return invalid_argument("\"" + std::string(text.substr(0, 64)) +
                          "\" is no time; write 2026-11-25, 2026-11-25T09:00:00Z, or \"2 h\" for two hours ago");
}

std::string number_text(Resource resource, std::int64_t units) {
  std::string digits = std::to_string(units);
  const bool negative = digits.starts_with('-');
  if (negative) digits.erase(0, 1);
  const auto decimals = static_cast<std::size_t>(resource.decimals());
  if (decimals > 0) {
    if (digits.size() <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
    digits.insert(digits.size() - decimals, ".");
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.ends_with('.')) digits.pop_back();
  }
  return (negative ? "-" : "") + digits;
}

std::string bar(std::int64_t spent, std::int64_t held, std::int64_t limit, std::size_t width) {
  const auto blocks = [&](double amount) {
    const double share = limit > 0 ? amount / static_cast<double>(limit) : (amount > 0 ? 1.0 : 0.0);
    return static_cast<std::size_t>(std::lround(std::clamp(share, 0.0, 1.0) * static_cast<double>(width)));
  };
  const std::size_t full = blocks(static_cast<double>(spent));
  const std::size_t used = std::max(full, blocks(static_cast<double>(spent) + static_cast<double>(held)));
  std::string out;
  for (std::size_t i = 0; i < width; ++i) out += i < full ? "█" : (i < used ? "▒" : "░");
  return out;
}

}  // namespace bursar::cli
