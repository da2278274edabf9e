#include "bursar/plan/config_search/score_surrogate.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>

namespace bursar::plan {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;

constexpr double kLevel = .4, kLevelSd = 1, kRankGain = .10, kModelSd = .25;
constexpr double kSlope = .13, kSlopeSd = .10, kCurvature = -.025, kCurvatureSd = .03, kFlatSd = 1e-6;
constexpr double kMisfit = .03;

Eigen::Index index(std::size_t i) { return static_cast<Eigen::Index>(i); }

}  // namespace

ScoreSurrogate::ScoreSurrogate(const ConfigSpace& space, SurrogateOptions options) {
  std::size_t models = 0;
  for (const ChainStage& stage : space.stages()) {
    first_.push_back(models);
    models += stage.models.size();
  }
  size_ = 1 + 3 * models;
  precision_.assign(size_ * size_, 0);
  weighted_.assign(size_, 0);
  const auto prior = [&](std::size_t i, double mean, double sd) {
    precision_[i * size_ + i] = 1 / (sd * sd);
    weighted_[i] = mean / (sd * sd);
  };
  prior(0, std::log(kLevel), kLevelSd);
  for (std::size_t i = 0; i < space.stages().size(); ++i) {
    const std::vector<std::size_t>& order = space.by_size(i);
    for (std::size_t rank = 0; rank < order.size(); ++rank) {
      const double share = order.size() < 2 ? 0 : static_cast<double>(rank) / static_cast<double>(order.size() - 1);
      const std::size_t at = place(i, order[rank]);
      prior(at, kRankGain * share, kModelSd);
      prior(at + 1, kSlope, kSlopeSd);
      prior(at + 2, options.curvature ? kCurvature : 0, options.curvature ? kCurvatureSd : kFlatSd);
    }
  }
}

SurrogateRow ScoreSurrogate::row(const Configuration& configuration) const {
  SurrogateRow out(size_, 0);
  out[0] = 1;
  for (std::size_t i = 0; i < std::min(configuration.size(), first_.size()); ++i) {
    const double s = std::log(configuration[i].samples);
    const std::size_t at = place(i, configuration[i].model);
    out[at] = 1;
    out[at + 1] = s;
    out[at + 2] = s * s;
  }
  return out;
}

SurrogateRow ScoreSurrogate::slope(std::size_t stage, const StageChoice& choice) const {
  SurrogateRow out(size_, 0);
  out[place(stage, choice.model) + 1] = 1;
  out[place(stage, choice.model) + 2] = 2 * std::log(choice.samples);
  return out;
}

void ScoreSurrogate::add(const Configuration& configuration, const Score& score) {
  if (!(score.value > 0) || score.examples < 1) return;
  const double noise = (1 - score.value) / (static_cast<double>(score.examples) * score.value) + kMisfit * kMisfit;
  const SurrogateRow x = row(configuration);
  for (std::size_t i = 0; i < size_; ++i) {
    if (x[i] == 0) continue;
    weighted_[i] += x[i] * std::log(score.value) / noise;
    for (std::size_t j = 0; j < size_; ++j) precision_[i * size_ + j] += x[i] * x[j] / noise;
  }
  solved_ = false;
}

void ScoreSurrogate::solve() const {
  if (solved_) return;
  const Eigen::LLT<Matrix> cholesky(Eigen::Map<const Matrix>(precision_.data(), index(size_), index(size_)));
  const Vector mean = cholesky.solve(Eigen::Map<const Vector>(weighted_.data(), index(size_)));
  mean_.assign(mean.data(), mean.data() + mean.size());
  lower_.resize(size_ * size_);
  Eigen::Map<Matrix>(lower_.data(), index(size_), index(size_)) = cholesky.matrixL();
  solved_ = true;
}

const std::vector<double>& ScoreSurrogate::mean() const {
  solve();
  return mean_;
}

// x' A^-1 x = |L^-1 x|^2.
Belief ScoreSurrogate::of(const SurrogateRow& row) const {
  solve();
  const Eigen::Map<const Vector> x(row.data(), index(size_));
  const Eigen::Map<const Matrix> lower(lower_.data(), index(size_), index(size_));
  return {.mean = x.dot(Eigen::Map<const Vector>(mean_.data(), index(size_))),
          .sd = lower.triangularView<Eigen::Lower>().solve(x).norm()};
}

// L'^-1 z has the posterior's covariance.
std::vector<double> ScoreSurrogate::draw(double scale, RandomStream& random) const {
  solve();
  Vector z(index(size_));
  for (double& one : z) one = random.normal();
  const Eigen::Map<const Matrix> lower(lower_.data(), index(size_), index(size_));
  const Vector spread = lower.transpose().triangularView<Eigen::Upper>().solve(z);
  std::vector<double> out = mean_;
  for (std::size_t i = 0; i < size_; ++i) out[i] += scale * spread[index(i)];
  return out;
}

double ScoreSurrogate::worth(std::span<const double> weights, std::size_t stage, const StageChoice& choice) const {
  const double s = std::log(choice.samples);
  const std::size_t at = place(stage, choice.model);
  return weights[at] + s * (weights[at + 1] + s * weights[at + 2]);
}

}  // namespace bursar::plan
