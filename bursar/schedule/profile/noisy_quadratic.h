// Stochastic gradient descent on a quadratic, exactly: what a schedule of learning rates is worth where the curvatures
// and the noise of the gradients are known.
//
//   auto problem = NoisyQuadratic::create({.low = 1e-4, .high = 1, .noise = .01});
//   double loss = *problem->loss(schedule_table);                  // after those steps
//   auto best = problem->best(schedule_of_peak_1, peaks);          // a schedule at its own best peak
//
// Along each of `count` curvatures lambda, evenly spaced in the logarithm from low to high, the squared error e is
//   e_{t+1} = (1 - eta_t lambda)^2 e_t + eta_t^2 sigma^2(lambda),   e_0 = 1,   loss = 1/2 sum lambda e_T
// with sigma^2 = noise, or noise x lambda where the noise follows the curvature. No sampling. Errors,
// kInvalidArgument: curvatures that are not 0 < low <= high, noise < 0, count outside 1 … 65,536, rates that are
// negative or not finite. A loss that overflows is infinite. Source: systems/rex, systems/uba. O(count x steps).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::schedule {

struct NoisyQuadraticOptions {
  double low = 1e-4, high = 1;  // curvatures
  double noise = .01;
  bool noise_follows_curvature = false;
  std::int64_t count = 80;  // curvatures
};

struct BestPeak {
  double loss = 0, peak = 0;
};

class NoisyQuadratic {
 public:
  static Result<NoisyQuadratic> create(const NoisyQuadraticOptions& options);

  // Every rate is used for `repeats` steps (>= 1): schedules that are held between readings cost O(count x readings x
  // log repeats).
  [[nodiscard]] Result<double> loss(std::span<const double> rates, std::int64_t repeats = 1) const;
  // Of the peaks given (not empty), the one at which peak x shares has the least loss; the first of equal ones.
  [[nodiscard]] Result<BestPeak> best(std::span<const double> shares, std::span<const double> peaks,
                                      std::int64_t repeats = 1) const;

 private:
  NoisyQuadratic() = default;
  void steps(double rate, std::int64_t repeats, std::span<double> errors) const;

  std::vector<double> curvatures_, noises_;
};

// `count` numbers from low to high, evenly spaced in the logarithm, both ends included; 0 < low <= high, count >= 2.
[[nodiscard]] std::vector<double> log_spaced(double low, double high, std::size_t count);

}  // namespace bursar::schedule
