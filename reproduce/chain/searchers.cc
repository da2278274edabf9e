#include "reproduce/chain/searchers.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "bursar/core/special.h"

namespace bursar::reproduce {
namespace {

using plan::ConfigSpace;
using plan::Configuration;
using plan::StageChoice;
using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

constexpr std::size_t kFirst = 10, kGeneration = 10, kCandidates = 2000;

bool is_known(const std::vector<Configuration>& list, const Configuration& one) {
  return std::ranges::find(list, one) != list.end();
}

// [2 stages]: parameters and samples on logarithmic scales from 0 to 1.
Vector features_of(const ConfigSpace& space, const Configuration& configuration) {
  Vector out(static_cast<Eigen::Index>(2 * configuration.size()));
  for (std::size_t i = 0; i < configuration.size(); ++i) {
    const auto& models = space.stages()[i].models;
    const double least = models[space.smallest(i)].parameters, most = models[space.largest(i)].parameters;
    const auto at = static_cast<Eigen::Index>(2 * i);
    out[at] = most > least ? std::log(models[configuration[i].model].parameters / least) / std::log(most / least) : 0;
    out[at + 1] = std::log(configuration[i].samples) / std::log(100.0);
  }
  return out;
}

double matern(double distance, double length) {
  const double r = std::sqrt(5.0) * distance / length;
  return (1 + r + r * r / 3) * std::exp(-r);
}

class Process {
 public:
  void add(Vector x, double y) {
    x_.push_back(std::move(x));
    y_.push_back(y);
  }
  // Chooses the length and the noise by marginal likelihood, then keeps the factor.
  void fit() {
    const auto n = static_cast<Eigen::Index>(y_.size());
    mean_ = std::accumulate(y_.begin(), y_.end(), 0.0) / static_cast<double>(n);
    const Vector y = Eigen::Map<const Vector>(y_.data(), n).array() - mean_;
    const double spread = std::max(1e-4, y.squaredNorm() / static_cast<double>(n));
    double best = -1e300;
    for (const double length : {.25, .5, 1.0, 2.0}) {
      for (const double noise : {.1, .3, .6, .9}) {
        Matrix k(n, n);
        for (Eigen::Index i = 0; i < n; ++i) {
          for (Eigen::Index j = 0; j < n; ++j)
            k(i, j) =
                spread * ((1 - noise) * kernel(i, x_[static_cast<std::size_t>(j)], length) + (i == j ? noise : 0));
        }
        const Eigen::LLT<Matrix> factor(k);
        const Vector weights = factor.solve(y);
        double logs = 0;
        for (Eigen::Index i = 0; i < n; ++i) logs += std::log(factor.matrixLLT()(i, i));
        const double likelihood = -.5 * y.dot(weights) - logs;
        if (likelihood <= best) continue;
        best = likelihood;
        factor_ = factor;
        weights_ = weights;
        length_ = length;
        signal_ = spread * (1 - noise);
      }
    }
  }
  [[nodiscard]] std::pair<double, double> at(const Vector& x) const {
    Vector k(static_cast<Eigen::Index>(y_.size()));
    for (Eigen::Index i = 0; i < k.size(); ++i) k[i] = signal_ * kernel(i, x, length_);
    const Vector half = factor_.matrixL().solve(k);
    return {mean_ + k.dot(weights_), std::sqrt(std::max(1e-12, signal_ - half.squaredNorm()))};
  }

