// What noisy measurements of a learning curve say about it: a mixture over exponents of exact linear regressions.
//
//   auto posterior = CurvePosterior::fit({}, observations);     // {n, error, variance} each
//   posterior->at(2000).error, posterior->at(2000).deviation;   // predicted at 2000 samples, and how sure
//   LearningCurve drawn = posterior->draw(random);              // Thompson sampling
//
// e(n) = a + b n^-gamma, gamma on a grid .20, .25, …, 1.00 with prior N(.5, .2^2); given gamma, (a, b) is Gaussian and
// the measurements linear in it with known variances:
//   P = P0 + X'WX,  m = P^-1 (P0 m0 + X'We),
//   ln evidence = ln prior + 1/2 ln|P0| - 1/2 ln|P| - 1/2 (e'We + m0'P0 m0 - m'P m).
// A least-squares fit with argmax in its place starves a group whose noisy curve looks flat. O(grid x observations).
// Source: systems/equitable-sampling, B 3.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/core/result.h"
#include "bursar/explore/equitable/learning_curve.h"

namespace bursar::explore {

struct CurvePrior {
  double gamma_low = .2, gamma_high = 1, gamma_step = .05;
  double gamma_mean = .5, gamma_deviation = .2;
  double a_mean = .1, a_deviation = .2;
  double b_mean = 2, b_deviation = 3;
};

struct CurveObservation {
  double n = 0;  // > 0 samples that the model was trained on
  double error = 0;
  double variance = 0;  // > 0, of `error` as measured
};

struct CurveEstimate {
  double error = 0, deviation = 0;
};

class CurvePosterior {
 public:
  struct Part {  // given one gamma
    double gamma = 0, weight = 0;
    std::array<double, 2> mean{};        // of a, b
    std::array<double, 3> covariance{};  // aa, ab, bb
  };

  // Errors: kInvalidArgument for an n or variance that is not above 0, an error that is not in [0, inf), and a prior
  // out of range. No observations: the prior.
  [[nodiscard]] static Result<CurvePosterior> fit(const CurvePrior& prior, std::span<const CurveObservation> seen);

  [[nodiscard]] std::span<const Part> parts() const { return parts_; }  // weights sum to 1
  [[nodiscard]] CurveEstimate at(double n) const;                       // mean and deviation of the mixture
  [[nodiscard]] LearningCurve likeliest() const;                        // of the heaviest part; a, b cut at 0
  [[nodiscard]] LearningCurve draw(RandomStream& random) const;         // a, b not cut: error(n) may be negative

 private:
  std::vector<Part> parts_;
};

}  // namespace bursar::explore
