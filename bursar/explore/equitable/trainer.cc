#include "bursar/explore/equitable/trainer.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <string>

#include "bursar/allocate/solve.h"

namespace bursar::explore {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

constexpr int kMostSteps = 50;

Result<void> check(const TrainingData& data, std::span<const std::uint32_t> rows, double lambda) {
  if (data.columns == 0 || data.x.size() != data.y.size() * data.columns) {
    return invalid_argument("data: " + std::to_string(data.x.size()) + " features do not fit to " +
                            std::to_string(data.y.size()) + " rows of " + std::to_string(data.columns));
  }
  if (rows.empty()) return invalid_argument("rows: there are none to learn from");
  if (!(lambda >= 0 && lambda <= 1e15)) {
    return invalid_argument("lambda: is " + allocate::to_text(lambda) + "; it must be at least 0");
  }
  for (const std::uint32_t row : rows) {
    if (row >= data.y.size()) return invalid_argument("rows: row " + std::to_string(row) + " does not exist");
    const auto x = data.x.subspan(row * data.columns, data.columns);
    if (!std::isfinite(data.y[row]) || !std::ranges::all_of(x, [](double v) { return std::isfinite(v); })) {
      return invalid_argument("rows: row " + std::to_string(row) + " has a number that is not finite");
    }
  }
  return {};
}

Matrix gather(const TrainingData& data, std::span<const std::uint32_t> rows) {
  // A column of the result is a row of the data, so that each is copied in one piece.
  Matrix x(static_cast<Eigen::Index>(data.columns), static_cast<Eigen::Index>(rows.size()));
  for (std::size_t i = 0; i < rows.size(); ++i)
    std::ranges::copy(data.x.subspan(rows[i] * data.columns, data.columns),
                      x.col(static_cast<Eigen::Index>(i)).begin());
  return x;
}

tl::unexpected<Error> dependent() {
  return fail(ErrorCode::kInfeasible, "lambda: is 0 and some features follow from others; give it a value above 0");
}

}  // namespace

Result<LinearModel> fit_ridge(const TrainingData& data, std::span<const std::uint32_t> rows, double lambda) {
  if (auto ok = check(data, rows, lambda); !ok) return tl::unexpected(ok.error());
  Matrix x = gather(data, rows);  // [columns x rows]
  const Eigen::Index d = x.rows(), n = x.cols();
  Vector y(n);
  for (Eigen::Index i = 0; i < n; ++i) y[i] = data.y[rows[static_cast<std::size_t>(i)]];
  const Vector centre = x.rowwise().mean();
  const double mean = y.mean();
  x.colwise() -= centre;
  y.array() -= mean;
  const bool dual = n < d;
  Matrix gram = Matrix::Zero(dual ? n : d, dual ? n : d);
  if (dual)
    gram.selfadjointView<Eigen::Lower>().rankUpdate(x.transpose());
  else
    gram.selfadjointView<Eigen::Lower>().rankUpdate(x);
  gram.diagonal().array() += lambda;
  const Eigen::LLT<Matrix, Eigen::Lower> solver(gram);
  if (solver.info() != Eigen::Success) return dependent();
  const Vector b = dual ? Vector(x * solver.solve(y)) : Vector(solver.solve(x * y));
  if (!b.allFinite()) return dependent();
  return LinearModel{.weights = {b.data(), b.data() + b.size()}, .intercept = mean - b.dot(centre)};
}

