#include "bursar/admit/auction/value_source.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace bursar::admit {

Result<void> check(const BidObjective& objective) {
  if (!(objective.v1 > 0 && std::isfinite(objective.v1))) {
    return invalid_argument("v1 is " + std::to_string(objective.v1) + "; the value of a click must be above 0");
  }
  if (!(objective.v0 >= 0 && std::isfinite(objective.v0))) {
    return invalid_argument("v0 is " + std::to_string(objective.v0) + "; the weight of money must be at least 0");
  }
  if (!(objective.gamma > 0 && objective.gamma <= 1)) {
    return invalid_argument("gamma is " + std::to_string(objective.gamma) + "; it must be above 0 and at most 1");
  }
  return {};
}

int ValueSource::bid(int t, int b, double theta) const {
  return bid_on_marginals(objective(), b, std::min(b, highest_price()), theta,
                          [&](int high, std::span<double> out) { marginals_below(t - 1, high, out); });
}

int bid_on_marginals(const BidObjective& objective, int b, int limit, double theta, const MarginalsBelow& fill) {
  std::array<double, 32> units{};
  double left = objective.v1 * theta;
  for (int bid = 0; bid < limit;) {
    const auto count = std::min(units.size(), static_cast<std::size_t>(limit - bid));
    fill(b - bid, std::span(units).first(count));
    for (std::size_t i = 0; i < count; ++i) {
      left -= objective.gamma * units[i] + objective.v0;
      if (left < 0) return bid;
      ++bid;
    }
  }
  return limit;
}

}  // namespace bursar::admit
