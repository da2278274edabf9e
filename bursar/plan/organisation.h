// One strong agent, a star, or a tree of agents, for one budget of tokens: decided before the job starts, from four
// measured numbers.
//
//   OrgInputs in{.kappa = .05, .beta = .1, .correlation = .05, .window = 512, .budget = 1e4};
//   in.fidelity = [](double m) { return 1 - std::exp(-m / 8); };
//   OrgPlan plan = *plan_organisation(in);       // plan.fan_in, plan.depth, plan.success, plan.verdict
//
// An agent that spends x tokens is right with probability (1 + mu) / 2, mu = min(1, kappa x^beta). A message of m
// tokens keeps a share gamma(m) of that bias. Each node takes the majority of b messages, which share a common copy
// with probability rho:  mu' = f(gamma mu),  f(z) = rho z + (1 - rho) majority(z).  alpha = gamma (rho + (1 - rho)
// f'(0)) is the gain of a layer for small biases: at or below 1 a tree loses what its leaves knew, above it grows
// towards a fixed point. Trees beat one agent at some budget exactly where  s = log alpha / log b > beta. Binary
// answers and majority votes only: no merging of partial work, debate, or agents of different kinds. The planner
// enumerates by the exact recursion; closed forms explain it. Source: systems/mas-phase (forms re-derived).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::plan {

// b odd, 3 … 1001; z in [-1, 1]. 2 P(Bin(b, (1 + z) / 2) > b / 2) - 1.
[[nodiscard]] Result<double> majority_bias(int b, double z);
[[nodiscard]] Result<double> majority_slope(int b);  // its slope at 0: b C(b-1, (b-1)/2) / 2^(b-1)

struct Layer {
  int fan_in = 3;          // b
  double correlation = 0;  // rho, in [0, 1)
  double fidelity = 1;     // gamma, in (0, 1]
};
[[nodiscard]] Result<double> layer_gain(const Layer& layer);                                             // alpha
[[nodiscard]] Result<double> organisation_exponent(const Layer& layer);                                  // s
[[nodiscard]] Result<std::vector<double>> tree_biases(const Layer& layer, double leaf_bias, int depth);  // mu_0 … mu_L
[[nodiscard]] Result<double> fixed_point(const Layer& layer);  // mu*, 0 where alpha <= 1

struct BiasBounds {
  double low = 0, high = 1;  // of mu_depth; from the concavity of f
};
[[nodiscard]] Result<BiasBounds> bias_bounds(const Layer& layer, double leaf_bias, int depth);

// Where s > beta and nothing saturates: compute a leaf, and the budget from which on a tree wins, with c0 tokens of
// messages a leaf. Absent: a single agent is never beaten.
struct Synergy {
  double leaf_tokens = 0, budget = 0;
};
[[nodiscard]] std::optional<Synergy> synergy(double beta, double s, double message_tokens);

struct OrgInputs {
  double kappa = .05, beta = .1;           // > 0
  std::function<double(double)> fidelity;  // gamma of a message of m tokens, in (0, 1]
  double correlation = 0;                  // rho
  std::int64_t window = 8192;              // tokens that an aggregator can read: b m <= window
  double budget = 0, least_leaf = 1;       // tokens; least_leaf > 0
};
struct OrgGrid {
  std::vector<std::int64_t> messages{4, 8, 16, 32, 64, 128, 256};  // tokens, >= 1
  int most_fan_in = 63;
  int most_depth = 40;
};

enum class OrgVerdict : std::uint8_t { kCollapse, kNoSynergy, kBelowThreshold, kGrowth, kSaturated };
[[nodiscard]] std::string_view name_of(OrgVerdict verdict);

struct OrgPlan {
  int fan_in = 1, depth = 0;  // depth 0: a single agent; 1: a star
  std::int64_t message = 0;   // tokens
  double agents = 1, leaf_tokens = 0;
  double bias = 0, success = .5;
  double single_bias = 0;         // of one agent with all of the budget
  double gain = 0, exponent = 0;  // alpha and s of the best layer there is
  std::optional<Synergy> threshold;
  double mixing_depth = 0;  // layers until .95 of the fixed point, by the recursion; 0: none
  OrgVerdict verdict = OrgVerdict::kCollapse;
  std::string why;  // one sentence
};

// Never below the single agent. Errors: kInvalidArgument naming the field. O(messages x fan-ins x depths).
[[nodiscard]] Result<OrgPlan> plan_organisation(const OrgInputs& inputs, const OrgGrid& grid = {});

// Tokens of a tree of n leaves: each message is written once and read once.
[[nodiscard]] double tree_tokens(int fan_in, int depth, std::int64_t message, double leaf_tokens);

// --- Calibration from logs

struct AgentRun {
  double tokens = 0;
  bool correct = false;
};
struct AgentLaw {
  double kappa = 0, beta = 0;
};
// Least squares of log(2 p - 1) on log x over the token counts with 30 runs or more and p > 1/2. Errors: kInfeasible
// with fewer than two such counts.
[[nodiscard]] Result<AgentLaw> fit_agent_law(std::span<const AgentRun> runs);

struct Correlation {
  double rho = 0, error = 0;  // jackknife over tasks
};
// correct[t][a]: whether agent a was right on task t. Mean pairwise Pearson correlation, clipped to [0, .999]. Errors:
// kInvalidArgument with fewer than two agents or three tasks, or rows of different lengths.
[[nodiscard]] Result<Correlation> estimate_correlation(const std::vector<std::vector<bool>>& correct);

// --- Averages instead of votes: squared error v, message noise sc2

// v after `depth` layers of averaging b correlated inputs; floor sc2 / ((b - 1)(1 - rho)).
[[nodiscard]] double averaged_error(double v0, int b, double rho, double noise, int depth);
[[nodiscard]] double error_floor(int b, double rho, double noise);

}  // namespace bursar::plan
