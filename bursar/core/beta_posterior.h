// What is believed of a success probability after some successes and failures.
//
//   BetaPosterior p = BetaPosterior::create(1, 1).value();     // uniform prior
//   p.observe(/*successes=*/7, /*failures=*/3);
//   auto [low, high] = p.interval(.95);                        // equal tails
//   double draw = p.sample(stream);                            // Thompson sampling
//
// Beta(a, b), density x^(a-1) (1-x)^(b-1) / B(a, b). Quantiles by Boost.Math.
#pragma once

#include <utility>

#include "bursar/core/random.h"
#include "bursar/core/result.h"

namespace bursar {

class BetaPosterior {
 public:
  // a, b > 0 and at most 1e12; kInvalidArgument otherwise.
  [[nodiscard]] static Result<BetaPosterior> create(double a = 1, double b = 1);

  // Fractions count as partial evidence. Errors: kInvalidArgument for what is negative or not finite, and past 1e12.
  Result<void> observe(double successes, double failures);
  // Keeps `share` of the evidence beyond the prior that is given: forgets in a world that changes. share in [0, 1].
  Result<void> discount(double share, const BetaPosterior& prior);

  [[nodiscard]] double a() const { return a_; }
  [[nodiscard]] double b() const { return b_; }
  [[nodiscard]] double mean() const { return a_ / (a_ + b_); }
  [[nodiscard]] double variance() const;
  [[nodiscard]] double cdf(double x) const;       // P(theta <= x)
  [[nodiscard]] double quantile(double p) const;  // p is held to [0, 1]
  [[nodiscard]] std::pair<double, double> interval(double mass) const;
  [[nodiscard]] double sample(RandomStream& random) const;

 private:
  BetaPosterior(double a, double b) : a_(a), b_(b) {}
  double a_, b_;
};

}  // namespace bursar
