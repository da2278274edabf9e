#include "bursar/sample/agreement.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "bursar/core/special.h"

namespace bursar::sample {
namespace {

constexpr std::size_t kLongest = 100;

// Polynomials in x (samples of the other options) for each number of options that tie with the winner.
using ByTies = std::vector<std::vector<double>>;

// Multiplies by one option's sum_{i < c} (p x)^i / i!, and by its term of power c as one more tie.
ByTies with_option(const ByTies& before, double share, std::size_t c) {
  const std::size_t length = before.front().size();
  ByTies after(before.size() + 1, std::vector<double>(length, 0));
  double term = 1;
  for (std::size_t i = 0; i <= c && i < length; ++i) {
    if (i > 0) term *= share / static_cast<double>(i);
    if (term == 0) break;
    for (std::size_t ties = 0; ties < before.size(); ++ties) {
      std::vector<double>& to = after[ties + (i == c ? 1 : 0)];
      for (std::size_t s = 0; s + i < length; ++s) to[s + i] += term * before[ties][s];
    }
  }
  while (after.size() > 1 && std::ranges::all_of(after.back(), [](double x) { return x == 0; })) after.pop_back();
  return after;
}

}  // namespace

Result<std::vector<double>> agreement_curve(std::span<const double> shares, std::size_t option, std::size_t longest) {
  if (option >= shares.size())
    return invalid_argument("option is " + std::to_string(option) + "; there are " + std::to_string(shares.size()));
  if (longest == 0 || longest > kLongest)
    return invalid_argument("longest is " + std::to_string(longest) + "; it must be from 1 to 100");
  double sum = 0;
  for (const double share : shares) {
    if (!(share >= 0)) return invalid_argument("a share is negative or not a number");
    sum += share;
  }
  if (!(std::abs(sum - 1) <= 1e-6))
    return invalid_argument("shares sum to " + std::to_string(sum) + "; they must sum to 1");
  std::vector<double> curve(longest, 0);
  double own = 1;  // share^c / c!
  for (std::size_t c = 1; c <= longest; ++c) {
    own *= shares[option] / static_cast<double>(c);
    ByTies others{std::vector<double>(longest - c + 1, 0)};
    others[0][0] = 1;
    for (std::size_t l = 0; l < shares.size(); ++l) {
      if (l != option) others = with_option(others, shares[l], c);
    }
    double factorial = 1;
    for (std::size_t k = 2; k <= c; ++k) factorial *= static_cast<double>(k);
    for (std::size_t s = 0; s + c <= longest; ++s) {
      if (s > 0) factorial *= static_cast<double>(s + c);
      for (std::size_t ties = 0; ties < others.size(); ++ties)
        curve[s + c - 1] += own * factorial * others[ties][s] / static_cast<double>(ties + 1);
    }
  }
  return curve;
}

ProbitLine fit_probit(std::span<const double> curve, std::size_t from) {
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (std::size_t k = std::max<std::size_t>(from, 1); k <= curve.size(); ++k) {
    const double x = std::sqrt(static_cast<double>(k));
    const double y = normal_quantile(std::clamp(curve[k - 1], 1e-12, 1 - 1e-12));
    n += 1, sx += x, sy += y, sxx += x * x, sxy += x * y;
  }
  if (n == 0) return {};
  const double spread = n * sxx - sx * sx;
  if (n < 2 || spread <= 0) return {.a = 0, .b = sy / n};
  const double a = (n * sxy - sx * sy) / spread;
  return {.a = a, .b = (sy - a * sx) / n};
}

}  // namespace bursar::sample
