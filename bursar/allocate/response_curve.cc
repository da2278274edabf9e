#include "bursar/allocate/response_curve.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>

#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kGrid = 80;

// y = level + gain * basis(x; shape), basis rising in x.
double basis(ResponseFamily family, double log_shape, double x) {
  const double s = std::exp(log_shape);
  return family == ResponseFamily::kPower ? -std::pow(x, -s) : -std::expm1(-x / s);
}

// d basis / d log shape
double basis_slope(ResponseFamily family, double log_shape, double x) {
  const double s = std::exp(log_shape);
  return family == ResponseFamily::kPower ? s * std::log(x) * std::pow(x, -s) : -x / s * std::exp(-x / s);
}

struct LinearFit {
  double level = 0;
  double gain = 0;
  double squares = kInfinity;  // weighted sum of squared residuals
};

class Fitter {
 public:
  Fitter(std::span<const Observation> data, ResponseFamily family) : data_(data), family_(family) {
    double low = kInfinity, high = 0;
    for (const Observation& o : data) low = std::min(low, o.units), high = std::max(high, o.units);
    low_ = family == ResponseFamily::kPower ? std::log(0.01) : std::log(low / 20);
    high_ = family == ResponseFamily::kPower ? std::log(10.0) : std::log(high * 50);
  }

  ResponseFit run() {
    int best = 0;
    double least = kInfinity;
    const double step = (high_ - low_) / (kGrid - 1);
    for (int k = 0; k < kGrid; ++k) {
      const double squares = linear(low_ + k * step).squares;
      if (squares < least) least = squares, best = k;
    }
    const double log_shape = golden(low_ + std::max(0, best - 1) * step, low_ + std::min(kGrid - 1, best + 1) * step);
    const LinearFit f = linear(log_shape);
    ResponseFit fit{.family = family_,
                    .level = f.level,
                    .gain = f.gain,
                    .shape = std::exp(log_shape),
                    .observations = data_.size()};
    fit.shape_at_edge = best == 0 || best == kGrid - 1;
    finish(fit, log_shape, f.squares);
    return fit;
  }

 private:
  static double weight(const Observation& o) { return o.error > 0 ? 1 / (o.error * o.error) : 1.0; }

  LinearFit linear(double log_shape) const {
    double w = 0, wx = 0, wy = 0, wxx = 0, wxy = 0;
    for (const Observation& o : data_) {
      const double b = basis(family_, log_shape, o.units), k = weight(o);
      w += k, wx += k * b, wy += k * o.value, wxx += k * b * b, wxy += k * b * o.value;
    }
    const double mean_x = wx / w, mean_y = wy / w, spread = wxx - wx * mean_x;
    LinearFit f;
    // More units are never worth less: a falling fit is a flat one.
    f.gain = spread > 1e-14 * wxx ? std::max(0.0, (wxy - wx * mean_y) / spread) : 0.0;
    f.level = mean_y - f.gain * mean_x;
    f.squares = 0;
    for (const Observation& o : data_) {
      const double r = o.value - f.level - f.gain * basis(family_, log_shape, o.units);
      f.squares += weight(o) * r * r;
    }
    return f;
  }

  double golden(double a, double b) const {
    constexpr double kRatio = 0.6180339887498949;
    double x = b - kRatio * (b - a), y = a + kRatio * (b - a), fx = linear(x).squares, fy = linear(y).squares;
    for (int k = 0; k < 80 && b - a > 1e-12; ++k) {
      if (fx <= fy) {
        b = y, y = x, fy = fx;
        x = b - kRatio * (b - a), fx = linear(x).squares;
      } else {
        a = x, x = y, fx = fy;
        y = a + kRatio * (b - a), fy = linear(y).squares;
      }
    }
    return (a + b) / 2;
  }