Result<LinearModel> fit_logistic(const TrainingData& data, std::span<const std::uint32_t> rows, double lambda) {
  if (auto ok = check(data, rows, lambda); !ok) return tl::unexpected(ok.error());
  const Matrix x = gather(data, rows);
  const Eigen::Index d = x.rows(), n = x.cols();
  Vector y(n);
  for (Eigen::Index i = 0; i < n; ++i) {
    y[i] = data.y[rows[static_cast<std::size_t>(i)]];
    if (y[i] != 0 && y[i] != 1) {
      return invalid_argument("target: row " + std::to_string(rows[static_cast<std::size_t>(i)]) + " is " +
                              allocate::to_text(y[i]) + "; a classifier needs 0 or 1");
    }
  }
  // The intercept is the last weight; it is held by a trace of regularisation where one class is missing.
  constexpr double kHold = 1e-3;
  Vector b = Vector::Zero(d + 1);
  Vector keep = Vector::Constant(d + 1, lambda);
  keep[d] = kHold;
  const auto objective = [&](const Vector& at) {
    const Eigen::ArrayXd z = (x.transpose() * at.head(d)).array() + at[d];
    return (y.array() * z - z.cwiseMax(0) - (1 + (-z.abs()).exp()).log()).sum() -
           .5 * (keep.array() * at.array().square()).sum();
  };
  double value = objective(b);
  for (int step = 0; step < kMostSteps; ++step) {
    const Eigen::ArrayXd z = (x.transpose() * b.head(d)).array() + b[d];
    const Eigen::ArrayXd p = 1 / (1 + (-z).exp());
    const Vector miss = (y.array() - p).matrix();
    const Vector w = (p * (1 - p)).max(1e-12).matrix();
    Vector gradient(d + 1);
    gradient.head(d) = x * miss;
    gradient[d] = miss.sum();
    gradient -= (keep.array() * b.array()).matrix();
    Matrix hessian(d + 1, d + 1);
    hessian.topLeftCorner(d, d) = x * w.asDiagonal() * x.transpose();
    hessian.topRightCorner(d, 1) = x * w;
    hessian.bottomLeftCorner(1, d) = (x * w).transpose();
    hessian(d, d) = w.sum();
    hessian.diagonal() += keep;
    const Eigen::LLT<Matrix> solver(hessian);
    if (solver.info() != Eigen::Success) return dependent();
    Vector move = solver.solve(gradient);
    // Newton's step, halved until it gains: the likelihood is concave, so that some part of it does.
    double next = objective(b + move);
    for (int half = 0; half < 40 && !(next >= value); ++half) next = objective(b + (move *= .5));
    if (!(next >= value)) break;
    b += move;
    const bool settled = next - value <= 1e-10 * (1 + std::abs(value));
    value = next;
    if (settled) break;
  }
  if (!b.allFinite()) return dependent();
  return LinearModel{.weights = {b.data(), b.data() + d}, .intercept = b[d], .logistic = true};
}

Result<MeasuredError> measure(const LinearModel& model, const TrainingData& data, std::span<const std::uint32_t> rows) {
  if (model.weights.size() != data.columns) {
    return invalid_argument("model: has " + std::to_string(model.weights.size()) + " weights for " +
                            std::to_string(data.columns) + " columns");
  }
  if (rows.size() < 3) return invalid_argument("validation: needs at least 3 rows, has " + std::to_string(rows.size()));
  if (auto ok = check(data, rows, 0); !ok) return tl::unexpected(ok.error());
  const auto n = static_cast<double>(rows.size());
  double wrong = 0, sp = 0, sy = 0, spp = 0, syy = 0, spy = 0;
  for (const std::uint32_t row : rows) {
    const auto x = data.x.subspan(row * data.columns, data.columns);
    double p = model.intercept;
    for (std::size_t j = 0; j < x.size(); ++j) p += model.weights[j] * x[j];
    const double y = data.y[row];
    wrong += (p > 0) != (y > .5) ? 1 : 0;
    sp += p, sy += y, spp += p * p, syy += y * y, spy += p * y;
  }
  if (model.logistic) {
    const double e = wrong / n, smooth = (wrong + 1) / (n + 2);
    return MeasuredError{e, smooth * (1 - smooth) / n};
  }
  const double vp = spp - sp * sp / n, vy = syy - sy * sy / n, c = spy - sp * sy / n;
  // A model that says the same of everybody explains nothing; one that is anti-correlated is worse. The sign is kept so
  // that chance around nothing averages out, and the variance is that of r, which is known to 1/n, seen through r^2.
  const double r = vp > 0 && vy > 0 ? std::clamp(c / std::sqrt(vp * vy), -1.0, 1.0) : 0, square = r * r;
  const double variance = 4 * (square + 1 / n) * (1 - square) * (1 - square) / n + 2 / (n * n);
  return MeasuredError{1 - r * std::abs(r), variance};
}

}  // namespace bursar::explore
