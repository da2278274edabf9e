// What one stage of a fixed chain costs when a model is sampled several times and fuses the samples itself.
//
//   ChainStage qa{.name = "answer", .prompt_tokens = 256, .generation_tokens = 64,
//              .models = {{.name = "small", .parameters = 8e9}, {.name = "large", .parameters = 70e9}}};
//   compute_units(qa.models[1], qa, 1);                 // 114.667: the large one, once
//   samples_within(114.667, qa.models[0], qa);          // how often the small one, for the same
//
// The unit is the decoding of a unit task (prompt 128, generation 64 tokens) by a model of 3e9 parameters; with
// alpha = parameters / 3e9 and S samples
//   units = alpha (N_p + S N_d) / 64 - 2,      samples = floor(((units + 2) 64 / alpha - N_p) / N_d).
// On the unit task units = S. The published unit leaves the fusing call out, whose prompt holds all candidates:
// `count_fusion` adds alpha S N_d / 64. FLOPs are not money: where a price list is paid, search in usd. O(1).
// Source: systems/agenttts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::plan {

struct ModelChoice {
  std::string name;
  double parameters = 0;               // > 0
  double price_in = 0, price_out = 0;  // usd for a million tokens, >= 0
  double latency_ms = 0;               // of one call, >= 0
};

struct ChainStage {
  std::string name;
  std::int64_t prompt_tokens = 0, generation_tokens = 0;  // averages, 1 … 2^40
  std::vector<ModelChoice> models;                        // one or more, names all different
  int max_samples = 100;                                  // 1 … 10,000
};

// kInvalidArgument naming the subtask, the model and the field.
[[nodiscard]] Result<void> check(const ChainStage& subtask);

[[nodiscard]] double compute_units(const ModelChoice& model, const ChainStage& subtask, int samples,
                                   bool count_fusion = false);
// The most samples that cost at most `units`, and no more than max_samples; 0 where not even one does.
[[nodiscard]] int samples_within(double units, const ModelChoice& model, const ChainStage& subtask,
                                 bool count_fusion = false);

enum class CostUnit : std::uint8_t {
  kFlops,  // compute units, as above
  kUsd,    // samples (N_p price_in + N_d price_out) / 1e6; fusing: (N_p + samples N_d) price_in + N_d price_out more
  kMs,     // samples latency_ms, one after the other; fusing: latency_ms more
};
[[nodiscard]] double stage_cost(CostUnit unit, const ModelChoice& model, const ChainStage& subtask, int samples,
                                bool count_fusion);
[[nodiscard]] std::string_view name_of(CostUnit unit);                  // "flops", "usd", "ms"
[[nodiscard]] Result<CostUnit> cost_unit_named(std::string_view name);  // kInvalidArgument lists the names

}  // namespace bursar::plan
