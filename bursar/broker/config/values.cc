#include "bursar/broker/config/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

namespace bursar::broker {
namespace {

constexpr std::array<std::pair<std::string_view, std::size_t>, 7> kSizes = {{{"B", 1},
                                                                             {"kB", 1'000},
                                                                             {"MB", 1'000'000},
                                                                             {"GB", 1'000'000'000},
                                                                             {"KiB", 1 << 10},
                                                                             {"MiB", 1 << 20},
                                                                             {"GiB", 1 << 30}}};

std::string quoted(std::string_view text) {
  return '"' + std::string(text.substr(0, 64)) + (text.size() > 64 ? "…\"" : "\"");
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// The number at the front and the word after it, with or without a space between them.
std::pair<std::string_view, std::string_view> number_and_unit(std::string_view text) {
  text = trimmed(text);
  const std::size_t end = std::min(text.find_first_not_of("0123456789.+-"), text.size());
  return {text.substr(0, end), trimmed(text.substr(end))};
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replace}));
    }
  }
  return row.back();
}

}  // namespace

Result<std::size_t> parse_size(std::string_view text) {
  const auto [number, unit] = number_and_unit(text);
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), count);
  const auto* known = std::ranges::find(kSizes, unit.empty() ? "B" : unit, [](const auto& s) { return s.first; });
  std::size_t bytes = 0;
  if (error != std::errc{} || end != number.data() + number.size() || known == kSizes.end() ||
      __builtin_mul_overflow(count, known->second, &bytes)) {
    return invalid_argument("must be a size such as \"4 MiB\" or \"512 kB\", is " + quoted(text));
  }
  return bytes;
}

std::string size_text(std::size_t bytes) {
  for (const auto& [name, times] : {kSizes[6], kSizes[5], kSizes[4]}) {
    if (bytes >= times && bytes % times == 0) return std::to_string(bytes / times) + ' ' + std::string(name);
  }
  return std::to_string(bytes) + " B";
}

Result<Duration> parse_duration(std::string_view text) {
  const auto [number, unit] = number_and_unit(text);
  const bool days = unit == "d";
  const auto amount = parse_amount(std::string(number) + ' ' + std::string(days ? "h" : unit));
  std::int64_t us = 0;
  if (unit.empty() || !amount || amount->resource != kMs ||
      __builtin_mul_overflow(amount->units, std::int64_t{days ? 24 : 1}, &us)) {
    return invalid_argument("must be a duration such as \"30 s\", \"250 ms\" or \"5 min\", is " + quoted(text));
  }
  return Duration{us};
}

std::string duration_text(Duration duration) {
  const std::int64_t us = duration.count();
  for (const auto& [name, times] : {std::pair<const char*, std::int64_t>{"h", 3'600'000'000},
                                    {"min", 60'000'000},
                                    {"s", 1'000'000},
                                    {"ms", 1'000}}) {
    if (us != 0 && us % times == 0) return std::to_string(us / times) + ' ' + name;
  }
  return us == 0 ? "0 s" : std::to_string(us) + " us";
}

Result<ledger::Limit> parse_limit(std::string_view text) {
  const std::string_view all = trimmed(text);
  const std::size_t number_end = all.find(' ');
  const std::size_t unit = std::min(all.find_first_not_of(' ', number_end), all.size());
  const std::size_t unit_end = std::min(all.find(' ', unit), all.size());
  const auto amount = parse_amount(all.substr(0, unit_end));
  if (!amount) return tl::unexpected(amount.error());
  const std::string_view window_text = trimmed(all.substr(unit_end));
  const auto window =
      window_text.empty() ? Result<ledger::Window>{ledger::Window{}} : ledger::parse_window(window_text);
  if (!window) return tl::unexpected(window.error());
  if (amount->units < 0) return invalid_argument("a limit must not be negative, is " + quoted(text));
  return ledger::Limit{.resource = amount->resource, .amount = amount->units, .window = *window};
}

std::string limit_text(const ledger::Limit& limit) {
  const std::string amount = to_string(Amount{limit.resource, limit.amount});
  return limit.window == ledger::Window{} ? amount : amount + ' ' + ledger::to_string(limit.window);
}

std::string nearest_name(std::string_view name, std::span<const std::string_view> known) {
  constexpr std::size_t kMaxLength = 64;
  if (name.size() > kMaxLength) return {};
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(name.size() / 3, 2) + 1;
  for (const std::string_view candidate : known) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best_distance = distance;
      best = candidate;
    }
  }
  return std::string(best);
}

}  // namespace bursar::broker
