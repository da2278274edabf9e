// How many rollouts each live candidate of a parallel search gets next.
//
//   auto counts = split_rollouts(candidates, 64, {.policy = RolloutPolicy::kDora});      // sums to 64
//
// uniform: the same for all. beam: the best 64 / M candidates get M each. dvts: fixed groups of M, the best of each
// gets M. rebase: softmax of scores. dora: softmax of scores times uniqueness, so that a direction is not paid twice
// for having been sampled often (allocate/direction_split.h). direction-bayes is ours, not the paper's: directions are
// the connected components above `same_direction`, the exact Beta split over them, all to the best member of each.
// O(k^2 d) with embeddings, else O(k log k). Source: systems/dora.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "bursar/allocate/direction_split.h"
#include "bursar/core/result.h"

namespace bursar::sample {

enum class RolloutPolicy : std::uint8_t { kUniform, kBeam, kDvts, kRebase, kDora, kDirectionBayes };
[[nodiscard]] std::string_view name_of(RolloutPolicy policy);  // "uniform", …, "direction-bayes"
[[nodiscard]] Result<RolloutPolicy> rollout_policy_named(std::string_view name);
[[nodiscard]] bool needs_embeddings(RolloutPolicy policy);

struct RolloutCandidate {
  double score = 0;                       // of a process reward model, in [0, 1]
  std::span<const float> embedding = {};  // for those that need them: of one length; all zeros: unlike any other
  std::size_t group = 0;                  // dvts: which tree it belongs to
};

struct RolloutOptions {
  RolloutPolicy policy = RolloutPolicy::kDora;
  std::int64_t width = 4;               // M of beam and dvts, >= 1
  double quality_temperature = .1;      // T_b > 0
  double similarity_temperature = .01;  // T_s > 0
  double same_direction = .95;
  allocate::DirectionMode mode = allocate::DirectionMode::kTwoStage;
  allocate::DirectionRounding rounding = allocate::DirectionRounding::kCumulative;
  double concentration = 4;  // kappa of direction-bayes, > 0
};

// [candidates], each >= 0, sum `rollouts` >= 1. Errors: kInvalidArgument naming the candidate: no candidates, a score
// outside [0, 1], embeddings of different lengths.
[[nodiscard]] Result<std::vector<std::int64_t>> split_rollouts(std::span<const RolloutCandidate> candidates,
                                                               std::int64_t rollouts,
                                                               const RolloutOptions& options = {});

}  // namespace bursar::sample
