// What must hold for whatever bytes a reader of logs is given.
#pragma once

#include <cmath>
#include <cstdlib>
#include <string>

#include "bursar/admit/fixed_prices.h"
#include "bursar/admit/log/log_reader.h"
#include "bursar/admit/priced_policy.h"

namespace bursar::admit {

inline void require(bool holds) {
  if (!holds) std::abort();
}

inline void require_amounts(std::span<const double> numbers, std::size_t count) {
  require(numbers.size() == count);
  for (const double x : numbers) require(std::isfinite(x) && x >= 0);
}

// Everything that the reader says, up to its error; every request is sound, and a policy takes it.
inline std::string told(std::string_view text, std::size_t piece, std::string form) {
  const LogOptions options{.form = std::move(form), .max_row_bytes = 256, .max_options = 8};
  auto reader = open_log(allocate::from_text(text, piece), options);
  if (!reader) return reader.error().message;
  const std::size_t m = (*reader)->resources().size();
  require(m > 0);
  PricedPolicy policy({.name = "greedy", .setup = {.budget = std::vector<double>(m, 10.0)}},
                      std::make_unique<FixedPrices>(std::vector<double>(m, 0.0)));
  std::string seen;
  LoggedRequest r;
  for (auto more = (*reader)->next(r); more && *more; more = (*reader)->next(r)) {
    const std::size_t k = r.rewards.size();
    require_amounts(r.rewards, k);
    require(k > 0 && k <= 8 && std::isfinite(r.time_s) && std::isfinite(r.price) && r.price >= 0);
    require_amounts(r.costs, r.auction() ? 0 : k * m);
    if (!r.holds.empty()) require_amounts(r.holds, k * m);
    if (!r.actual_costs.empty()) require_amounts(r.actual_costs, k * m);
    require(r.actual_rewards.empty() || r.actual_rewards.size() == k);
    auto decision = policy.decide(r.request());
    require(decision.has_value());
    for (const double left : policy.remaining()) require(left >= 0);
    seen += std::to_string(r.line) + ':' + std::to_string(decision->option.value_or(99)) + ' ';
    if (seen.size() > (1 << 16)) break;
  }
  return seen;
}

// The pieces in which the bytes come make no difference.
inline void require_sound_log(const std::uint8_t* data, std::size_t size, const std::string& form) {
  if (size < 1) return;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  require(told(text, 1 + data[0] % 16, form) == told(text, SIZE_MAX, form));
}

}  // namespace bursar::admit
