// Response curves: how value grows with units, learned from observations, and a budget split under what was learned.
//
//   auto a = fit_response(pilots_of_a);        // {units, value} pairs: accuracy at 1k, 2k, 8k labels
//   auto b = fit_response(pilots_of_b);
//   auto plan = allocate_responses({{*a, *b}}, 50'000);
//   use(plan->amounts, plan->low, plan->high);     // labels for each, and how sure the split is
//
// Families (units x > 0, shape s > 0, gain g >= 0):
//   power       y = level - g x^-s           learning curves, scaling laws, uncertainty that falls as a power
//   saturating  y = level + g (1 - e^-x/s)   dose, reach, saturation
// Choose kBest to take the one of smaller residual. For a given shape the fit is linear, so the search is along one
// dimension (a grid of 80 shapes, then golden section): no start values and no local minima that matter. The covariance
// of (level, gain, log shape) is the usual s^2 (J' W J)^-1, or without s^2 where the errors of the observations are
// given. The split is water-filling on the fitted curves; its uncertainty comes from drawing curves from the fits: each
// draw is split anew, which gives the interval of every amount, and the plan is scored under it, which gives the
// regret: what better knowledge of the curves would be worth. Fit O(observations), plan O(draws x items).
// Source: variable projection (Golub, Pereyra 1973) along one shape; the split is water_filling.h's.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "bursar/allocate/water_filling.h"

namespace bursar::allocate {

enum class ResponseFamily : std::uint8_t { kPower, kSaturating, kBest };

struct Observation {
  double units = 0;  // > 0
  double value = 0;
  double error = 0;  // standard error of value; 0 where unknown (then all must be 0)
};

struct ResponseFit {
  ResponseFamily family = ResponseFamily::kPower;  // never kBest
  double level = 0;
  double gain = 0;
  double shape = 1;
  std::array<std::array<double, 3>, 3> covariance{};  // of level, gain, log shape
  double residual = 0;   // root mean square of the weighted residuals (in units of value where errors are unknown)
  double r_squared = 0;  // 1 - residual / variance, weighted; 1 where values do not vary
  bool shape_at_edge = false;  // the data do not tell the shape: it stopped at the end of its range
  std::size_t observations = 0;
};

struct Prediction {
  double value = 0;
  double error = 0;  // standard error of the curve at these units, by the delta method
};

// Errors: kInvalidArgument for fewer than 3 distinct units, units that are not positive, and numbers that are not
// finite (naming the observation).
[[nodiscard]] Result<ResponseFit> fit_response(std::span<const Observation> observations,
                                               ResponseFamily family = ResponseFamily::kBest);

[[nodiscard]] Prediction predict(const ResponseFit& fit, double units);

// The curve without its level: what a plan can change.
[[nodiscard]] Curve curve_of(const ResponseFit& fit);

struct ResponseProblem {
  std::vector<ResponseFit> fits;
  std::vector<double> floors = {};    // [items] or empty: 0; a power curve needs more than 0 units to have a value
  std::vector<double> ceilings = {};  // [items] or empty: none
  std::vector<double> costs = {};     // [items] or empty: 1 of the budget a unit
};

struct ResponseOptions {
  int draws = 200;        // of curves from the fits; 0: no intervals
  double coverage = 0.9;  // of the intervals
  std::uint64_t seed = 0;
};

struct ResponsePlan {
  std::vector<double> amounts;    // [items]
  std::vector<double> low, high;  // [items]: interval of the amount over draws
  double value = 0;               // predicted total, levels included
  double error = 0;               // its standard error
  double spent = 0;
  double price = 0;        // value of one more unit of budget
  double bound = 0;        // no split is worth more under the fitted curves
  double regret = 0;       // mean over draws: value of the draw's own best split less this plan's
  double regret_high = 0;  // its quantile at `coverage`
  StopReason stop = StopReason::kOptimal;
};

// Errors: as water_filling; kInvalidArgument for arrays of another length and options out of range.
[[nodiscard]] Result<ResponsePlan> allocate_responses(const ResponseProblem& problem, double budget,
                                                      const ResponseOptions& options = {});

}  // namespace bursar::allocate
