// A mean over seeds and how far it can be trusted: the percentile bootstrap.
//
//   Interval success = bootstrap_interval(std::vector{.61, .58, .64});
//   success.mean; success.low; success.high;      // .61, and the middle 95% of resampled means
//
// Deterministic: the resampling draws from its own fixed stream, so the same samples give the same interval whatever
// else was drawn. With one sample the interval is that sample and says nothing; `seeds` tells.
#pragma once

#include <cstddef>
#include <span>

namespace bursar::reproduce {

struct Interval {
  double mean = 0, low = 0, high = 0;
  std::size_t seeds = 0;  // samples it rests on
};

struct BootstrapOptions {
  double level = .95;            // of the interval, in (0, 1)
  std::size_t resamples = 2000;  // > 0
};

// NaN in all three where there is no sample. Quantiles of the resampled means are interpolated linearly.
// O(samples x resamples).
[[nodiscard]] Interval bootstrap_interval(std::span<const double> samples, const BootstrapOptions& options = {});

}  // namespace bursar::reproduce
