#include "reproduce/stream/net.h"

#include <algorithm>
#include <cmath>

#include "reproduce/tiny/kernels.h"

namespace bursar::reproduce::stream {
namespace {

// The sanitizers' own start-up does not stand functions that are chosen before it.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define BURSAR_LANES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define BURSAR_LANES
#endif

constexpr float kMomentum = .9F, kBeta1 = .9F, kBeta2 = .999F, kEpsilon = 1e-8F;

std::size_t up_to(std::size_t n, std::size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

BURSAR_LANES void momentum_step(float* w, float* v, const float* g, std::size_t n, float rate) {
  for (std::size_t i = 0; i < n; ++i) {
    v[i] = kMomentum * v[i] + g[i];
    w[i] -= rate * v[i];
  }
}

struct Moments {
  float *mean, *square;
};

// `rate` and `scale` carry the corrections of the bias: w -= rate m / (scale sqrt(v) + epsilon).
BURSAR_LANES void adam_step(float* w, Moments m, const float* g, std::size_t n, float rate, float scale) {
  for (std::size_t i = 0; i < n; ++i) {
    m.mean[i] = kBeta1 * m.mean[i] + (1 - kBeta1) * g[i];
    m.square[i] = kBeta2 * m.square[i] + (1 - kBeta2) * g[i] * g[i];
    w[i] -= rate * m.mean[i] / (scale * std::sqrt(m.square[i]) + kEpsilon);
  }
}

BURSAR_LANES void rectify(float* x, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) x[i] = x[i] > 0 ? x[i] : 0;
}

BURSAR_LANES void mask(float* dx, const float* x, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) dx[i] = x[i] > 0 ? dx[i] : 0;
}

}  // namespace

std::size_t row_size(std::size_t inputs) { return up_to(inputs + 1, 32); }

StreamNet::StreamNet(const NetShape& shape, RandomStream random)
    : row_(row_size(shape.inputs)),
      hidden_(up_to(shape.hidden, 4)),
      hidden_row_(row_size(shape.hidden)),
      classes_(shape.classes),
      outputs_(up_to(shape.classes, 4)),
      weights_(hidden_ * row_ + outputs_ * hidden_row_),
      gradient_(weights_.size()),
      velocity_(weights_.size()),
      square_(weights_.size()),
      by_unit_(row_ * kBatch),
      hidden_out_(hidden_row_ * kBatch),
      out_(outputs_ * kBatch),
      log_sum_(kBatch),
      hidden_rows_(kBatch * hidden_row_),
      second_by_input_(hidden_row_ * outputs_),
      d_hidden_(hidden_row_ * kBatch) {
  const auto fill = [&](float* w, std::size_t rows, std::size_t columns, std::size_t used) {
    const double deviation = std::sqrt(2 / static_cast<double>(used));
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < used; ++c) w[r * columns + c] = static_cast<float>(deviation * random.normal());
    }
  };
  fill(weights_.data(), shape.hidden, row_, shape.inputs);
  fill(weights_.data() + hidden_ * row_, shape.classes, hidden_row_, shape.hidden);
  std::fill_n(hidden_out_.begin() + static_cast<std::ptrdiff_t>(shape.hidden * kBatch), kBatch, 1.F);
}

void StreamNet::forward(const float* rows) {
  tiny::transpose(by_unit_.data(), rows, kBatch, row_);
  std::fill_n(out_.begin(), out_.size(), 0.F);
  // The unit after the hidden ones is the bias: hidden is a multiple of 4 in both shapes, and its 1 stays.
  std::fill_n(hidden_out_.begin(), hidden_ * kBatch, 0.F);
  tiny::multiply_add(hidden_out_.data(), weights_.data(), by_unit_.data(), hidden_, row_, kBatch);
  rectify(hidden_out_.data(), hidden_ * kBatch);
  tiny::multiply_add(out_.data(), weights_.data() + hidden_ * row_, hidden_out_.data(), outputs_, hidden_row_, kBatch);
}

void StreamNet::backward(std::span<const std::uint8_t> labels) {
  tiny::softmax_columns(out_.data(), log_sum_.data(), classes_, kBatch);
  for (std::size_t b = 0; b < kBatch; ++b) out_[labels[b] * kBatch + b] -= 1;
  const float share = 1.F / kBatch;
  for (std::size_t i = 0; i < classes_ * kBatch; ++i) out_[i] *= share;
  std::fill_n(out_.begin() + static_cast<std::ptrdiff_t>(classes_ * kBatch), (outputs_ - classes_) * kBatch, 0.F);

  std::ranges::fill(gradient_, 0.F);
  float* second = gradient_.data() + hidden_ * row_;
  tiny::transpose(hidden_rows_.data(), hidden_out_.data(), hidden_row_, kBatch);
  tiny::multiply_add(second, out_.data(), hidden_rows_.data(), outputs_, kBatch, hidden_row_);

  tiny::transpose(second_by_input_.data(), weights_.data() + hidden_ * row_, outputs_, hidden_row_);
  std::ranges::fill(d_hidden_, 0.F);
  tiny::multiply_add(d_hidden_.data(), second_by_input_.data(), out_.data(), hidden_, outputs_, kBatch);
  mask(d_hidden_.data(), hidden_out_.data(), hidden_ * kBatch);
}

void StreamNet::train(std::span<const float> rows, std::span<const std::uint8_t> labels, Optimiser optimiser,
                      float rate) {
  forward(rows.data());
  backward(labels);
  tiny::multiply_add(gradient_.data(), d_hidden_.data(), rows.data(), hidden_, kBatch, row_);
  ++steps_;
  if (optimiser == Optimiser::kMomentum) {
    momentum_step(weights_.data(), velocity_.data(), gradient_.data(), weights_.size(), rate);
    return;
  }
  const double t = static_cast<double>(steps_);
  const double rest1 = 1 - std::pow(static_cast<double>(kBeta1), t),
               rest2 = 1 - std::pow(static_cast<double>(kBeta2), t);
  adam_step(weights_.data(), {velocity_.data(), square_.data()}, gradient_.data(), weights_.size(),
            static_cast<float>(rate / rest1), static_cast<float>(1 / std::sqrt(rest2)));
}

double StreamNet::loss(std::span<const float> rows, std::span<const std::uint8_t> labels) {
  forward(rows.data());
  std::vector<float> right(kBatch);
  for (std::size_t b = 0; b < kBatch; ++b) right[b] = out_[labels[b] * kBatch + b];
  backward(labels);
  tiny::multiply_add(gradient_.data(), d_hidden_.data(), rows.data(), hidden_, kBatch, row_);
  double sum = 0;
  for (std::size_t b = 0; b < kBatch; ++b) sum += static_cast<double>(log_sum_[b]) - static_cast<double>(right[b]);
  return sum / kBatch;
}

std::size_t StreamNet::errors(std::span<const float> rows, std::span<const std::uint8_t> labels) {
  std::size_t right = 0;
  for (std::size_t first = 0; first < labels.size(); first += kBatch) {
    forward(rows.data() + first * row_);
    for (std::size_t b = 0; b < kBatch; ++b) {
      const std::size_t label = labels[first + b];
      bool best = std::isfinite(out_[label * kBatch + b]);
      for (std::size_t c = 0; c < classes_; ++c) {
        best = best && (c == label || out_[label * kBatch + b] > out_[c * kBatch + b]);
      }
      right += best ? 1 : 0;
    }
  }
  return labels.size() - right;
}

}  // namespace bursar::reproduce::stream
