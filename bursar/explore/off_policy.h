// What another policy would have earned, from the log of one that explored.
//
//   std::vector<LoggedStep> log = …;      // each with the propensity of what was done
//   Estimate e = self_normalised(log).value();      // e.mean ± 2 e.standard_error
//
// target: the probability that the new policy gives to the logged arm in the logged context (1 or 0 where it decides).
//   ips               mean of r w, w = target / propensity: unbiased, noisy where w is large
//   self_normalised   sum r w / sum w: slightly biased, far less noisy; the everyday choice
//   doubly_robust     mean of  model_target + w (r - model_logged): unbiased, and as good as the model where that is
//   good
// `effective` is (sum w)^2 / sum w^2: of so many rounds' worth is the answer. Errors: kInvalidArgument for an empty
// log, a propensity outside (0, 1], a target outside [0, 1], a reward that is not finite. O(steps).
// Source: systems/bandits, 24.
#pragma once

#include <span>

#include "bursar/core/result.h"

namespace bursar::explore {

struct LoggedStep {
  double propensity = 1, target = 0, reward = 0;
  double model_logged = 0;  // doubly_robust: what a model expects of the logged arm,
  double model_target = 0;  // and of the new policy in this context
};

struct Estimate {
  double mean = 0, standard_error = 0, effective = 0;
};

[[nodiscard]] Result<Estimate> ips(std::span<const LoggedStep> log);
[[nodiscard]] Result<Estimate> self_normalised(std::span<const LoggedStep> log);
[[nodiscard]] Result<Estimate> doubly_robust(std::span<const LoggedStep> log);

}  // namespace bursar::explore
