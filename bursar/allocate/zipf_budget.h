// How many tokens of a batch each feature of a sparse code may claim, when the densities of features follow a Zipf
// curve: the column caps of sparse_matching.h for feature choice.
//
//   auto curve = fit_zipf(densities);                                   // sorted or not
//   auto m = zipf_budgets(densities, {.tokens = 512, .per_token = 8, .curve = *curve});
//   auto match = sparse_match(affinity, {.column_caps = m->caps});
//
// q(r) = (r + beta)^-alpha for ranks r = 1 … F by falling density (ties by index); the r-th feature gets
// m = n k q(r) / sum q, by largest remainder, within 1 … n. alpha = 0: all the same. The fit is least squares of log
// density on log(rank + beta) over the ranks from 2 % to 80 %, beta on a grid of {0, 1, 2, 5, 10, 20, 50}, alpha
// clipped to .3 … 2.5: real features fall below the curve at its lower end. O(F log F). Source: systems/sae-choice.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::allocate {

struct ZipfCurve {
  double alpha = 1;  // >= 0
  double beta = 0;   // >= 0
  double error = 0;  // of a fit: root mean square of log density
};

// Densities: shares of tokens on which each feature fires, >= 0. Errors: kInvalidArgument naming the feature, and where
// fewer than three positive densities lie in the ranks that are fitted.
[[nodiscard]] Result<ZipfCurve> fit_zipf(std::span<const double> densities);

struct ZipfDemand {
  std::int64_t tokens = 0;     // n >= 1
  std::int64_t per_token = 0;  // k >= 0: matches a token on average
  ZipfCurve curve;
};

struct ZipfBudgets {
  std::vector<std::int64_t> caps;  // [features]
  std::int64_t total = 0;          // their sum: n k, within features … n features
  bool forced = false;             // n k is less than the features, or more than all can hold, and the sum differs
};

[[nodiscard]] Result<ZipfBudgets> zipf_budgets(std::span<const double> densities, const ZipfDemand& demand);

}  // namespace bursar::allocate