 private:
  [[nodiscard]] double kernel(Eigen::Index i, const Vector& x, double length) const {
    return matern((x_[static_cast<std::size_t>(i)] - x).norm(), length);
  }
  std::vector<Vector> x_;
  std::vector<double> y_;
  double mean_ = 0, length_ = 1, signal_ = 1;
  Eigen::LLT<Matrix> factor_;
  Vector weights_;
};

std::vector<Configuration> neighbours(const ConfigSpace& space, const Configuration& of) {
  std::vector<Configuration> out;
  for (std::size_t i = 0; i < of.size(); ++i) {
    for (const StageChoice& choice : space.choices(i)) {
      Configuration one = of;
      one[i] = choice;
      if (space.fits(space.cost(one))) out.push_back(std::move(one));
    }
  }
  return out;
}

Configuration mutate(const ConfigSpace& space, Configuration one, RandomStream& random) {
  const std::size_t i = random.uniform_int(one.size());
  const plan::ChainStage& stage = space.stages()[i];
  if (random.bernoulli(.5))
    one[i].model = random.uniform_int(stage.models.size());
  else
    one[i].samples = std::clamp(one[i].samples + 10 * static_cast<int>(random.uniform_int(std::int64_t{-1}, 1)), 1,
                                stage.max_samples);
  return one;
}

std::size_t by_rank(std::size_t count, RandomStream& random) {  // weights count, count - 1, …, 1
  std::uint64_t u = random.uniform_int(static_cast<std::uint64_t>(count) * (count + 1) / 2);
  std::size_t rank = 0;
  while (u >= count - rank) u -= count - rank++;
  return rank;
}

}  // namespace

Searched search_at_random(const ConfigSpace& space, const Measure& measure, std::size_t trials, RandomStream random) {
  Searched out;
  double best = -1;
  while (out.trials.size() < trials) {
    Configuration one = space.draw(random);
    if (is_known(out.trials, one)) continue;
    const double score = measure(one);
    if (score > best) best = score, out.recommended = one;
    out.trials.push_back(std::move(one));
  }
  return out;
}

Searched search_gaussian_process(const ConfigSpace& space, const Measure& measure, std::size_t trials,
                                 RandomStream random) {
  Searched out;
  Process process;
  while (out.trials.size() < trials) {
    Configuration next = space.draw(random);
    if (out.trials.size() >= kFirst) {
      process.fit();
      double leader = -1;
      for (const Configuration& tried : out.trials) {
        const double mean = process.at(features_of(space, tried)).first;
        if (mean > leader) leader = mean, out.recommended = tried;
      }
      std::vector<Configuration> candidates = neighbours(space, out.recommended);
      for (std::size_t c = 0; c < kCandidates; ++c) candidates.push_back(space.draw(random));
      double most = -1;
      for (const Configuration& one : candidates) {
        const auto [mean, sd] = process.at(features_of(space, one));
        const double z = (mean - leader) / sd;
        const double gain = sd * (z * normal_cdf(z) + std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi));
        if (gain > most && !is_known(out.trials, one)) most = gain, next = one;
      }
    }
    if (is_known(out.trials, next)) continue;
    process.add(features_of(space, next), measure(next));
    out.trials.push_back(std::move(next));
  }
  process.fit();
  double leader = -1;
  for (const Configuration& tried : out.trials) {
    const double mean = process.at(features_of(space, tried)).first;
    if (mean > leader) leader = mean, out.recommended = tried;
  }
  return out;
}

Searched search_by_evolution(const ConfigSpace& space, const Measure& measure, std::size_t trials,
                             RandomStream random) {
  Searched out;
  std::vector<std::pair<double, Configuration>> population;  // the best first
  double best = -1;
  const auto take = [&](Configuration one) {
    const double score = measure(one);
    if (score > best) best = score, out.recommended = one;
    out.trials.push_back(one);
    population.emplace_back(score, std::move(one));
  };
  while (out.trials.size() < std::min(kGeneration, trials)) take(space.draw(random));
  while (out.trials.size() < trials) {
    std::ranges::stable_sort(population, [](const auto& a, const auto& b) { return a.first > b.first; });
    population.resize(std::min(population.size(), kGeneration));
    std::vector<Configuration> children;
    while (children.size() < kGeneration) {
      Configuration child = population[by_rank(population.size(), random)].second;
      const Configuration& other = population[by_rank(population.size(), random)].second;
      if (random.bernoulli(.8)) {
        const std::size_t cut = 1 + random.uniform_int(child.size() - 1);
        std::copy(other.begin() + static_cast<std::ptrdiff_t>(cut), other.end(),
                  child.begin() + static_cast<std::ptrdiff_t>(cut));
      }
      if (random.bernoulli(.5)) child = mutate(space, std::move(child), random);
      if (!space.check(child) || is_known(out.trials, child)) child = space.draw(random);
      children.push_back(std::move(child));
    }
    for (Configuration& child : children) {
      if (out.trials.size() < trials) take(std::move(child));
    }
  }
  return out;
}

}  // namespace bursar::reproduce
