// The baseline of systems/dp-bai: elimination by a D-optimal design and least squares (OD-LinBAI), with noise added in
// one of two places.
//
//   DesignElimination search(features, 30, 3, /*least_weight=*/.005);
//   std::size_t arm = search.run({.samples = 10'000, .epsilon = .5, .noise = DesignNoise::kOnMeans}, sum, random);
//
// R = ceil(log2 d) phases; in each, weights w of a D-optimal design over what is left (Frank-Wolfe until the largest
// leverage is at most 1.01 d), about w_i T/R pulls of each arm of the design, weighted least squares, and the
// ceil(d / 2^r) best estimates survive. kOnMeans: Laplace noise 1/(epsilon n_i) on each mean of the design (parallel
// composition, as careful as can be). kOnEstimates: noise on every estimate that is released, scaled by what one reward
// moves all of them together. Weights below `least_weight` are dropped from the design: Frank-Wolfe leaves a trail of
// small ones, each of which is pulled a few times and noised as much as that needs. Never more than T samples. Designs
// are kept: phases with the same arms share one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "bursar/core/random.h"

namespace bursar::reproduce {

enum class DesignNoise : std::uint8_t { kNone, kOnMeans, kOnEstimates };

struct DesignRun {
  std::uint64_t samples = 0;
  double epsilon = 0;
  DesignNoise noise = DesignNoise::kNone;
};

// The sum of `count` rewards of the arm.
using DrawSum = std::function<double(std::size_t arm, std::uint64_t count)>;

class DesignElimination {
 public:
  DesignElimination(std::vector<double> features, std::size_t arms, std::size_t dimension, double least_weight);
  [[nodiscard]] std::size_t run(const DesignRun& how, const DrawSum& draw, RandomStream& random);

 private:
  struct Design {
    std::vector<double> weights;  // [active], 0 outside the support
    std::vector<double> rows;     // [active x rank], coordinates
    std::size_t rank = 0, support = 0;
  };
  const Design& design_of(const std::vector<std::size_t>& active);

  std::vector<double> features_;
  std::size_t arms_, dimension_;
  double least_weight_;
  std::map<std::vector<std::size_t>, Design> designs_;
};

}  // namespace bursar::reproduce
