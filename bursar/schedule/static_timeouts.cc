// The static problem of timeout.h: one multiplier for all calls, found by bisection.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "bursar/schedule/timeout.h"

namespace bursar::schedule {
namespace {

constexpr int kHalvings = 200;  // a double's whole range of exponents and its bits

// The t in (0, most] where the decreasing h falls to lambda; `most` where it stays above.
double where_hazard_is(const LatencyLaw& law, double lambda, double most) {
  if (law.reversed_hazard(most) >= lambda) return most;
  double low = most * 1e-15, high = most;
  for (int i = 0; i < kHalvings && high / low > 1 + 1e-15; ++i) {
    const double middle = std::sqrt(low * high);
    (law.reversed_hazard(middle) >= lambda ? low : high) = middle;
  }
  return high;
}

// phi(z) / Phi(z): where both underflow, its continued fraction for the far tail.
double inverse_mills(double z) {
  constexpr double kFar = -30;
  if (z < kFar) {
    double tail = -z;
    for (int i = 8; i >= 1; --i) tail = -z + i / tail;
    return tail;
  }
  const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
  return density / (std::erfc(-z / std::numbers::sqrt2) / 2);
}

}  // namespace

LatencyLaw exponential_law(double mean_ms) {
  return {.cdf = [=](double t) { return t <= 0 ? 0 : -std::expm1(-t / mean_ms); },
          .reversed_hazard = [=](double t) { return 1 / (mean_ms * std::expm1(t / mean_ms)); }};
}

LatencyLaw lognormal_law(double median_ms, double sigma) {
  const auto z = [=](double t) { return std::log(t / median_ms) / sigma; };
  return {.cdf = [=](double t) { return t <= 0 ? 0 : std::erfc(-z(t) / std::numbers::sqrt2) / 2; },
          .reversed_hazard = [=](double t) { return inverse_mills(z(t)) / (sigma * t); }};
}

Result<StaticSplit> static_timeouts(std::span<const LatencyLaw> laws, double budget_ms) {
  if (laws.empty()) return invalid_argument("a static split needs at least one call");
  if (!(budget_ms > 0) || !std::isfinite(budget_ms)) {
    return invalid_argument("a static split needs a budget of more than 0 ms, got " + std::to_string(budget_ms));
  }
  StaticSplit split;
  split.timeouts_ms.resize(laws.size());
  const auto total_at = [&](double lambda) {
    double total = 0;
    for (std::size_t i = 0; i < laws.size(); ++i) {
      total += split.timeouts_ms[i] = where_hazard_is(laws[i], lambda, budget_ms);
    }
    return total;
  };

  // A larger lambda means shorter timeouts.
  double low = 1 / budget_ms, high = low;
  for (int i = 0; i < 1000 && total_at(low) < budget_ms; ++i) low /= 4;
  for (int i = 0; i < 1000 && total_at(high) > budget_ms; ++i) high *= 4;
  for (int i = 0; i < kHalvings && high / low > 1 + 1e-15; ++i) {
    const double middle = std::sqrt(low * high);
    (total_at(middle) > budget_ms ? low : high) = middle;
  }
  split.lambda = high;
  const double total = total_at(high);
  split.success = 1;
  for (std::size_t i = 0; i < laws.size(); ++i) {
    split.timeouts_ms[i] *= budget_ms / total;
    split.success *= laws[i].cdf(split.timeouts_ms[i]);
  }
  return split;
}

}  // namespace bursar::schedule
