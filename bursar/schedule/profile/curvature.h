// The condition number of a loss from products of its Hessian with vectors, which trainers give at the price of two
// gradients: for advise_phi().
//
//   auto found = estimate_kappa(parameters, [&](auto v, auto out) { hessian_times(v, out); }, {.seed = 1});
//   found->kappa; found->largest; found->smallest;
//
// `probes` runs of Lanczos from random starts, with full re-orthogonalisation, at most `steps` products each. largest:
// the largest eigenvalue of them all, a lower bound that is usually right to several digits. smallest: the
// `low_quantile` of the density of the positive eigenvalues (weights: squared first components of the eigenvectors of
// the tridiagonal matrix, averaged over the probes); the smallest eigenvalue itself of a network is 0 for all practical
// purposes, and says nothing. With steps >= n and low_quantile = 0 both are exact. negative_share is the weight of the
// eigenvalues below -1e-9 largest: where it is not small, the quadratic model is a poor guide.
// Errors, kInvalidArgument: n < 1, options out of range, products that are not finite; kInfeasible: no positive
// curvature; kExhausted: n x steps above 2^29. The product is taken to be symmetric and is not checked. O(probes (steps
// products + n steps^2)), n x steps doubles. Source: systems/uba, derived.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "bursar/core/result.h"

namespace bursar::schedule {

using HessianProduct = std::function<void(std::span<const double> v, std::span<double> out)>;

struct KappaOptions {
  std::size_t steps = 48;    // 2 … 1,024
  std::size_t probes = 2;    // 1 … 64
  double low_quantile = .1;  // in [0, 1)
  std::uint64_t seed = 1;
};

struct KappaEstimate {
  double kappa = 1;  // largest / smallest
  double largest = 0, smallest = 0;
  double negative_share = 0;
  std::size_t products = 0;
};

[[nodiscard]] Result<KappaEstimate> estimate_kappa(std::size_t n, const HessianProduct& product,
                                                   const KappaOptions& options = {});

}  // namespace bursar::schedule
