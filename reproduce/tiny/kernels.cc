#include "reproduce/tiny/kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace bursar::reproduce::tiny {
namespace {

// The sanitizers' own start-up does not stand functions that are chosen before it.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define BURSAR_LANES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define BURSAR_LANES
#endif

using Lanes = float __attribute__((vector_size(64)));

// exp with a relative error of 3e-7 on the range where it neither over- nor underflows; clamped outside.
inline float quick_exp(float x) {
  constexpr float kLog2e = 1.44269504F, kLn2High = .693359375F, kLn2Low = -2.12194440e-4F, kRound = 12582912.F;
  x = std::min(88.F, std::max(-87.F, x));
  const float k = (x * kLog2e + kRound) - kRound;
  const float f = (x - k * kLn2High) - k * kLn2Low;
  float p = 1.9875691500e-4F;
  p = p * f + 1.3981999507e-3F;
  p = p * f + 8.3334519073e-3F;
  p = p * f + 4.1665795894e-2F;
  p = p * f + 1.6666665459e-1F;
  p = p * f + 5.0000001201e-1F;
  p = p * f * f + f + 1.F;
  const auto power = static_cast<std::uint32_t>(static_cast<std::int32_t>(k) + 127) << 23;
  return p * std::bit_cast<float>(power);
}

inline float sigmoid(float x) { return 1.F / (1.F + quick_exp(-x)); }

}  // namespace

BURSAR_LANES void multiply_add(float* c, const float* a, const float* b, std::size_t m, std::size_t k, std::size_t n) {
  constexpr std::size_t kWidth = sizeof(Lanes) / sizeof(float);
  for (std::size_t i = 0; i < m; i += 4) {
    for (std::size_t j = 0; j < n; j += 2 * kWidth) {
      Lanes sum[4][2] = {};
      for (std::size_t l = 0; l < k; ++l) {
        Lanes left, right;
        std::memcpy(&left, b + l * n + j, sizeof left);
        std::memcpy(&right, b + l * n + j + kWidth, sizeof right);
        for (std::size_t r = 0; r < 4; ++r) {
          const float x = a[(i + r) * k + l];
          sum[r][0] += x * left;
          sum[r][1] += x * right;
        }
      }
      for (std::size_t r = 0; r < 4; ++r) {
        float* out = c + (i + r) * n + j;
        for (std::size_t w = 0; w < kWidth; ++w) out[w] += sum[r][0][w], out[kWidth + w] += sum[r][1][w];
      }
    }
  }
}

void transpose(float* out, const float* in, std::size_t rows, std::size_t columns) {
  constexpr std::size_t kTile = 16;
  for (std::size_t r0 = 0; r0 < rows; r0 += kTile) {
    for (std::size_t c0 = 0; c0 < columns; c0 += kTile) {
      for (std::size_t r = r0; r < std::min(rows, r0 + kTile); ++r) {
        for (std::size_t c = c0; c < std::min(columns, c0 + kTile); ++c) out[c * rows + r] = in[r * columns + c];
      }
    }
  }
}

BURSAR_LANES void gru_forward(const float* recurrent, const float* input, const float* h, GruState state, float* next,
                              std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const float z = sigmoid(input[i] + recurrent[i]);
    const float r = sigmoid(input[n + i] + recurrent[n + i]);
    const float fresh = 2.F * sigmoid(2.F * (input[2 * n + i] + r * recurrent[2 * n + i])) - 1.F;
    state.z[i] = z;
    state.r[i] = r;
    state.fresh[i] = fresh;
    next[i] = (1.F - z) * fresh + z * h[i];
  }
}

BURSAR_LANES void gru_backward(const float* un_h, const float* h, GruState state, float* dh, float* d_recurrent,
                               float* d_input, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const float z = state.z[i], r = state.r[i], fresh = state.fresh[i], d = dh[i];
    const float d_fresh = d * (1.F - z) * (1.F - fresh * fresh);
    const float d_z = d * (h[i] - fresh) * z * (1.F - z);
    const float d_r = d_fresh * un_h[i] * r * (1.F - r);
    d_recurrent[i] = d_input[i] = d_z;
    d_recurrent[n + i] = d_input[n + i] = d_r;
    d_recurrent[2 * n + i] = d_fresh * r;
    d_input[2 * n + i] = d_fresh;
    dh[i] = d * z;
  }
}

BURSAR_LANES void softmax_columns(float* logits, float* log_sum, std::size_t rows, std::size_t lanes) {
  constexpr std::size_t kMost = 64;
  float top[kMost], sum[kMost];
  for (std::size_t l = 0; l < lanes; ++l) top[l] = logits[l], sum[l] = 0;
  for (std::size_t g = 1; g < rows; ++g) {
    for (std::size_t l = 0; l < lanes; ++l) top[l] = std::max(top[l], logits[g * lanes + l]);
  }
  for (std::size_t g = 0; g < rows; ++g) {
    for (std::size_t l = 0; l < lanes; ++l) {
      const float e = quick_exp(logits[g * lanes + l] - top[l]);
      logits[g * lanes + l] = e;
      sum[l] += e;
    }
  }
  for (std::size_t l = 0; l < lanes; ++l) log_sum[l] = top[l] + std::log(sum[l]), sum[l] = 1.F / sum[l];
  for (std::size_t g = 0; g < rows; ++g) {
    for (std::size_t l = 0; l < lanes; ++l) logits[g * lanes + l] *= sum[l];
  }
}

}  // namespace bursar::reproduce::tiny
