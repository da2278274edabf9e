#include "bursar/sample/rollout_split.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <string>

#include "bursar/core/apportionment.h"
#include "bursar/sample/hashed_ngrams.h"

namespace bursar::sample {
namespace {

using Counts = Result<std::vector<std::int64_t>>;
using Candidates = std::span<const RolloutCandidate>;

constexpr std::array<std::string_view, 6> kNames{"uniform", "beam", "dvts", "rebase", "dora", "direction-bayes"};

std::vector<double> scores_of(Candidates candidates) {
  std::vector<double> out;
  for (const RolloutCandidate& candidate : candidates) out.push_back(candidate.score);
  return out;
}

Result<std::vector<double>> similarity_of(Candidates candidates) {
  std::vector<std::span<const float>> embeddings;
  embeddings.reserve(candidates.size());
  for (const RolloutCandidate& candidate : candidates) embeddings.push_back(candidate.embedding);
  return similarity_matrix(embeddings);
}

Counts split_equally(std::span<const std::size_t> chosen, std::size_t candidates, std::int64_t rollouts) {
  auto part = apportion(std::vector<double>(chosen.size(), 1), rollouts);
  if (!part) return part;
  std::vector<std::int64_t> out(candidates, 0);
  for (std::size_t i = 0; i < chosen.size(); ++i) out[chosen[i]] = (*part)[i];
  return out;
}

Counts beam(Candidates candidates, std::int64_t rollouts, std::int64_t width) {
  std::vector<std::size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](auto a, auto b) { return candidates[a].score > candidates[b].score; });
  const std::int64_t kept = std::clamp<std::int64_t>(rollouts / width, 1, static_cast<std::int64_t>(order.size()));
  order.resize(static_cast<std::size_t>(kept));
  return split_equally(order, candidates.size(), rollouts);
}

Counts trees(Candidates candidates, std::int64_t rollouts) {
  std::map<std::size_t, std::size_t> best;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const auto [place, is_new] = best.emplace(candidates[i].group, i);
    if (!is_new && candidates[i].score > candidates[place->second].score) place->second = i;
  }
  std::vector<std::size_t> chosen;
  for (const auto& [group, candidate] : best) chosen.push_back(candidate);
  return split_equally(chosen, candidates.size(), rollouts);
}

Counts by_weights(Candidates candidates, std::int64_t rollouts, const RolloutOptions& options) {
  const std::vector<double> scores = scores_of(candidates);
  std::vector<double> similarity(scores.size() * scores.size(), 0);  // rebase: all are equally alike
  allocate::Directions directions{.scores = scores,
                                  .quality_temperature = options.quality_temperature,
                                  .similarity_temperature = options.similarity_temperature,
                                  .same_direction = options.same_direction,
                                  .mode = options.mode,
                                  .rounding = options.rounding};
  if (options.policy == RolloutPolicy::kRebase) {
    directions.mode = allocate::DirectionMode::kFormula;
  } else {
    auto cosines = similarity_of(candidates);
    if (!cosines) return tl::unexpected(cosines.error());
    similarity = std::move(*cosines);
  }
  directions.similarity = similarity;
  return allocate::split_over_directions(directions, rollouts);
}

// The connected components above `same`, numbered in the order of their first members.
std::vector<std::size_t> components(std::span<const double> similarity, std::size_t k, double same,
                                    std::size_t& count) {
  std::vector<std::size_t> of(k, k), todo;
  count = 0;
  for (std::size_t first = 0; first < k; ++first) {
    if (of[first] != k) continue;
    of[first] = count;
    todo.assign(1, first);
    while (!todo.empty()) {
      const std::size_t i = todo.back();
      todo.pop_back();
      for (std::size_t j = 0; j < k; ++j) {
        if (of[j] != k || !(similarity[i * k + j] > same)) continue;
        of[j] = count;
        todo.push_back(j);
      }
    }
    ++count;
  }
  return of;
}

Counts direction_bayes(Candidates candidates, std::int64_t rollouts, const RolloutOptions& options) {
  const std::size_t k = candidates.size();
  const auto similarity = similarity_of(candidates);
  if (!similarity) return tl::unexpected(similarity.error());
  std::size_t count = 0;
  const std::vector<std::size_t> of = components(*similarity, k, options.same_direction, count);
  std::vector<double> mean(count, 0), members(count, 0), weights(count, 0);
  std::vector<std::size_t> best(count, k);
  for (std::size_t i = 0; i < k; ++i) {
    mean[of[i]] += candidates[i].score;
    members[of[i]] += 1;
    if (best[of[i]] == k || candidates[i].score > candidates[best[of[i]]].score) best[of[i]] = i;
  }
  for (std::size_t d = 0; d < count; ++d) mean[d] /= members[d];
  const double top = *std::ranges::max_element(mean);
  for (std::size_t d = 0; d < count; ++d) weights[d] = std::exp((mean[d] - top) / options.quality_temperature);
  auto part = allocate::posterior_split(weights, options.concentration, rollouts);
  if (!part) return part;
  std::vector<std::int64_t> out(k, 0);
  for (std::size_t d = 0; d < count; ++d) out[best[d]] = (*part)[d];
  return out;
}

Result<void> check(Candidates candidates, std::int64_t rollouts, const RolloutOptions& options) {
  if (candidates.empty()) return invalid_argument("there are no candidates to give rollouts to");
  if (rollouts < 1) return invalid_argument("rollouts is " + std::to_string(rollouts) + "; it must be at least 1");
  if (options.width < 1) return invalid_argument("width must be at least 1");
  if (!(options.quality_temperature > 0) || !(options.similarity_temperature > 0) || !(options.concentration > 0))
    return invalid_argument("temperatures and concentration must be above 0");
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!(candidates[i].score >= 0 && candidates[i].score <= 1))
      return invalid_argument("candidate " + std::to_string(i) + ": score is " + std::to_string(candidates[i].score) +
                              "; it must be from 0 to 1");
    if (needs_embeddings(options.policy) && candidates[i].embedding.empty())
      return invalid_argument("candidate " + std::to_string(i) + " has no embedding");
  }
  return {};
}

}  // namespace

std::string_view name_of(RolloutPolicy policy) { return kNames.at(static_cast<std::size_t>(policy)); }

Result<RolloutPolicy> rollout_policy_named(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end())
    return invalid_argument("\"" + std::string(name) +
                            "\" is no rollout policy; take uniform, beam, dvts, rebase, dora or direction-bayes");
  return static_cast<RolloutPolicy>(found - kNames.begin());
}

bool needs_embeddings(RolloutPolicy policy) {
  return policy == RolloutPolicy::kDora || policy == RolloutPolicy::kDirectionBayes;
}

Counts split_rollouts(Candidates candidates, std::int64_t rollouts, const RolloutOptions& options) {
  if (auto ok = check(candidates, rollouts, options); !ok) return tl::unexpected(ok.error());
  std::vector<std::size_t> all(candidates.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  switch (options.policy) {
    case RolloutPolicy::kUniform: return split_equally(all, all.size(), rollouts);
    case RolloutPolicy::kBeam: return beam(candidates, rollouts, options.width);
    case RolloutPolicy::kDvts: return trees(candidates, rollouts);
    case RolloutPolicy::kRebase:
    case RolloutPolicy::kDora: return by_weights(candidates, rollouts, options);
    case RolloutPolicy::kDirectionBayes: return direction_bayes(candidates, rollouts, options);
  }
  return invalid_argument("unknown rollout policy");
}

}  // namespace bursar::sample
