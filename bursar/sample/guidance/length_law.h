// How many tokens of thinking are left, as a law that is cheap to ask: a Gamma on the logarithm of the length.
//
//   LengthLaw law = *fit_length_law(lengths);         // of training traces that stood where this one stands
//   law.cdf(120);                                     // the chance that the thinking ends within 120 tokens
//   law.mode_tokens();                                // its most likely length
//
// ln(L + 1) ~ Gamma(shape alpha, rate lambda), so  Pr(L <= R) = P(alpha, lambda ln(R + 1)),  P the regularised lower
// incomplete gamma. Lengths count the end mark: the last line of thinking has at least one token left. Maximum
// likelihood: with z = ln(L + 1) and s = ln(mean z) - mean(ln z), Newton on ln(alpha) - digamma(alpha) = s from
// (3 - s + sqrt((s - 3)^2 + 24 s)) / (12 s), and lambda = alpha / mean z. A cdf O(1), a fit O(lengths).
// Source: systems/budget-guidance.
#pragma once

#include <span>

#include "bursar/core/result.h"

namespace bursar::sample {

struct LengthLaw {
  double shape = 1, rate = 1;  // both > 0 and finite; check() says so

  [[nodiscard]] double cdf(double tokens) const;  // Pr(L <= tokens) in [0, 1]; 0 for tokens < 0
  // e^((shape - 1) / rate) - 1, and 0 for shapes below 1: the mode of ln(L + 1), in tokens.
  [[nodiscard]] double mode_tokens() const;

  bool operator==(const LengthLaw&) const = default;
};

// Of a token that is the end itself: cdf(1) is .99996, and the published mask lets it pass.
inline constexpr LengthLaw kEndsNow{.shape = 1e4, .rate = 1.5e4};

// kInvalidArgument naming the field that is not a positive number.
[[nodiscard]] Result<void> check(const LengthLaw& law);

// Lengths that (nearly) all agree would have a shape without bound: it stays at this, a law a thousandth wide.
inline constexpr double kMostLengthShape = 1e6;

// Errors: kInvalidArgument for no lengths, and naming the one that is not a positive number.
[[nodiscard]] Result<LengthLaw> fit_length_law(std::span<const double> lengths);

// Kolmogorov-Smirnov distance between law and lengths where it is asked, at whole lengths: max over observed L of
// |share of lengths <= L - law.cdf(L)|, and of the same just before L. In [0, 1]; 0 for no lengths. O(n log n).
[[nodiscard]] double length_law_distance(const LengthLaw& law, std::span<const double> lengths);

}  // namespace bursar::sample
