// The inner loops of RidgeModel::score, for sixteen rows of features at a time.
//
// x is [d x kRowsAtOnce]: number i of every row, then number i + 1. Every row is summed in the same order whatever the
// width of the machine's vectors, and without fused multiply-add, so that the bits are the same.
#pragma once

#include <cstddef>

namespace bursar::explore {

inline constexpr std::size_t kRowsAtOnce = 16;

// out[r] = theta . x_r
void linear_rows(const double* theta, const double* x, std::size_t d, double* out);
// out[r] = sum_i sum_{j >= i} half_ij x_ri x_rj
void quadratic_rows(const double* half, const double* x, std::size_t d, double* out);

}  // namespace bursar::explore
