#include "bursar/schedule/profile/noisy_quadratic.h"

#include <cmath>
#include <limits>

#include "bursar/schedule/profile/text.h"

namespace bursar::schedule {
namespace {

constexpr double kNothing = 1e-150;  // its square would be subnormal, and slow

}  // namespace

std::vector<double> log_spaced(double low, double high, std::size_t count) {
  std::vector<double> out(count);
  const double last = static_cast<double>(count - 1);
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = i == 0 ? low : i + 1 == count ? high : low * std::pow(high / low, static_cast<double>(i) / last);
  }
  return out;
}

Result<NoisyQuadratic> NoisyQuadratic::create(const NoisyQuadraticOptions& o) {
  if (!(o.low > 0 && o.low <= o.high && std::isfinite(o.high))) {
    return invalid_argument("curvatures: must be positive and increase, are " + to_text(o.low) + " to " +
                            to_text(o.high));
  }
  if (!std::isfinite(o.noise) || o.noise < 0) {
    return invalid_argument("noise: must be a number of at least 0, is " + to_text(o.noise));
  }
  if (o.count < 1 || o.count > 65536) {
    return invalid_argument("count: of curvatures must be from 1 to 65536, is " + std::to_string(o.count));
  }
  NoisyQuadratic out;
  out.curvatures_ = o.count == 1 ? std::vector{o.high} : log_spaced(o.low, o.high, static_cast<std::size_t>(o.count));
  for (const double lambda : out.curvatures_) {
    out.noises_.push_back(o.noise_follows_curvature ? o.noise * lambda : o.noise);
  }
  return out;
}

void NoisyQuadratic::steps(double rate, std::int64_t repeats, std::span<double> errors) const {
  if (repeats == 1) {
    for (std::size_t i = 0; i < errors.size(); ++i) {
      const double keep = 1 - rate * curvatures_[i];
      errors[i] = keep * keep * errors[i] + rate * rate * noises_[i];
    }
    return;
  }
  // A step is e -> a e + b; `repeats` of them by repeated squaring.
  std::vector<double> a(errors.size()), b(errors.size());
  for (std::size_t i = 0; i < errors.size(); ++i) {
    const double keep = 1 - rate * curvatures_[i];
    a[i] = keep * keep;
    b[i] = rate * rate * noises_[i];
  }
  for (std::int64_t left = repeats; left > 0; left >>= 1) {
    if ((left & 1) != 0) {
      for (std::size_t i = 0; i < errors.size(); ++i) errors[i] = a[i] * errors[i] + b[i];
    }
    for (std::size_t i = 0; i < errors.size(); ++i) {
      b[i] += a[i] * b[i];
      a[i] = a[i] < kNothing ? 0 : a[i] * a[i];
    }
  }
}

Result<double> NoisyQuadratic::loss(std::span<const double> rates, std::int64_t repeats) const {
  if (repeats < 1) return invalid_argument("repeats: must be at least 1, is " + std::to_string(repeats));
  std::vector<double> errors(curvatures_.size(), 1);
  for (const double rate : rates) {
    if (!std::isfinite(rate) || rate < 0) {
      return invalid_argument("rates: must be numbers of at least 0, one is " + to_text(rate));
    }
    steps(rate, repeats, errors);
  }
  double sum = 0;
  for (std::size_t i = 0; i < errors.size(); ++i) sum += curvatures_[i] * errors[i] / 2;
  // 0 x infinity, when a rate that diverges is followed by one that would stop it.
  return std::isnan(sum) ? std::numeric_limits<double>::infinity() : sum;
}

Result<BestPeak> NoisyQuadratic::best(std::span<const double> shares, std::span<const double> peaks,
                                      std::int64_t repeats) const {
  if (peaks.empty()) return invalid_argument("peaks: are empty; give at least one");
  BestPeak out{.loss = std::numeric_limits<double>::infinity(), .peak = peaks.front()};
  std::vector<double> rates(shares.size());
  for (const double peak : peaks) {
    for (std::size_t t = 0; t < rates.size(); ++t) rates[t] = peak * shares[t];
    const auto now = loss(rates, repeats);
    if (!now) return tl::unexpected(now.error());
    if (*now < out.loss) out = {.loss = *now, .peak = peak};
  }
  return out;
}

}  // namespace bursar::schedule
