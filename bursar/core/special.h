// Special functions with their domains checked: where the mathematics has no value, the answer is an Error, never a NaN
// that travels.
//
//   Result<double> p = incomplete_beta(2, 5, 0.3);      // I_x(a, b) = 0.579825
//   double total = logsumexp(std::vector{-1000.0, -1000.0});  // -999.3069
//
// Relative error about 1e-14 (Boost.Math). Errors: kInvalidArgument naming the argument and its domain.
#pragma once

#include <span>

#include "bursar/core/result.h"

namespace bursar {

[[nodiscard]] Result<double> log_gamma(double x);                            // log Gamma(x), x > 0
[[nodiscard]] Result<double> log_choose(double n, double k);                 // log C(n, k), 0 <= k <= n
[[nodiscard]] Result<double> incomplete_beta(double a, double b, double x);  // I_x(a, b); a, b > 0, x in [0, 1]
[[nodiscard]] Result<double> inverse_incomplete_beta(double a, double b, double p);
[[nodiscard]] Result<double> incomplete_gamma(double a, double x);          // P(a, x); a > 0, x >= 0
[[nodiscard]] Result<double> inverse_incomplete_gamma(double a, double p);  // p in [0, 1): 1 would be infinity

// Total functions: a double for every double, NaN only for NaN.
[[nodiscard]] double normal_cdf(double z);
[[nodiscard]] double normal_quantile(double p);  // -inf at p <= 0, inf at p >= 1
[[nodiscard]] double log1mexp(double x);         // log(1 - e^x) for x <= 0, accurate at both ends; -inf for x >= 0
[[nodiscard]] double logsumexp(std::span<const double> x);  // log sum e^x_i; -inf for none

}  // namespace bursar
