// Noise that hides one reward in a mean, and what leaves after it.
//
//   const double scale = noise_scale({.epsilon = .5}, /*count=*/200);    // 1 / (epsilon n)
//   const double out = release_mean(mean, scale, PrivateNoise::kLaplace, random);
//
// A mean of n rewards in [0, 1] moves by at most 1/n when one reward changes.
//   Laplace  scale 1/(epsilon n):                              epsilon-DP.
//   Gaussian deviation sqrt(2 ln(1.25/delta))/(epsilon n):     (epsilon, delta)-DP for epsilon < 1.
// With a user weight w (one person stands behind at most w rewards) both scales grow by w, and the guarantee is per
// person. Floating-point noise leaks through its last bits, so draws come from 53-bit uniforms without 0, and what
// leaves is rounded to multiples of the largest power of two within 2^-20 of the scale. Tails end at 36 scales: what
// lies beyond has a chance below 2^-51. The stream is reproducible and no cipher: keep the seed with the rewards.
// Source: systems/dp-bai.
#pragma once

#include <cstdint>
#include <string_view>

#include "bursar/core/random.h"
#include "bursar/core/result.h"

namespace bursar::explore {

enum class PrivateNoise : std::uint8_t {
  kLaplace,
  kGaussian,
  kNone,  // no privacy: for comparison, and for data that need none
};
[[nodiscard]] std::string_view name_of(PrivateNoise noise);  // "laplace", "gaussian", "none"

struct NoiseOptions {
  PrivateNoise noise = PrivateNoise::kLaplace;
  double epsilon = 0;      // > 0, at most 10^6; below 1 for kGaussian; not read for kNone
  double delta = 0;        // 0 for kLaplace, in (0, 1) for kGaussian
  double user_weight = 1;  // >= 1: rewards that one person may stand behind
};

// Errors: kInvalidArgument naming the field and its range.
[[nodiscard]] Result<void> check_noise(const NoiseOptions& options);

// Of a mean of `count` >= 1 rewards; 0 for kNone. `options` must have passed check_noise.
[[nodiscard]] double noise_scale(const NoiseOptions& options, std::uint64_t count);

// mean + noise, snapped; `mean` itself for a scale of 0.
[[nodiscard]] double release_mean(double mean, double scale, PrivateNoise noise, RandomStream& random);

}  // namespace bursar::explore
