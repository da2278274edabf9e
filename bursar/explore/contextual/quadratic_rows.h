// The inner loops of RidgeModel. Rows of features are scored sixteen at a time: x is [d x kRowsAtOnce], number i of
// every row, then number i + 1.
//
// Every sum runs in the same order whatever the width of the machine's vectors, and without fused multiply-add, so that
// the bits are the same on every machine.
#pragma once

#include <cstddef>

namespace bursar::explore {

inline constexpr std::size_t kRowsAtOnce = 16;

// out[r] = theta . x_r
void linear_rows(const double* theta, const double* x, std::size_t d, double* out);
// out[r] = sum_i sum_{j >= i} half_ij x_ri x_rj
void quadratic_rows(const double* half, const double* x, std::size_t d, double* out);
// out = M x of a symmetric [d x d] matrix, by its rows.
void symmetric_times(const double* matrix, const double* x, std::size_t d, double* out);
// M += scale u u^T
void add_square(double* matrix, double scale, const double* u, std::size_t d);

}  // namespace bursar::explore
