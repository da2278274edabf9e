#include "bursar/explore/private_best_arm/private_noise.h"

#include <cmath>
#include <string>

#include "bursar/allocate/solve.h"

namespace bursar::explore {
namespace {

constexpr int kGridBits = 20;  // below the scale
constexpr double kMostEpsilon = 1e6, kMostWeight = 1e9;

// By its inverse distribution function, from a uniform of (0, 1) whose largest and smallest are 2^-53 from the ends.
double draw_laplace(RandomStream& random) {
  double u = 0;
  while (u == 0) u = random.uniform01();
  return u < .5 ? std::log(2 * u) : -std::log(2 * (1 - u));
}

}  // namespace

std::string_view name_of(PrivateNoise noise) {
  switch (noise) {
    case PrivateNoise::kLaplace: return "laplace";
    case PrivateNoise::kGaussian: return "gaussian";
    case PrivateNoise::kNone: return "none";
  }
  return "?";
}

Result<void> check_noise(const NoiseOptions& options) {
  if (options.noise == PrivateNoise::kNone) return {};
  if (!(options.epsilon > 0 && options.epsilon <= kMostEpsilon)) {
    return invalid_argument("epsilon: is " + allocate::to_text(options.epsilon) +
                            "; it must be above 0 and at most 10^6");
  }
  if (options.noise == PrivateNoise::kGaussian && options.epsilon >= 1) {
    return invalid_argument("epsilon: is " + allocate::to_text(options.epsilon) +
                            "; Gaussian noise of this scale is proved below 1 alone: use Laplace noise");
  }
  if (options.noise == PrivateNoise::kGaussian && !(options.delta > 0 && options.delta < 1)) {
    return invalid_argument("delta: is " + allocate::to_text(options.delta) +
                            "; Gaussian noise needs one above 0 and below 1");
  }
  if (options.noise == PrivateNoise::kLaplace && options.delta != 0) {
    return invalid_argument("delta: is " + allocate::to_text(options.delta) + "; Laplace noise needs none: leave it 0");
  }
  if (!(options.user_weight >= 1 && options.user_weight <= kMostWeight)) {
    return invalid_argument("user_weight: is " + allocate::to_text(options.user_weight) +
                            "; it must be from 1 to 10^9 rewards");
  }
  return {};
}

double noise_scale(const NoiseOptions& options, std::uint64_t count) {
  if (options.noise == PrivateNoise::kNone) return 0;
  const double factor = options.noise == PrivateNoise::kGaussian ? std::sqrt(2 * std::log(1.25 / options.delta)) : 1;
  return options.user_weight * factor / (options.epsilon * static_cast<double>(count));
}

double release_mean(double mean, double scale, PrivateNoise noise, RandomStream& random) {
  if (scale == 0 || noise == PrivateNoise::kNone) return mean;
  const double drawn = noise == PrivateNoise::kLaplace ? draw_laplace(random) : random.normal();
  // A power of two: the division is exact, and what leaves has no bits below the grid.
  const double grid = std::ldexp(1.0, std::ilogb(scale) - kGridBits);
  return std::nearbyint((mean + scale * drawn) / grid) * grid;
}

}  // namespace bursar::explore
