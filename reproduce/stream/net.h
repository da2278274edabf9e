// A classifier with one hidden layer of rectified units, trained by momentum or Adam on batches of 64: small enough
// that a few thousand trainings take a minute.
//
//   StreamNet net({.inputs = 24, .hidden = 64, .classes = 8}, RandomStream(1));
//   net.train(rows, labels, Optimiser::kAdam, .003);       // 64 rows of net.row() floats
//   std::size_t wrong = net.errors(test_rows, test_labels);
//
// A row holds the inputs, then a 1 for the bias, then zeros up to a multiple of 32. Momentum: v = .9 v + g, w -= rate
// v. Adam: betas .9 and .999, epsilon 1e-8, with corrected bias. Loss: mean cross-entropy. Weights begin normal with
// variance 2 / inputs, biases at 0. The same seed gives the same net on the same machine.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/random.h"

namespace bursar::reproduce::stream {

constexpr std::size_t kBatch = 64;

enum class Optimiser : std::uint8_t { kMomentum, kAdam };

struct NetShape {
  std::size_t inputs = 0, hidden = 0, classes = 0;
};

[[nodiscard]] std::size_t row_size(std::size_t inputs);

class StreamNet {
 public:
  StreamNet(const NetShape& shape, RandomStream random);

  // One step on [64 x row] inputs and [64] labels.
  void train(std::span<const float> rows, std::span<const std::uint8_t> labels, Optimiser optimiser, float rate);
  // Of the rows, a multiple of 64, those whose label has not strictly the largest output; all where it diverged.
  [[nodiscard]] std::size_t errors(std::span<const float> rows, std::span<const std::uint8_t> labels);
  // The mean loss of one batch, and its gradient as train() sees it; for tests.
  double loss(std::span<const float> rows, std::span<const std::uint8_t> labels);
  [[nodiscard]] std::span<float> weights() { return weights_; }
  [[nodiscard]] std::span<const float> gradient() const { return gradient_; }

 private:
  void forward(const float* rows);
  void backward(std::span<const std::uint8_t> labels);

  std::size_t row_, hidden_, hidden_row_, classes_, outputs_;  // outputs: classes up to a multiple of 4
  std::vector<float> weights_, gradient_;                      // [hidden x row], then [outputs x hidden_row]
  std::vector<float> velocity_, square_;                       // of the optimiser
  std::int64_t steps_ = 0;
  // Of one batch: inputs, hidden and outputs by unit and lane; the last three are gradients or transposed.
  std::vector<float> by_unit_, hidden_out_, out_, log_sum_, hidden_rows_, second_by_input_, d_hidden_;
};

}  // namespace bursar::reproduce::stream
