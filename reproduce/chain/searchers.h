// Searches of configurations that ours is held against: at random, Gaussian process with expected improvement,
// evolution.
//
//   Searched run = search_gaussian_process(space, measure, 50, RandomStream(3));
//   run.trials;                       // in order
//   run.recommended;
#pragma once

#include <functional>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/plan/config_search/config_space.h"

namespace bursar::reproduce {

using Measure = std::function<double(const plan::Configuration&)>;  // a noisy score in [0, 1]

struct Searched {
  std::vector<plan::Configuration> trials;
  plan::Configuration recommended;
};

// Recommends the best raw score.
[[nodiscard]] Searched search_at_random(const plan::ConfigSpace& space, const Measure& measure, std::size_t trials,
                                        RandomStream random);
// Matern-5/2 over the logarithms of parameters and samples, hyperparameters by marginal likelihood on a small grid; 10
// trials at random, then the largest expected improvement over 2,000 random configurations and the neighbours of the
// best. Recommends the largest posterior mean of those tried.
[[nodiscard]] Searched search_gaussian_process(const plan::ConfigSpace& space, const Measure& measure,
                                               std::size_t trials, RandomStream random);
// The operators of the published code: rank selection, one-point crossover (.8), mutation of a model or of samples by
// -10, 0 or +10 (.5); generations of ten. Recommends the best raw score.
[[nodiscard]] Searched search_by_evolution(const plan::ConfigSpace& space, const Measure& measure, std::size_t trials,
                                           RandomStream random);

}  // namespace bursar::reproduce
