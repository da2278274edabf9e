#include "bursar/sample/dirichlet_argmax.h"

#include <algorithm>
#include <boost/math/quadrature/gauss.hpp>
#include <cmath>
#include <cstring>
#include <functional>

#include "bursar/core/special.h"

namespace bursar::sample {
namespace {

constexpr int kPanels = 24;
constexpr double kWholeUpTo = 512;           // beyond it the incomplete gamma function is cheaper
constexpr std::size_t kKnownMax = 1U << 20;  // entries of the table

bool all_whole(std::span<const double> alpha) {
  return std::ranges::all_of(alpha, [](double a) { return a <= kWholeUpTo && a == std::floor(a); });
}

// P(n, x) for n = 1 … size - 1, by  P(n, x) = 1 - e^-x sum_{i < n} x^i / i!.
void whole_gammas(double x, std::vector<double>& p) {
  double term = std::exp(-x), sum = 0;
  for (std::size_t n = 1; n < p.size(); ++n) {
    sum += term;
    p[n] = std::max(0.0, 1 - sum);
    term *= x / static_cast<double>(n);
  }
}

double integral(std::span<const double> alpha, std::size_t option) {
  const double a = alpha[option], wide = 12 * std::sqrt(a) + 20;
  const double low = std::max(0.0, a - wide), width = (a + wide - low) / kPanels;
  const double log_norm = *log_gamma(a);
  const bool whole = all_whole(alpha);
  std::vector<double> gammas(whole ? static_cast<std::size_t>(*std::ranges::max_element(alpha)) + 1 : 0);
  const auto density = [&](double x) {
    double value = std::exp((a - 1) * std::log(x) - x - log_norm);
    if (value == 0) return 0.0;
    if (whole) whole_gammas(x, gammas);
    for (std::size_t l = 0; l < alpha.size(); ++l) {
      if (l != option) value *= whole ? gammas[static_cast<std::size_t>(alpha[l])] : *incomplete_gamma(alpha[l], x);
    }
    return value;
  };
  double sum = 0;
  for (int i = 0; i < kPanels; ++i)
    sum += boost::math::quadrature::gauss<double, 15>::integrate(density, low + i * width, low + (i + 1) * width);
  return sum;
}

}  // namespace

Result<double> dirichlet_argmax(std::span<const double> alpha, std::size_t option) {
  if (alpha.size() < 2) return invalid_argument("a belief needs at least two options");
  if (option >= alpha.size())
    return invalid_argument("option is " + std::to_string(option) + "; there are " + std::to_string(alpha.size()));
  for (std::size_t l = 0; l < alpha.size(); ++l) {
    if (!(alpha[l] >= 1) || !std::isfinite(alpha[l]))
      return invalid_argument("alpha of option " + std::to_string(l) + " is " + std::to_string(alpha[l]) +
                              "; it must be finite and at least 1");
  }
  return integral(alpha, option);
}

double ArgmaxGains::certainty(std::span<const double> alpha) {
  sorted_.assign(alpha.begin(), alpha.end());
  std::ranges::sort(sorted_, std::greater{});
  std::string key(sorted_.size() * sizeof(double), '\0');
  std::memcpy(key.data(), sorted_.data(), key.size());
  if (const auto found = known_.find(key); found != known_.end()) return found->second;
  if (known_.size() >= kKnownMax) known_.clear();
  const double h = integral(sorted_, 0);
  known_.emplace(std::move(key), h);
  return h;
}

double ArgmaxGains::gain(std::span<const double> alpha) {
  std::vector<double> next(alpha.begin(), alpha.end());
  *std::ranges::max_element(next) += step_;
  return certainty(next) - certainty(alpha);
}

}  // namespace bursar::sample
