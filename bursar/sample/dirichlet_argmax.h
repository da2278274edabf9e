// How sure a belief about an answer distribution is of its most likely answer.
//
//   double p = *dirichlet_argmax(std::vector<double>{2, 1, 1, 1}, 0);   // 25/48: option 0 is the largest
//
// I_m = P(theta_m is the largest), theta ~ Dirichlet(alpha), is  int gamma(x; alpha_m) prod_{l != m} P(alpha_l, x) dx:
// Gamma variables with shapes alpha, of which m is the largest. Gauss-Legendre, 24 panels of 15 points around alpha_m:
// about 1e-10, and free of the noise of the published code's 500 draws, whose error is larger than late gains. A belief
// costs 360 points x (options + largest alpha) where all alpha are whole, else 360 x options special functions.
// Source: systems/pets.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::sample {

// alpha >= 1 each, finite; at least two options. Errors: kInvalidArgument naming the option.
[[nodiscard]] Result<double> dirichlet_argmax(std::span<const double> alpha, std::size_t option);

// The gain of one more sample where it confirms the leader: h(alpha + step e_top) - h(alpha), h the largest I. Beliefs
// that are permutations of each other share an entry; few are distinct, so that nearly every question is a lookup.
class ArgmaxGains {
 public:
  explicit ArgmaxGains(double step = 1) : step_(step) {}
  // alpha as above, in any order; not checked.
  [[nodiscard]] double certainty(std::span<const double> alpha);  // h
  [[nodiscard]] double gain(std::span<const double> alpha);

 private:
  double step_;
  std::vector<double> sorted_;
  std::unordered_map<std::string, double> known_;  // by the bytes of the sorted shapes
};

}  // namespace bursar::sample
