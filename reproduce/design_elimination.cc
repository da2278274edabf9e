#include "reproduce/design_elimination.h"

#include <Eigen/Dense>
#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace bursar::reproduce {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;

double draw_laplace(RandomStream& random) {
  const double e = random.exponential();
  return random.bernoulli(.5) ? e : -e;
}

// Frank-Wolfe with the exact step of the logarithm of the determinant.
Vector optimal_weights(const Matrix& x, double least) {
  const Eigen::Index n = x.rows(), d = x.cols();
  Vector w = Vector::Constant(n, 1.0 / static_cast<double>(n));
  for (int step = 0; step < 20'000; ++step) {
    const Eigen::MatrixXd information = x.transpose() * w.asDiagonal() * x;
    const Eigen::MatrixXd solved = information.ldlt().solve(Eigen::MatrixXd(x.transpose()));
    const Vector leverage = (x.array() * solved.transpose().array()).rowwise().sum();
    Eigen::Index most = 0;
    const double top = leverage.maxCoeff(&most), rank = static_cast<double>(d);
    if (top <= 1.01 * rank) break;
    const double move = (top / rank - 1) / (top - 1);
    w *= 1 - move;
    w[most] += move;
  }
  w = (w.array() < least).select(0, w);
  return w / w.sum();
}

}  // namespace

DesignElimination::DesignElimination(std::vector<double> features, std::size_t arms, std::size_t dimension,
                                     double least_weight)
    : features_(std::move(features)), arms_(arms), dimension_(dimension), least_weight_(least_weight) {}

const DesignElimination::Design& DesignElimination::design_of(const std::vector<std::size_t>& active) {
  const auto [at, fresh] = designs_.try_emplace(active);
  Design& design = at->second;
  if (!fresh) return design;
  Matrix x(static_cast<Eigen::Index>(active.size()), static_cast<Eigen::Index>(dimension_));
  for (std::size_t i = 0; i < active.size(); ++i) {
    for (std::size_t j = 0; j < dimension_; ++j)
      x(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) = features_[active[i] * dimension_ + j];
  }
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(x, Eigen::ComputeThinV | Eigen::ComputeThinU);
  Eigen::Index rank = 0;
  while (rank < svd.singularValues().size() && svd.singularValues()[rank] > 1e-9 * svd.singularValues()[0]) ++rank;
  const Matrix rows = x * svd.matrixV().leftCols(rank);
  const Vector w = optimal_weights(rows, least_weight_);
  design.rank = static_cast<std::size_t>(rank);
  design.weights.assign(w.data(), w.data() + w.size());
  design.rows.assign(rows.data(), rows.data() + rows.size());
  design.support = static_cast<std::size_t>((w.array() > 0).count());
  return design;
}

std::size_t DesignElimination::run(const DesignRun& how, const DrawSum& draw, RandomStream& random) {
  std::vector<std::size_t> active(arms_);
  std::iota(active.begin(), active.end(), std::size_t{0});
  const std::size_t phases = std::max<std::size_t>(1, std::bit_width(dimension_ - 1));
  std::size_t kept = dimension_;
  for (std::size_t phase = 0; phase < phases; ++phase) {
    const Design& design = design_of(active);
    const auto n = static_cast<Eigen::Index>(active.size()), d = static_cast<Eigen::Index>(design.rank);
    const Eigen::Map<const Matrix> x(design.rows.data(), n, d);
    const double pulls =
        static_cast<double>(how.samples) / static_cast<double>(phases) - static_cast<double>(design.support);
    Eigen::MatrixXd information = Eigen::MatrixXd::Zero(d, d);
    Vector weighted = Vector::Zero(d), count = Vector::Zero(n);
    for (Eigen::Index i = 0; i < n; ++i) {
      const double w = design.weights[static_cast<std::size_t>(i)];
      if (w == 0) continue;
      count[i] = std::ceil(w * pulls);
      double mean = draw(active[static_cast<std::size_t>(i)], static_cast<std::uint64_t>(count[i])) / count[i];
      if (how.noise == DesignNoise::kOnMeans) mean += draw_laplace(random) / (how.epsilon * count[i]);
      information += count[i] * x.row(i).transpose() * x.row(i);
      weighted += count[i] * mean * x.row(i).transpose();
    }
    const auto solver = information.ldlt();
    Vector estimate = x * solver.solve(weighted);
    if (how.noise == DesignNoise::kOnEstimates) {
      // A reward of arm j moves estimate i by a_i' V^-1 a_j; together by the column's sum.
      const Eigen::MatrixXd moves = x * solver.solve(Eigen::MatrixXd(x.transpose()));
      double most = 0;
      for (Eigen::Index j = 0; j < n; ++j) {
        if (count[j] > 0) most = std::max(most, moves.col(j).cwiseAbs().sum());
      }
      for (Eigen::Index i = 0; i < n; ++i) estimate[i] += draw_laplace(random) * most / how.epsilon;
    }
    kept = phase + 1 == phases ? 1 : (kept + 1) / 2;
    std::vector<std::size_t> order(active.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
      return estimate[static_cast<Eigen::Index>(a)] > estimate[static_cast<Eigen::Index>(b)];
    });
    std::vector<std::size_t> next;
    for (std::size_t i = 0; i < std::min(kept, order.size()); ++i) next.push_back(active[order[i]]);
    std::ranges::sort(next);
    active = std::move(next);
  }
  return active.front();
}

}  // namespace bursar::reproduce