  void finish(ResponseFit& fit, double log_shape, double squares) const {
    Eigen::Matrix3d information = Eigen::Matrix3d::Zero();
    double w = 0, wy = 0, total = 0;
    for (const Observation& o : data_) {
      const Eigen::Vector3d j{1, basis(family_, log_shape, o.units),
                              fit.gain * basis_slope(family_, log_shape, o.units)};
      information += weight(o) * j * j.transpose();
      w += weight(o), wy += weight(o) * o.value;
    }
    for (const Observation& o : data_) total += weight(o) * (o.value - wy / w) * (o.value - wy / w);
    const double n = static_cast<double>(data_.size());
    const bool errors_known = data_.front().error > 0;
    const double scale = errors_known ? 1.0 : squares / std::max(1.0, n - 3);
    // A flat curve says nothing about its shape: the pseudo-inverse leaves that direction without variance.
    const Eigen::Matrix3d covariance = scale * information.completeOrthogonalDecomposition().pseudoInverse();
    for (int r = 0; r < 3; ++r) {
      for (int c = 0; c < 3; ++c)
        fit.covariance[static_cast<std::size_t>(r)][static_cast<std::size_t>(c)] = covariance(r, c);
    }
    fit.residual = std::sqrt(squares / n);
    fit.r_squared = total > 0 ? 1 - squares / total : 1;
  }

  std::span<const Observation> data_;
  ResponseFamily family_;
  double low_, high_;
};

Result<void> check(std::span<const Observation> data) {
  std::set<double> units;
  for (std::size_t k = 0; k < data.size(); ++k) {
    const auto wrong = [&](const char* what, double x, const char* needs) {
      return invalid_argument("observation " + std::to_string(k) + ": " + what + " is " + to_text(x) + "; it must be " +
                              needs);
    };
    if (!(data[k].units > 0) || !(data[k].units <= kLargestNumber))
      return wrong("units", data[k].units, "positive and at most 1e60");
    if (!(std::abs(data[k].value) <= kLargestNumber)) return wrong("value", data[k].value, "finite and at most 1e60");
    if (!(data[k].error >= 0) || !(data[k].error <= kLargestNumber)) return wrong("error", data[k].error, "0 or more");
    if ((data[k].error > 0) != (data[0].error > 0))
      return wrong("error", data[k].error, "positive for all observations, or 0 for all");
    units.insert(data[k].units);
  }
  if (units.size() < 3) {
    return invalid_argument("there are observations at " + std::to_string(units.size()) +
                            " different units; a curve of three parameters needs 3 or more");
  }
  return {};
}

// A curve drawn from the fit's uncertainty; gains stay >= 0 and shapes within a factor that keeps numbers finite.
ResponseFit draw(const ResponseFit& fit, RandomStream& random) {
  Eigen::Matrix3d covariance;
  for (int r = 0; r < 3; ++r) {
    for (int c = 0; c < 3; ++c)
      covariance(r, c) = fit.covariance[static_cast<std::size_t>(r)][static_cast<std::size_t>(c)];
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d> parts(covariance);
  Eigen::Vector3d z{random.normal(), random.normal(), random.normal()};
  z = parts.eigenvectors() * (parts.eigenvalues().cwiseMax(0).cwiseSqrt().asDiagonal() * z);
  ResponseFit drawn = fit;
  drawn.level += z[0];
  drawn.gain = std::max(0.0, fit.gain + z[1]);
  drawn.shape = fit.shape * std::exp(std::clamp(z[2], -3.0, 3.0));
  return drawn;
}

std::vector<WaterItem> items_of(const ResponseProblem& p, std::span<const ResponseFit> fits) {
  std::vector<WaterItem> items;
  for (std::size_t i = 0; i < fits.size(); ++i) {
    WaterItem item{.curve = curve_of(fits[i])};
    if (!p.floors.empty()) item.floor = p.floors[i];
    if (!p.ceilings.empty()) item.ceiling = p.ceilings[i];
    if (!p.costs.empty()) item.cost = p.costs[i];
    items.push_back(std::move(item));
  }
  return items;
}

double quantile(std::vector<double> x, double q) {
  const auto at = static_cast<std::ptrdiff_t>(std::lround(q * static_cast<double>(x.size() - 1)));
  std::nth_element(x.begin(), x.begin() + at, x.end());
  return x[static_cast<std::size_t>(at)];
}

Result<void> carry_uncertainty(const ResponseProblem& problem, double budget, const ResponseOptions& options,
                               ResponsePlan& plan) {
  const std::size_t n = problem.fits.size();
  RandomStream random(options.seed);
  std::vector<std::vector<double>> amounts(n);
  std::vector<double> regrets;
  for (int d = 0; d < options.draws; ++d) {
    std::vector<ResponseFit> drawn;
    drawn.reserve(n);
    for (const ResponseFit& fit : problem.fits) drawn.push_back(draw(fit, random));
    const std::vector<WaterItem> items = items_of(problem, drawn);
    auto best = water_filling(items, budget);
    if (!best) return tl::unexpected(best.error());
    double ours = 0;
    for (std::size_t i = 0; i < n; ++i) {
      amounts[i].push_back(best->amounts[i]);
      ours += value_of(items[i].curve, plan.amounts[i]);
    }
    regrets.push_back(std::max(0.0, best->value - ours));
    plan.regret += regrets.back() / options.draws;
  }
  const double tail = (1 - options.coverage) / 2;
  for (std::size_t i = 0; i < n; ++i) {
    plan.low.push_back(quantile(amounts[i], tail));
    plan.high.push_back(quantile(amounts[i], 1 - tail));
  }
  plan.regret_high = quantile(regrets, options.coverage);
  return {};
}

}  // namespace

