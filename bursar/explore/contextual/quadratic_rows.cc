#include "bursar/explore/contextual/quadratic_rows.h"

// With the widest vectors that the machine has; sanitizers cannot start programs that choose functions while loading.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define BURSAR_WIDE __attribute__((target_clones("default", "avx2")))
#else
#define BURSAR_WIDE
#endif

namespace bursar::explore {

BURSAR_WIDE void linear_rows(const double* theta, const double* x, std::size_t d, double* out) {
  double sum[kRowsAtOnce] = {};
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t r = 0; r < kRowsAtOnce; ++r) sum[r] += theta[i] * x[i * kRowsAtOnce + r];
  }
  for (std::size_t r = 0; r < kRowsAtOnce; ++r) out[r] = sum[r];
}

BURSAR_WIDE void quadratic_rows(const double* half, const double* x, std::size_t d, double* out) {
  double total[kRowsAtOnce] = {};
  for (std::size_t i = 0; i < d; ++i) {
    double sum[kRowsAtOnce] = {};
    for (std::size_t j = i; j < d; ++j) {
      const double m = *half++;
      for (std::size_t r = 0; r < kRowsAtOnce; ++r) sum[r] += m * x[j * kRowsAtOnce + r];
    }
    for (std::size_t r = 0; r < kRowsAtOnce; ++r) total[r] += sum[r] * x[i * kRowsAtOnce + r];
  }
  for (std::size_t r = 0; r < kRowsAtOnce; ++r) out[r] = total[r];
}

}  // namespace bursar::explore
