// How often a majority of k samples agrees with the final answer, as a curve of k.
//
//   auto curve = agreement_curve(std::vector{.5, .3, .2}, 0, 40);   // curve[k - 1] = A(k); A(1) = A(2) = .5
//   ProbitLine line = fit_probit(curve);                            // A(k) ~ Phi(a sqrt(k) + b)
//
// Exact: k samples fall on the options as a multinomial; the option wins with the chance that its count is the largest,
// and with an equal share where it ties. For each count c of the option, the others' generating function up to x^c,
// with a marker for those that reach c, gives all k at once. O(options^2 longest^3). Source: systems/pets.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::sample {

// `shares` sum to 1 within 1e-6, each >= 0; option < size; longest in 1 … 100 (its factorial is a double).
[[nodiscard]] Result<std::vector<double>> agreement_curve(std::span<const double> shares, std::size_t option,
                                                          std::size_t longest);

struct ProbitLine {
  double a = 0, b = 0;
};

// Least squares of Phi^-1(A(k)) on sqrt(k) over k = from … size; A is clipped to [1e-12, 1 - 1e-12]. Where that leaves
// one point or none, a = 0.
[[nodiscard]] ProbitLine fit_probit(std::span<const double> curve, std::size_t from = 3);

}  // namespace bursar::sample
