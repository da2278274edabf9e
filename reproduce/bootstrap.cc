#include "reproduce/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "bursar/core/random.h"

namespace bursar::reproduce {
namespace {

double mean_of(std::span<const double> x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

double quantile(std::span<const double> sorted, double p) {
  const double at = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], at - static_cast<double>(below));
}

}  // namespace

Interval bootstrap_interval(std::span<const double> samples, const BootstrapOptions& options) {
  if (samples.empty()) {
    constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
    return {.mean = kNothing, .low = kNothing, .high = kNothing};
  }
  const double mean = mean_of(samples);
  if (samples.size() == 1) return {.mean = mean, .low = mean, .high = mean, .seeds = 1};
  RandomStream random = RandomStream(0x626f6f74).split("bootstrap");
  std::vector<double> means(options.resamples), resample(samples.size());
  for (double& m : means) {
    for (double& x : resample) x = samples[random.uniform_int(std::uint64_t{samples.size()})];
    m = mean_of(resample);
  }
  std::ranges::sort(means);
  const double tail = (1 - options.level) / 2;
  return {.mean = mean, .low = quantile(means, tail), .high = quantile(means, 1 - tail), .seeds = samples.size()};
}

}  // namespace bursar::reproduce
