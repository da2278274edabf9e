#include "bursar/core/gamma_posterior.h"

#include <algorithm>
#include <limits>

#include "bursar/core/special.h"

namespace bursar {
namespace {

constexpr double kMost = 1e12;

bool is_parameter(double x) { return x > 0 && x <= kMost; }
bool is_evidence(double x) { return x >= 0 && x <= kMost; }

}  // namespace

Result<GammaPosterior> GammaPosterior::create(double shape, double rate) {
  if (is_parameter(shape) && is_parameter(rate)) return GammaPosterior(shape, rate);
  return invalid_argument("Gamma(shape, rate) needs both more than 0 and at most 1e12, got " + std::to_string(shape) +
                          " and " + std::to_string(rate));
}

Result<void> GammaPosterior::observe(double events, double exposure) {
  if (!is_evidence(events) || !is_evidence(exposure) || shape_ + events > kMost || rate_ + exposure > kMost) {
    return invalid_argument("events and exposure must be at least 0 and stay within 1e12, got " +
                            std::to_string(events) + " and " + std::to_string(exposure));
  }
  shape_ += events;
  rate_ += exposure;
  return {};
}

Result<void> GammaPosterior::discount(double share, const GammaPosterior& prior) {
  if (!(share >= 0 && share <= 1)) {
    return invalid_argument("the share of evidence kept must be from 0 to 1, is " + std::to_string(share));
  }
  shape_ = prior.shape_ + share * (shape_ - prior.shape_);
  rate_ = prior.rate_ + share * (rate_ - prior.rate_);
  return {};
}

double GammaPosterior::cdf(double x) const { return incomplete_gamma(shape_, std::max(x, 0.0) * rate_).value_or(0); }

double GammaPosterior::quantile(double p) const {
  if (p >= 1) return std::numeric_limits<double>::infinity();
  return inverse_incomplete_gamma(shape_, std::max(p, 0.0)).value_or(shape_) / rate_;
}

std::pair<double, double> GammaPosterior::interval(double mass) const {
  const double tail = (1 - std::clamp(mass, 0.0, 1.0)) / 2;
  return {quantile(tail), quantile(1 - tail)};
}

}  // namespace bursar
