// How a fixed number of trainable parameters is split between the number of neurons and the complexity of each, in
// networks of expressive neurons (ELM): exact counts, and a planner that learns from a few pilot runs.
//
//   std::int64_t p = *count_parameters({.neurons = 155, .memory = 2, .branches = 30, .synapses = 10}, 19);   // 77069
//   auto plan = plan_split(3'516'000, pilots, {.outputs = 204, .branches = 50, .synapses = 15});
//   use(plan->shape.neurons, plan->shape.memory);     // and plan->memory_low … memory_high, a 90 % interval over
//   pilots
//
// Symbols: N neurons, d_m memory units (k_e), n_b branches of n_s synapses (k_c), d_mlp hidden units (2 d_m by
// default), V outputs. Trainable parameters: hidden N [n_b n_s + d_mlp (n_b + d_m + 1) + d_m (d_mlp + 1) + d_m + 1];
// readout V [n_b n_s + 3 (n_b + 3 + 1) + 3 + 1]; linear V (V + 1). Wiring and fixed time constants are storage, not
// budget.
//
// Planner: information a step of N redundant channels I(N, k) = N / (1 + N / D) ln(1 + s0 k^g) / 2 with k = d_m, and
// score = c0 + c1 ln I. D, s0 and g by random restarts, c0 and c1 by least squares inside; the best whole d_m at the
// target is then read off. The elasticity of the first factor falls with N, so larger budgets go to more *and* richer
// neurons. Fit: restarts x steps x pilots; plan: bootstrap fits of it. Source: systems/elm.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::allocate {

struct NeuronShape {
  std::int64_t neurons = 1;
  std::int64_t memory = 1;
  std::int64_t branches = 1, synapses = 1;
  std::int64_t mlp_hidden = -1;  // -1: 2 x memory
};

// Errors: kInvalidArgument for numbers below 1 (mlp_hidden: -1 or at least 0) or above 2^30, and a count beyond 2^62.
[[nodiscard]] Result<std::int64_t> count_parameters(const NeuronShape& shape, std::int64_t outputs);

struct PilotRun {
  std::int64_t neurons = 0, memory = 0;
  double score = 0;  // higher is better: accuracy, or the negative of a loss
};

struct SplitOptions {
  std::int64_t outputs = 1;                 // V
  std::int64_t branches = 0, synapses = 0;  // of every neuron; 0: n_b = 2 d_mlp, n_s = n_b
  std::int64_t max_memory = 512;
  int bootstraps = 100;  // fits of resampled pilots behind the interval
  std::uint64_t seed = 0;
};

struct SplitFit {
  double redundancy = 0;         // D
  double signal = 0, power = 0;  // s0, g
  double offset = 0, slope = 0;  // c0, c1
  double r2 = 0, rmse = 0;
};

struct SplitPlan {
  NeuronShape shape;
  std::int64_t parameters = 0;                   // at most the budget
  double score = 0;                              // predicted
  std::int64_t memory_low = 0, memory_high = 0;  // 5 % and 95 % of the bootstrap's best d_m
  SplitFit fit;
  bool fitted = false;  // false: fewer than four pilots, or all at one d_m; then only the frontier says something
  std::vector<NeuronShape> frontier;  // every d_m with the most neurons that fit, by rising d_m
};

// Errors: kInfeasible where not even one neuron fits, with the least budget that does; kInvalidArgument naming the
// pilot.
[[nodiscard]] Result<SplitPlan> plan_split(std::int64_t parameters, std::span<const PilotRun> pilots,
                                           const SplitOptions& options = {});

struct SplitGrid {
  std::vector<std::int64_t> memory, branches, synapses;
};
// All shapes of the grid whose count is within 1 % of `parameters`, with N chosen for each. At most 2^20 shapes are
// tried.
[[nodiscard]] Result<std::vector<NeuronShape>> enumerate_splits(std::int64_t parameters, std::int64_t outputs,
                                                                const SplitGrid& grid);

}  // namespace bursar::allocate