Result<ResponseFit> fit_response(std::span<const Observation> observations, ResponseFamily family) {
  if (auto ok = check(observations); !ok) return tl::unexpected(ok.error());
  if (family != ResponseFamily::kBest) return Fitter(observations, family).run();
  const ResponseFit power = Fitter(observations, ResponseFamily::kPower).run();
  const ResponseFit saturating = Fitter(observations, ResponseFamily::kSaturating).run();
  return power.residual <= saturating.residual ? power : saturating;
}

Prediction predict(const ResponseFit& fit, double units) {
  const double log_shape = std::log(fit.shape), b = basis(fit.family, log_shape, units);
  const std::array<double, 3> j{1, b, fit.gain * basis_slope(fit.family, log_shape, units)};
  double variance = 0;
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t c = 0; c < 3; ++c) variance += j[r] * fit.covariance[r][c] * j[c];
  }
  return {fit.level + fit.gain * b, std::sqrt(std::max(0.0, variance))};
}

Curve curve_of(const ResponseFit& fit) {
  if (fit.family == ResponseFamily::kSaturating) return SaturatingCurve{fit.gain, fit.shape};
  if (fit.gain > 0) return PowerCurve{fit.gain, fit.shape};
  return SaturatingCurve{0, 1};
}

Result<ResponsePlan> allocate_responses(const ResponseProblem& problem, double budget, const ResponseOptions& options) {
  const std::size_t n = problem.fits.size();
  for (const auto* array : {&problem.floors, &problem.ceilings, &problem.costs}) {
    if (!array->empty() && array->size() != n) {
      return invalid_argument("there are " + std::to_string(n) + " fits and an array of " +
                              std::to_string(array->size()) + " bounds or costs");
    }
  }
  if (options.draws < 0 || options.draws > 1'000'000 || !(options.coverage > 0) || !(options.coverage < 1)) {
    return invalid_argument("draws is " + std::to_string(options.draws) + " and coverage " + to_text(options.coverage) +
                            "; they must be from 0 to 10^6 and between 0 and 1");
  }
  auto filled = water_filling(items_of(problem, problem.fits), budget);
  if (!filled) return tl::unexpected(filled.error());
  ResponsePlan plan{.amounts = std::move(filled->amounts),
                    .spent = filled->spent,
                    .price = filled->price,
                    .bound = filled->bound,
                    .stop = filled->stop};
  double variance = 0;
  for (std::size_t i = 0; i < n; ++i) {
    plan.bound += problem.fits[i].level;
    const Prediction p = predict(problem.fits[i], plan.amounts[i]);
    plan.value += p.value;
    variance += p.error * p.error;
  }
  plan.error = std::sqrt(variance);
  plan.bound = std::max(plan.bound, plan.value);
  if (options.draws > 0) {
    if (auto ok = carry_uncertainty(problem, budget, options, plan); !ok) return tl::unexpected(ok.error());
  }
  return plan;
}

}  // namespace bursar::allocate
