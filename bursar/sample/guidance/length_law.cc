#include "bursar/sample/guidance/length_law.h"

#include <algorithm>
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/trigamma.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "bursar/core/special.h"

namespace bursar::sample {
namespace {

bool is_positive(double x) { return x > 0 && std::isfinite(x); }

// The root of ln(a) - digamma(a) = s, s > 0.
double shape_of(double s) {
  if (s < .5 / kMostLengthShape) return kMostLengthShape;  // ln(a) - digamma(a) is about 1 / (2 a) there
  double a = (3 - s + std::sqrt((s - 3) * (s - 3) + 24 * s)) / (12 * s);
  for (int step = 0; step < 50; ++step) {
    const double miss = std::log(a) - boost::math::digamma(a) - s;
    const double next = a - miss / (1 / a - boost::math::trigamma(a));
    const bool done = std::abs(next - a) <= 1e-12 * a;
    a = next > 0 ? next : a / 2;
    if (done) break;
  }
  return std::min(a, kMostLengthShape);
}

}  // namespace

double LengthLaw::cdf(double tokens) const {
  if (!(tokens > 0)) return 0;
  return std::clamp(incomplete_gamma(shape, rate * std::log1p(tokens)).value_or(0), 0.0, 1.0);
}

double LengthLaw::mode_tokens() const { return std::expm1(std::max(0.0, shape - 1) / rate); }

Result<void> check(const LengthLaw& law) {
  for (const auto& [name, value] : {std::pair{"shape", law.shape}, std::pair{"rate", law.rate}}) {
    if (!is_positive(value))
      return invalid_argument(std::string(name) + " is " + std::to_string(value) + "; it must be above 0");
  }
  return {};
}

Result<LengthLaw> fit_length_law(std::span<const double> lengths) {
  if (lengths.empty()) return invalid_argument("there are no lengths to learn from");
  double sum = 0, logs = 0;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    if (!is_positive(lengths[i]))
      return invalid_argument("length " + std::to_string(i) + " is " + std::to_string(lengths[i]) +
                              "; what is left before the end is at least 1 token");
    const double z = std::log1p(lengths[i]);
    sum += z;
    logs += std::log(z);
  }
  const auto n = static_cast<double>(lengths.size());
  const double mean = sum / n;
  const double shape = shape_of(std::log(mean) - logs / n);
  return LengthLaw{.shape = shape, .rate = shape / mean};
}

double length_law_distance(const LengthLaw& law, std::span<const double> lengths) {
  std::vector<double> sorted(lengths.begin(), lengths.end());
  std::ranges::sort(sorted);
  const auto n = static_cast<double>(sorted.size());
  double distance = 0;
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t next = i;
    while (next < sorted.size() && sorted[next] == sorted[i]) ++next;
    distance = std::max({distance, std::abs(static_cast<double>(next) / n - law.cdf(sorted[i])),
                         std::abs(static_cast<double>(i) / n - law.cdf(sorted[i] - 1))});
    i = next;
  }
  return distance;
}

}  // namespace bursar::sample
