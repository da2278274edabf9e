// Which phi of the profile uba (systems/uba) suits a budget: short for an ill-conditioned problem, hold and drop late
// (small phi); ample, or noisy gradients, decay early (large phi).
//
//   auto advice = advise_phi({.kappa = 1e3, .total = 300, .noise = .01});
//   advice->phi, advice->loss_by_phi;
//
// Model: the noisy quadratic (noisy_quadratic.h) with curvatures in [1 / kappa, 1] and sigma^2 = noise x curvature,
// for relative noise of gradients. phi = argmin over {1/8, 1/4, 1/2, 1, 2, 4, 8} of the least loss over the peak in
// (0, 2]; the larger phi where two agree to 1e-9. phi = 2 is cosine annealing, so the advice is never worse than
// cosine in the model. Errors, kInvalidArgument: kappa < 1, total < 1, noise < 0, numbers that are not finite.
// Exact up to 1,024 steps; longer schedules are read at 1,024 evenly spaced steps. O(min(total, 1024)), milliseconds
// for hundreds of steps.
#pragma once

#include <cstdint>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::schedule {

struct PhiQuestion {
  double kappa = 1;        // condition number: largest over smallest curvature
  std::int64_t total = 0;  // steps
  double noise = .01;      // nu
};

struct PhiLoss {
  double phi = 0, loss = 0, peak = 0;  // at its best peak, in units of 1 / the largest curvature
};

struct PhiAdvice {
  double phi = 0;
  std::vector<PhiLoss> loss_by_phi;  // by increasing phi
};

[[nodiscard]] Result<PhiAdvice> advise_phi(const PhiQuestion& question);

}  // namespace bursar::schedule
