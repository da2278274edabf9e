// A mean that forgets: an observation's weight halves every half-life, whatever the rhythm of the observations.
//
//   Ewma rate(/*half_life=*/10s);
//   rate.observe(120, clock.now());
//   rate.mean();      // absent before the first observation
//
// mean = sum w_i x_i / sum w_i, w_i = 2^(-(now - t_i) / half_life): unbiased from the first observation on. Times that
// run backwards count as the latest time seen. O(1). Not thread-safe.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>

#include "bursar/core/clock.h"

namespace bursar {

class Ewma {
 public:
  explicit Ewma(Duration half_life) : half_life_(std::max(half_life, Duration{1})) {}

  // Values that are not finite are left out.
  void observe(double x, WallTime at) {
    if (!std::isfinite(x)) return;
    fade(at);
    weight_ += 1;
    const double step = (x - mean_) / weight_;
    squares_ += (x - mean_) * (x - mean_ - step);
    mean_ += step;
    is_empty_ = false;
  }

  [[nodiscard]] std::optional<double> mean() const { return is_empty_ ? std::nullopt : std::optional(mean_); }
  [[nodiscard]] double variance() const { return weight_ > 0 ? std::max(squares_ / weight_, 0.0) : 0; }  // weighted
  // Sum of the weights as seen at that time: about how many observations the mean still rests on.
  [[nodiscard]] double weight(WallTime at) const { return weight_ * factor(at); }

 private:
  [[nodiscard]] double factor(WallTime at) const {
    if (at <= latest_) return 1;
    return std::exp2(-static_cast<double>((at - latest_).count()) / static_cast<double>(half_life_.count()));
  }
  void fade(WallTime at) {
    if (is_empty_) latest_ = at;
    const double f = factor(at);
    weight_ *= f;
    squares_ *= f;
    latest_ = std::max(latest_, at);
  }

  Duration half_life_;
  WallTime latest_{};
  double mean_ = 0, squares_ = 0, weight_ = 0;  // squares_: weighted squared deviations from the mean
  bool is_empty_ = true;
};

}  // namespace bursar
