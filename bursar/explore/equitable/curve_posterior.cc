#include "bursar/explore/equitable/curve_posterior.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "bursar/allocate/solve.h"
#include "bursar/core/special.h"

namespace bursar::explore {
namespace {

using allocate::to_text;

Result<void> check_prior(const CurvePrior& p) {
  const bool grid = p.gamma_low > 0 && p.gamma_high >= p.gamma_low && p.gamma_high <= 10 && p.gamma_step >= 1e-3;
  if (!grid) return invalid_argument("prior: the grid of gamma must run upwards within (0, 10], by steps of >= 0.001");
  for (const double d : {p.gamma_deviation, p.a_deviation, p.b_deviation}) {
    if (!(d > 0 && d <= 1e6)) return invalid_argument("prior: deviations must be above 0, is " + to_text(d));
  }
  for (const double m : {p.gamma_mean, p.a_mean, p.b_mean}) {
    if (!(std::abs(m) <= 1e6)) return invalid_argument("prior: means must be finite, is " + to_text(m));
  }
  return {};
}

Result<void> check_seen(std::span<const CurveObservation> seen) {
  for (const CurveObservation& o : seen) {
    if (!(o.n > 0 && o.n <= 1e15)) return invalid_argument("n: is " + to_text(o.n) + "; it must be above 0");
    if (!(o.error >= 0 && o.error <= 1e9)) {
      return invalid_argument("error: is " + to_text(o.error) + "; it must be at least 0 and finite");
    }
    if (!(o.variance > 0 && o.variance <= 1e18)) {
      return invalid_argument("variance: is " + to_text(o.variance) + "; it must be above 0: measure on a validation " +
                              "set that is not empty");
    }
  }
  return {};
}

// The regression at one gamma; its weight is the logarithm of the evidence.
CurvePosterior::Part regress(const CurvePrior& prior, double gamma, std::span<const CurveObservation> seen) {
  const double pa = 1 / (prior.a_deviation * prior.a_deviation), pb = 1 / (prior.b_deviation * prior.b_deviation);
  double aa = pa, ab = 0, bb = pb, ra = pa * prior.a_mean, rb = pb * prior.b_mean;
  for (const CurveObservation& o : seen) {
    const double x = std::pow(o.n, -gamma), w = 1 / o.variance;
    aa += w;
    ab += w * x;
    bb += w * x * x;
    ra += w * o.error;
    rb += w * x * o.error;
  }
  const double det = aa * bb - ab * ab;
  CurvePosterior::Part part{.gamma = gamma};
  part.mean = {(bb * ra - ab * rb) / det, (aa * rb - ab * ra) / det};
  part.covariance = {bb / det, -ab / det, aa / det};
  const double z = (gamma - prior.gamma_mean) / prior.gamma_deviation;
  // e'We + m0'P0 m0 - m'P m, as the squares that it is the sum of: nothing cancels.
  const double da = part.mean[0] - prior.a_mean, db = part.mean[1] - prior.b_mean;
  double squares = pa * da * da + pb * db * db;
  for (const CurveObservation& o : seen) {
    const double miss = o.error - part.mean[0] - part.mean[1] * std::pow(o.n, -gamma);
    squares += miss * miss / o.variance;
  }
  part.weight = -.5 * z * z + .5 * std::log(pa * pb) - .5 * std::log(det) - .5 * squares;
  return part;
}

}  // namespace

Result<CurvePosterior> CurvePosterior::fit(const CurvePrior& prior, std::span<const CurveObservation> seen) {
  if (auto ok = check_prior(prior); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_seen(seen); !ok) return tl::unexpected(ok.error());
  CurvePosterior out;
  std::vector<double> evidence;
  const auto steps = static_cast<int>(std::floor((prior.gamma_high - prior.gamma_low) / prior.gamma_step + 1e-9));
  for (int s = 0; s <= steps; ++s) {
    out.parts_.push_back(regress(prior, prior.gamma_low + s * prior.gamma_step, seen));
    evidence.push_back(out.parts_.back().weight);
  }
  const double total = logsumexp(evidence);
  for (Part& part : out.parts_) part.weight = std::exp(part.weight - total);
  return out;
}

CurveEstimate CurvePosterior::at(double n) const {
  double mean = 0, square = 0;
  for (const Part& p : parts_) {
    const double x = std::pow(n, -p.gamma), e = p.mean[0] + p.mean[1] * x;
    const double variance = p.covariance[0] + 2 * x * p.covariance[1] + x * x * p.covariance[2];
    mean += p.weight * e;
    square += p.weight * (variance + e * e);
  }
  return {mean, std::sqrt(std::max(0.0, square - mean * mean))};
}

LearningCurve CurvePosterior::likeliest() const {
  const Part& p = *std::ranges::max_element(parts_, {}, &Part::weight);
  return {.a = std::max(p.mean[0], 0.0), .b = std::max(p.mean[1], 0.0), .gamma = p.gamma};
}

LearningCurve CurvePosterior::draw(RandomStream& random) const {
  double left = random.uniform01();
  std::size_t at = 0;
  while (at + 1 < parts_.size() && left >= parts_[at].weight) left -= parts_[at++].weight;
  const Part& p = parts_[at];
  const double sa = std::sqrt(p.covariance[0]), tilt = p.covariance[1] / sa;
  const double rest = std::sqrt(std::max(0.0, p.covariance[2] - tilt * tilt));
  const double u = random.normal(), v = random.normal();
  return {.a = p.mean[0] + sa * u, .b = p.mean[1] + tilt * u + rest * v, .gamma = p.gamma};
}

}  // namespace bursar::explore
