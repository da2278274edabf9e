#include "bursar/explore/contextual/quadratic_rows.h"

#include <algorithm>

// With the widest vectors that the machine has; sanitizers cannot start programs that choose functions while loading.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define BURSAR_WIDE __attribute__((target_clones("default", "avx2")))
#else
#define BURSAR_WIDE
#endif

namespace bursar::explore {
namespace {

using Four = double __attribute__((vector_size(32), aligned(8), may_alias));
constexpr std::size_t kFours = kRowsAtOnce / 4;

const Four* fours(const double* x) { return reinterpret_cast<const Four*>(x); }

}  // namespace

BURSAR_WIDE void linear_rows(const double* theta, const double* x, std::size_t d, double* out) {
  Four s0{}, s1{}, s2{}, s3{};
  for (std::size_t i = 0; i < d; ++i) {
    const Four* const row = fours(x) + i * kFours;
    s0 += theta[i] * row[0];
    s1 += theta[i] * row[1];
    s2 += theta[i] * row[2];
    s3 += theta[i] * row[3];
  }
  Four* const to = reinterpret_cast<Four*>(out);
  to[0] = s0, to[1] = s1, to[2] = s2, to[3] = s3;
}

BURSAR_WIDE void quadratic_rows(const double* half, const double* x, std::size_t d, double* out) {
  Four t0{}, t1{}, t2{}, t3{};
  for (std::size_t i = 0; i < d; ++i) {
    Four s0{}, s1{}, s2{}, s3{};
    for (std::size_t j = i; j < d; ++j) {
      const double m = *half++;
      const Four* const row = fours(x) + j * kFours;
      s0 += m * row[0];
      s1 += m * row[1];
      s2 += m * row[2];
      s3 += m * row[3];
    }
    const Four* const row = fours(x) + i * kFours;
    t0 += s0 * row[0];
    t1 += s1 * row[1];
    t2 += s2 * row[2];
    t3 += s3 * row[3];
  }
  Four* const to = reinterpret_cast<Four*>(out);
  to[0] = t0, to[1] = t1, to[2] = t2, to[3] = t3;
}

BURSAR_WIDE void symmetric_times(const double* matrix, const double* x, std::size_t d, double* out) {
  std::fill_n(out, d, 0.0);
  for (std::size_t i = 0; i < d; ++i) {
    const double* const row = matrix + i * d;
    const double xi = x[i];
    for (std::size_t j = 0; j < d; ++j) out[j] += xi * row[j];
  }
}

BURSAR_WIDE void add_square(double* matrix, double scale, const double* u, std::size_t d) {
  for (std::size_t i = 0; i < d; ++i) {
    double* const row = matrix + i * d;
    const double ui = scale * u[i];
    for (std::size_t j = 0; j < d; ++j) row[j] += ui * u[j];
  }
}

}  // namespace bursar::explore
