// Small models that are trained again and again while samples are bought: ridge regression and logistic regression.
//
//   const TrainingData data{.x = x, .y = y, .columns = 50};               // x [rows x columns], row-major
//   auto model = fit_ridge(data, bought_rows, /*lambda=*/33);
//   MeasuredError e = measure(*model, data, validation_rows);             // 1 - R^2 and its variance
//   sampler.observe(group, n, e.error, e.variance);
//
// Ridge minimises sum (y - b0 - x b)^2 + lambda |b|^2: in the primal, or in the dual where rows are fewer than columns.
// O(min(n, d) n d). Logistic maximises the likelihood less lambda/2 |b|^2 by Newton's steps, O(steps n d^2); y is 0
// or 1. Source: systems/equitable-sampling, "Interface".
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::explore {

struct TrainingData {
  std::span<const double> x;  // [rows x columns]
  std::span<const double> y;  // [rows]
  std::size_t columns = 0;
};

struct LinearModel {
  std::vector<double> weights;  // [columns]
  double intercept = 0;
  bool logistic = false;
};

struct MeasuredError {
  double error = 0;     // ridge: 1 - R^2, R^2 the squared correlation with its sign; logistic: share of wrong answers
  double variance = 0;  // of the measurement; > 0
};

// Errors: kInvalidArgument for no rows, rows that do not exist, numbers that are not finite, lambda < 0, and y other
// than 0 and 1 for fit_logistic; kInfeasible where lambda is 0 and columns depend on each other.
[[nodiscard]] Result<LinearModel> fit_ridge(const TrainingData& data, std::span<const std::uint32_t> rows,
                                            double lambda);
[[nodiscard]] Result<LinearModel> fit_logistic(const TrainingData& data, std::span<const std::uint32_t> rows,
                                               double lambda);

// Errors: kInvalidArgument for fewer than 3 rows and another number of columns.
[[nodiscard]] Result<MeasuredError> measure(const LinearModel& model, const TrainingData& data,
                                            std::span<const std::uint32_t> rows);

}  // namespace bursar::explore
