#include "bursar/allocate/direction_split.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "bursar/allocate/marginal_greedy.h"
#include "bursar/core/apportionment.h"

namespace bursar::allocate {
namespace {

constexpr std::int64_t kMostRollouts = std::int64_t{1} << 40;

Result<void> check(const Directions& d) {
  const std::size_t k = d.scores.size();
  if (d.similarity.size() != k * k)
    return invalid_argument("similarity has " + std::to_string(d.similarity.size()) + " entries; " + std::to_string(k) +
                            " candidates need " + std::to_string(k * k));
  if (!(d.quality_temperature > 0) || !(d.similarity_temperature > 0))
    return invalid_argument("temperatures must be above 0");
  for (std::size_t i = 0; i < k; ++i) {
    if (!(d.scores[i] >= 0 && d.scores[i] <= 1))
      return invalid_argument("candidate " + std::to_string(i) + ": score is " + to_text(d.scores[i]) +
                              "; it must be from 0 to 1");
    for (std::size_t j = 0; j < k; ++j) {
      if (!(std::abs(d.similarity[i * k + j]) <= 1 + 1e-6))
        return invalid_argument("candidate " + std::to_string(i) + ": its similarity to " + std::to_string(j) + " is " +
                                to_text(d.similarity[i * k + j]) + "; it must be a cosine");
    }
  }
  return {};
}

// Candidates direction by direction: each goes to the first direction whose leader it resembles.
std::vector<std::size_t> by_direction(const Directions& d) {
  const std::size_t k = d.scores.size();
  std::vector<std::vector<std::size_t>> directions;
  for (std::size_t i = 0; i < k; ++i) {
    const auto home = std::ranges::find_if(
        directions, [&](const auto& members) { return d.similarity[i * k + members.front()] > d.same_direction; });
    if (home == directions.end()) {
      directions.push_back({i});
    } else {
      home->push_back(i);
    }
  }
  std::vector<std::size_t> order;
  for (const auto& members : directions) order.insert(order.end(), members.begin(), members.end());
  return order;
}

// The candidates whose share of the rollouts, before directions are looked at, is at least half of one; or the best.
std::vector<std::size_t> survivors(const Directions& d, std::int64_t rollouts) {
  const double best = *std::ranges::max_element(d.scores);
  double sum = 0;
  for (const double score : d.scores) sum += std::exp((score - best) / d.quality_temperature);
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < d.scores.size(); ++i) {
    const double share = std::exp((d.scores[i] - best) / d.quality_temperature) / sum;
    if (std::round(share * static_cast<double>(rollouts)) >= 1) left.push_back(i);
  }
  if (left.empty()) left.push_back(static_cast<std::size_t>(std::ranges::max_element(d.scores) - d.scores.begin()));
  return left;
}

// Each weight to its nearest count; then whole rounds over the rollouts in order, the last one cut short.
std::vector<std::int64_t> round_cyclically(std::span<const double> weights, std::int64_t rollouts) {
  std::vector<std::int64_t> rounded, split(weights.size(), 0);
  std::int64_t sum = 0;
  for (const double w : weights) {
    rounded.push_back(std::llround(w * static_cast<double>(rollouts)));
    sum += rounded.back();
  }
  if (sum == 0) {
    rounded[static_cast<std::size_t>(std::ranges::max_element(weights) - weights.begin())] = sum = 1;
  }
  for (std::int64_t left = rollouts; left > 0;) {
    const std::int64_t rounds = left / sum;
    for (std::size_t i = 0; i < split.size(); ++i) {
      const std::int64_t now = rounds > 0 ? rounds * rounded[i] : std::min(left, rounded[i]);
      split[i] += now;
      left -= now;
    }
  }
  return split;
}

Result<std::vector<std::int64_t>> split_by_formula(const Directions& d, std::int64_t rollouts) {
  auto weights = direction_weights(d);
  if (!weights) return tl::unexpected(weights.error());
  if (weights->empty()) return std::vector<std::int64_t>{};
  if (d.rounding == DirectionRounding::kLargestRemainder) return apportion(*weights, rollouts);
  if (d.rounding == DirectionRounding::kCyclic) return round_cyclically(*weights, rollouts);
  const std::vector<std::size_t> order = by_direction(d);
  std::vector<double> shares;
  shares.reserve(order.size());
  for (const std::size_t i : order) shares.push_back((*weights)[i] * static_cast<double>(rollouts));
  auto rounded = round_cumulatively(shares);
  if (!rounded) return rounded;
  std::vector<std::int64_t> split(order.size());
  for (std::size_t k = 0; k < order.size(); ++k) split[order[k]] = (*rounded)[k];
  return split;
}

}  // namespace

