// What is believed of the score of a configuration, from a few noisy trials: a Bayesian linear model of its logarithm.
//
//   ScoreSurrogate belief(space);                               // of a ConfigSpace
//   belief.add(configuration, {.value = .62, .examples = 50});
//   Belief b = belief.of(configuration);                        // mean and standard deviation of log score
//   std::vector<double> weights = belief.draw(.7, random);      // Thompson: a plausible world
//   belief.worth(weights, stage, choice);                       // what a choice adds to its log score
//
//   log score = c + sum_i (a_im + b_im ln S + d_im (ln S)^2),   with Gaussian priors that say what is usual:
//   c ~ N(ln .4, 1), a ~ N(.10 rank / (models - 1), .25^2), b ~ N(.13, .10^2), d ~ N(-.025, .03^2)
// larger models are better, more samples help up to a point, and stages multiply. Noise of a score y on n examples:
// variance (1 - y) / (n y) of its logarithm, plus .03^2 for what the model leaves out. A posterior is one linear solve,
// O(p^3 + trials p^2), p = 1 + 3 sum models. Source: systems/agenttts (the surrogate [choice]).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/plan/config_search/config_space.h"

namespace bursar::plan {

struct Score {
  double value = 0;            // in [0, 1]
  std::int64_t examples = 50;  // it is the mean of, >= 1
  std::vector<double> stages;  // of each stage alone, where measured: kept, and not learned from
};

struct SurrogateOptions {
  bool curvature = true;  // false: d = 0, more samples never hurt
};

struct Belief {
  double mean = 0, sd = 0;
};

// A difference of log scores, or a slope: any linear combination of the weights.
using SurrogateRow = std::vector<double>;

class ScoreSurrogate {
 public:
  explicit ScoreSurrogate(const ConfigSpace& space, SurrogateOptions options = {});

  // A score of 0 says nothing that a logarithm can hold and is left out; so is one that has no examples.
  void add(const Configuration& configuration, const Score& score);

  [[nodiscard]] SurrogateRow row(const Configuration& configuration) const;
  [[nodiscard]] SurrogateRow slope(std::size_t stage, const StageChoice& choice) const;  // d log score / d ln S
  [[nodiscard]] Belief of(const SurrogateRow& row) const;
  [[nodiscard]] Belief of(const Configuration& configuration) const { return of(row(configuration)); }

  // Weights: posterior mean + scale x a draw of its spread.
  [[nodiscard]] std::vector<double> draw(double scale, RandomStream& random) const;
  [[nodiscard]] const std::vector<double>& mean() const;
  [[nodiscard]] double worth(std::span<const double> weights, std::size_t stage, const StageChoice& choice) const;

 private:
  [[nodiscard]] std::size_t place(std::size_t stage, std::size_t model) const {
    return 1 + 3 * (first_[stage] + model);
  }
  void solve() const;

  std::vector<std::size_t> first_;  // [stages]: models of the stages before
  std::size_t size_ = 1;
  std::vector<double> precision_, weighted_;  // [p x p], [p]: prior and trials
  mutable bool solved_ = false;
  mutable std::vector<double> mean_, lower_;  // [p]; Cholesky factor of the precision, [p x p]
};

}  // namespace bursar::plan
