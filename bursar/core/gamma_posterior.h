// What is believed of a rate (events a unit of time) after some events in some time; or of an exponential's rate.
//
//   GammaPosterior rate = GammaPosterior::create(1, 10).value();   // one event in 10 s, as a prior
//   rate.observe(/*events=*/12, /*exposure=*/60);
//   auto [low, high] = rate.interval(.95);
//
// Gamma(shape k, rate r), density r^k x^(k-1) e^(-r x) / Gamma(k), mean k / r. Quantiles by Boost.Math.
#pragma once

#include <utility>

#include "bursar/core/random.h"
#include "bursar/core/result.h"

namespace bursar {

class GammaPosterior {
 public:
  // shape, rate > 0 and at most 1e12; kInvalidArgument otherwise.
  [[nodiscard]] static Result<GammaPosterior> create(double shape, double rate);

  // Events counted over an exposure (time, or any unit). Errors: kInvalidArgument for what is negative or not finite,
  // and past 1e12.
  Result<void> observe(double events, double exposure);
  // Keeps `share` of the evidence beyond the prior that is given. share in [0, 1].
  Result<void> discount(double share, const GammaPosterior& prior);

  [[nodiscard]] double shape() const { return shape_; }
  [[nodiscard]] double rate() const { return rate_; }
  [[nodiscard]] double mean() const { return shape_ / rate_; }
  [[nodiscard]] double variance() const { return shape_ / rate_ / rate_; }
  [[nodiscard]] double cdf(double x) const;       // P(lambda <= x)
  [[nodiscard]] double quantile(double p) const;  // p is held to [0, 1]; infinity at 1
  [[nodiscard]] std::pair<double, double> interval(double mass) const;
  [[nodiscard]] double sample(RandomStream& random) const { return random.gamma(shape_) / rate_; }

 private:
  GammaPosterior(double shape, double rate) : shape_(shape), rate_(rate) {}
  double shape_, rate_;
};

}  // namespace bursar
