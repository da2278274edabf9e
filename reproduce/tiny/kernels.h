// The inner loops of the tiny policy, over lanes of sequences: arrays are feature-major, [unit][lane], so that every
// loop runs over neighbouring floats. Compiled for several vector widths and picked at run time; results differ in the
// last bits between machines, so compare statistics, not bits.
#pragma once

#include <cstddef>

namespace bursar::reproduce::tiny {

// C[m][n] += sum_k A[m][k] B[k][n], row-major. m a multiple of 4, n a multiple of 32.
void multiply_add(float* c, const float* a, const float* b, std::size_t m, std::size_t k, std::size_t n);

// out[c][r] = in[r][c].
void transpose(float* out, const float* in, std::size_t rows, std::size_t columns);

// One GRU step over `n` = hidden x lanes numbers. `recurrent` holds U_z h, U_r h, U_n h and `input` X + b of the three
// gates, one after the other:
//   z = s(in_z + U_z h), r = s(in_r + U_r h), new = tanh(in_n + r U_n h), next = (1 - z) new + z h
struct GruState {
  float *z, *r, *fresh;  // of the step, kept for the way back
};
void gru_forward(const float* recurrent, const float* input, const float* h, GruState state, float* next,
                 std::size_t n);

// Given dL/dnext, writes dL/d(U h) and dL/dinput (three gates each) and replaces dh by its part through z h.
void gru_backward(const float* un_h, const float* h, GruState state, float* dh, float* d_recurrent, float* d_input,
                  std::size_t n);

// Column-wise softmax in place over rows x lanes; log_sum[lane] = log sum exp.
void softmax_columns(float* logits, float* log_sum, std::size_t rows, std::size_t lanes);

}  // namespace bursar::reproduce::tiny
