#include "bursar/explore/contextual/ridge_model.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "bursar/core/saved_numbers.h"
#include "bursar/explore/contextual/quadratic_rows.h"

namespace bursar::explore {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace

RidgeModel::RidgeModel(std::size_t features, double ridge, bool intercept)
    : features_(features),
      b_(features + (intercept ? 1 : 0)),
      theta_(b_.size()),
      x_(b_.size(), 1.0),
      scratch_(b_.size()) {
  const std::size_t d = dimension();
  a_.resize(d * d);
  inverse_.resize(d * d);
  half_.resize(d * (d + 1) / 2);
  for (std::size_t i = 0; i < d; ++i) {
    a_[i * d + i] = ridge;
    inverse_[i * d + i] = 1 / ridge;
  }
  refresh();
}

void RidgeModel::add(std::span<const double> features, double reward, double weight) {
  const std::size_t d = dimension();
  std::ranges::copy(features, x_.begin());  // the intercept's 1 stays behind them
  add_square(a_.data(), weight, x_.data(), d);
  for (std::size_t i = 0; i < d; ++i) b_[i] += weight * reward * x_[i];
  if (++examples_ % kRefactorEvery == 0) {
    refactor();
  } else {
    symmetric_times(inverse_.data(), x_.data(), d, scratch_.data());
    add_square(inverse_.data(), -weight / (1 + weight * dot(scratch_, x_)), scratch_.data(), d);
  }
  refresh();
}

void RidgeModel::refactor() {
  const auto d = static_cast<Eigen::Index>(dimension());
  const Eigen::Map<const Matrix> a(a_.data(), d, d);
  Eigen::Map<Matrix>(inverse_.data(), d, d) = a.llt().solve(Matrix::Identity(d, d));
}

void RidgeModel::refresh() {
  const std::size_t d = dimension();
  symmetric_times(inverse_.data(), b_.data(), d, theta_.data());
  double* half = half_.data();
  for (std::size_t i = 0; i < d; ++i) {
    *half++ = inverse_[i * d + i];
    for (std::size_t j = i + 1; j < d; ++j) *half++ = 2 * inverse_[i * d + j];
  }
}

double RidgeModel::predict(std::span<const double> x) const {
  return dot(x, theta_) + (dimension() > features_ ? theta_.back() : 0);
}

double RidgeModel::width(std::span<const double> x) const {
  double out = 0;
  score(x, 1, std::span(&out, 1));
  return out - predict(x);
}

double RidgeModel::score_one(std::span<const double> features, double alpha) const {
  std::vector<double> x(x_.size(), 1.0), product(x_.size());
  std::ranges::copy(features, x.begin());
  if (alpha > 0) symmetric_times(inverse_.data(), x.data(), dimension(), product.data());
  return dot(theta_, x) + alpha * std::sqrt(std::max(0.0, dot(product, x)));
}

void RidgeModel::score(std::span<const double> features, double alpha, std::span<double> out) const {
  if (out.size() == 1) {
    out[0] = score_one(features, alpha);
    return;
  }
  const std::size_t d = dimension();
  std::vector<double> block(d * kRowsAtOnce, 1.0);
  std::array<double, kRowsAtOnce> linear{}, squares{};
  for (std::size_t begin = 0; begin < out.size(); begin += kRowsAtOnce) {
    const std::size_t rows = std::min(kRowsAtOnce, out.size() - begin);
    for (std::size_t r = 0; r < rows; ++r) {
      const double* const x = features.data() + (begin + r) * features_;
      for (std::size_t i = 0; i < features_; ++i) block[i * kRowsAtOnce + r] = x[i];
    }
    linear_rows(theta_.data(), block.data(), d, linear.data());
    if (alpha > 0) quadratic_rows(half_.data(), block.data(), d, squares.data());
    for (std::size_t r = 0; r < rows; ++r) {
      out[begin + r] = linear[r] + (alpha > 0 ? alpha * std::sqrt(std::max(0.0, squares[r])) : 0);
    }
  }
}

boost::json::object RidgeModel::save() const {
  return {{"a", saved_numbers(a_)},
          {"inverse", saved_numbers(inverse_)},
          {"b", saved_numbers(b_)},
          {"examples", examples_}};
}

Result<void> RidgeModel::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  auto a = from.numbers("a", a_.size()), inverse = from.numbers("inverse", a_.size()), b = from.numbers("b", b_.size());
  const std::uint64_t examples = from.count("examples");
  if (auto ok = from.check(); !ok) return ok;
  a_ = std::move(a);
  inverse_ = std::move(inverse);
  b_ = std::move(b);
  examples_ = examples;
  refresh();
  return {};
}

}  // namespace bursar::explore
