#include "bursar/core/beta_posterior.h"

#include <algorithm>
#include <cmath>

#include "bursar/core/special.h"

namespace bursar {
namespace {

constexpr double kMost = 1e12;

bool is_parameter(double x) { return x > 0 && x <= kMost; }
bool is_evidence(double x) { return x >= 0 && x <= kMost; }

}  // namespace

Result<BetaPosterior> BetaPosterior::create(double a, double b) {
  if (is_parameter(a) && is_parameter(b)) return BetaPosterior(a, b);
  return invalid_argument("Beta(a, b) needs a and b more than 0 and at most 1e12, got " + std::to_string(a) + " and " +
                          std::to_string(b));
}

Result<void> BetaPosterior::observe(double successes, double failures) {
  if (!is_evidence(successes) || !is_evidence(failures) || a_ + successes > kMost || b_ + failures > kMost) {
    return invalid_argument("successes and failures must be at least 0 and stay within 1e12, got " +
                            std::to_string(successes) + " and " + std::to_string(failures));
  }
  a_ += successes;
  b_ += failures;
  return {};
}

Result<void> BetaPosterior::discount(double share, const BetaPosterior& prior) {
  if (!(share >= 0 && share <= 1)) {
    return invalid_argument("the share of evidence kept must be from 0 to 1, is " + std::to_string(share));
  }
  a_ = prior.a_ + share * (a_ - prior.a_);
  b_ = prior.b_ + share * (b_ - prior.b_);
  return {};
}

double BetaPosterior::variance() const {
  const double n = a_ + b_;
  return (a_ / n) * (b_ / n) / (n + 1);
}

double BetaPosterior::cdf(double x) const { return incomplete_beta(a_, b_, std::clamp(x, 0.0, 1.0)).value_or(0); }

double BetaPosterior::quantile(double p) const {
  return inverse_incomplete_beta(a_, b_, std::clamp(p, 0.0, 1.0)).value_or(mean());
}

std::pair<double, double> BetaPosterior::interval(double mass) const {
  const double tail = (1 - std::clamp(mass, 0.0, 1.0)) / 2;
  return {quantile(tail), quantile(1 - tail)};
}

double BetaPosterior::sample(RandomStream& random) const {
  // X / (X + Y) of two gamma variates, in logarithms: for small a and b both may underflow.
  const double log_x = random.log_gamma(a_), log_y = random.log_gamma(b_);
  return 1 / (1 + std::exp(log_y - log_x));
}

}  // namespace bursar
