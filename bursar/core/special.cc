#include "bursar/core/special.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

namespace bursar {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// No exceptions: overflow gives infinity, and a series that does not converge its best estimate.
using Quiet =
    boost::math::policies::policy<boost::math::policies::domain_error<boost::math::policies::ignore_error>,
                                  boost::math::policies::pole_error<boost::math::policies::ignore_error>,
                                  boost::math::policies::overflow_error<boost::math::policies::ignore_error>,
                                  boost::math::policies::evaluation_error<boost::math::policies::ignore_error>,
                                  boost::math::policies::promote_double<false>>;

std::string print(double x) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, x).ptr};
}

tl::unexpected<Error> outside(std::string_view function, std::string_view argument, std::string_view domain,
                              double is) {
  return invalid_argument(std::string(function) + ": " + std::string(argument) + " must be " + std::string(domain) +
                          ", is " + print(is));
}

bool is_positive(double x) { return x > 0 && std::isfinite(x); }
bool is_share(double x) { return x >= 0 && x <= 1; }

}  // namespace

Result<double> log_gamma(double x) {
  if (!is_positive(x)) return outside("log_gamma", "x", "positive", x);
  return boost::math::lgamma(x, Quiet{});
}

Result<double> log_choose(double n, double k) {
  if (!(n >= 0 && std::isfinite(n))) return outside("log_choose", "n", "at least 0", n);
  if (!(k >= 0 && k <= n)) return outside("log_choose", "k", "from 0 to n", k);
  const double smaller = std::min(k, n - k);
  if (smaller == 0) return 0.0;
  // C(n, k) = 1 / ((n + 1) B(k + 1, n - k + 1)); three large log-gammas would cancel.
  const double beta = boost::math::beta(smaller + 1, n - smaller + 1, Quiet{});
  if (beta > std::numeric_limits<double>::min()) return -std::log1p(n) - std::log(beta);
  return boost::math::lgamma(n + 1, Quiet{}) - boost::math::lgamma(smaller + 1, Quiet{}) -
         boost::math::lgamma(n - smaller + 1, Quiet{});
}

Result<double> incomplete_beta(double a, double b, double x) {
  if (!is_positive(a)) return outside("incomplete_beta", "a", "positive", a);
  if (!is_positive(b)) return outside("incomplete_beta", "b", "positive", b);
  if (!is_share(x)) return outside("incomplete_beta", "x", "from 0 to 1", x);
  return boost::math::ibeta(a, b, x, Quiet{});
}

Result<double> inverse_incomplete_beta(double a, double b, double p) {
  if (!is_positive(a)) return outside("inverse_incomplete_beta", "a", "positive", a);
  if (!is_positive(b)) return outside("inverse_incomplete_beta", "b", "positive", b);
  if (!is_share(p)) return outside("inverse_incomplete_beta", "p", "from 0 to 1", p);
  return boost::math::ibeta_inv(a, b, p, Quiet{});
}

Result<double> incomplete_gamma(double a, double x) {
  if (!is_positive(a)) return outside("incomplete_gamma", "a", "positive", a);
  if (!(x >= 0)) return outside("incomplete_gamma", "x", "at least 0", x);
  if (x == kInfinity) return 1.0;
  return boost::math::gamma_p(a, x, Quiet{});
}

Result<double> inverse_incomplete_gamma(double a, double p) {
  if (!is_positive(a)) return outside("inverse_incomplete_gamma", "a", "positive", a);
  if (!(p >= 0 && p < 1)) return outside("inverse_incomplete_gamma", "p", "at least 0 and less than 1", p);
  return boost::math::gamma_p_inv(a, p, Quiet{});
}

double normal_cdf(double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; }

double normal_quantile(double p) {
  if (std::isnan(p)) return p;
  if (p <= 0) return -kInfinity;
  if (p >= 1) return kInfinity;
  return -std::numbers::sqrt2 * boost::math::erfc_inv(2 * p, Quiet{});
}

double log1mexp(double x) {
  if (std::isnan(x)) return x;
  if (x >= 0) return -kInfinity;
  return x > -std::numbers::ln2 ? std::log(-std::expm1(x)) : std::log1p(-std::exp(x));
}

double logsumexp(std::span<const double> x) {
  if (x.empty()) return -kInfinity;
  const double largest = *std::ranges::max_element(x);
  if (std::isinf(largest)) {
    const bool has_nan = std::ranges::any_of(x, [](double v) { return std::isnan(v); });
    return has_nan ? std::numeric_limits<double>::quiet_NaN() : largest;
  }
  double sum = 0;
  for (const double v : x) sum += std::exp(v - largest);
  return largest + std::log(sum);
}

}  // namespace bursar