Result<std::vector<double>> direction_weights(const Directions& d) {
  if (auto ok = check(d); !ok) return tl::unexpected(ok.error());
  const std::size_t k = d.scores.size();
  if (k == 0) return std::vector<double>{};
  const double best = *std::ranges::max_element(d.scores);
  std::vector<double> weights(k);
  double sum = 0;
  for (std::size_t i = 0; i < k; ++i) {
    double alike = 0;
    for (std::size_t j = 0; j < k; ++j)
      alike += std::exp((d.similarity[i * k + j] - d.similarity[i * k + i]) / d.similarity_temperature);
    weights[i] = std::exp((d.scores[i] - best) / d.quality_temperature) / alike;
    sum += weights[i];
  }
  for (double& w : weights) w /= sum;
  return weights;
}

Result<std::vector<std::int64_t>> split_over_directions(const Directions& d, std::int64_t rollouts) {
  if (rollouts < 0 || rollouts > kMostRollouts || (rollouts > 0 && d.scores.empty()))
    return invalid_argument("rollouts is " + std::to_string(rollouts) +
                            "; it must be from 0 to 2^40, and 0 without candidates");
  if (d.mode == DirectionMode::kFormula || rollouts == 0) return split_by_formula(d, rollouts);
  if (auto ok = check(d); !ok) return tl::unexpected(ok.error());
  const std::vector<std::size_t> left = survivors(d, rollouts);
  std::vector<double> scores, similarity;
  for (const std::size_t i : left) {
    scores.push_back(d.scores[i]);
    for (const std::size_t j : left) similarity.push_back(d.similarity[i * d.scores.size() + j]);
  }
  Directions rest = d;
  rest.scores = scores;
  rest.similarity = similarity;
  const auto part = split_by_formula(rest, rollouts);
  if (!part) return tl::unexpected(part.error());
  std::vector<std::int64_t> split(d.scores.size(), 0);
  for (std::size_t k = 0; k < left.size(); ++k) split[left[k]] = (*part)[k];
  return split;
}

Result<std::vector<std::int64_t>> posterior_split(std::span<const double> weights, double kappa,
                                                  std::int64_t rollouts) {
  if (!(kappa > 0) || kappa > 1e30)
    return invalid_argument("kappa is " + to_text(kappa) + "; it must be above 0, at most 1e30");
  if (rollouts < 0 || rollouts > kMostRollouts || (rollouts > 0 && weights.empty()))
    return invalid_argument("rollouts is " + std::to_string(rollouts) +
                            "; it must be from 0 to 2^40, and 0 without candidates");
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!(weights[i] >= 0) || weights[i] > kLargestNumber)
      return invalid_argument("candidate " + std::to_string(i) + ": weight is " + to_text(weights[i]) +
                              "; it must be at least 0 and finite");
    sum += weights[i];
  }
  if (!(sum > 0) && !weights.empty()) return invalid_argument("all weights are 0");
  // The least factor keeps the first gain of a certain candidate finite.
  constexpr double kLeastFactor = 1e-300;
  auto gain = [&](std::size_t i, std::int64_t r) {
    const double w = weights[i] / sum, at = static_cast<double>(r);
    return -std::log(std::max(kLeastFactor, (kappa * (1 - w) + at) / (kappa + at)));
  };
  auto split = marginal_greedy({.items = weights.size(), .budget = rollouts, .ceiling = rollouts}, gain,
                               {.when_gains_grow = Growth::kReport});
  if (!split) return tl::unexpected(split.error());
  // Where nothing gains any more (one weight holds everything), the rest goes to the heaviest.
  if (!weights.empty())
    split->units[static_cast<std::size_t>(std::ranges::max_element(weights) - weights.begin())] +=
        rollouts - split->spent;
  return std::move(split->units);
}

}  // namespace bursar::allocate
