// How a fixed annotation budget is split between demonstrations (supervised fine-tuning, SFT) and preference pairs
// (preference fine-tuning that runs after it).
//
//   auto advice = recommend_split({.total = 5000, .cost_sft = 2, .cost_pair = 1}, TaskKind::kAnalytic);
//   if (!advice) return report(advice.error());
//   annotate(advice->point.n_sft, advice->point.n_pair);   // and read advice->reason: it is a heuristic
//
// rho is the share of the money for demonstrations: n_s = floor(rho C / c_s), and pairs for what is then left, so that
// what stays unspent is less than the dearer of the two. rho = 1 buys no pairs at all.
//
// The adviser's rule, from the study's findings: N = C / ((c_s + c_p) / 2) equivalent examples; below 1,000
// demonstrations alone; from there .75, falling by .15 a doubling, never below .1 where the task is analytic (maths,
// code, many steps: without demonstrations preferences start cold) and .05 otherwise. Measured pilots take precedence:
// of the best share so far and its two neighbours on the grid, move to the best of the three; where a neighbour has not
// been tried, `next_pilots` asks for it. Source: systems/sft-pft-balance.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::allocate {

struct SplitBudget {
  double total = 0;  // money, or examples where both cost 1
  double cost_sft = 1, cost_pair = 1;
};

struct SplitPoint {
  double rho = 0;
  std::int64_t n_sft = 0, n_pair = 0;
  double metric = 0;  // what evaluation measured; higher is better
};

inline constexpr double kSplitGrid[] = {0, .01, .1, .25, .5, .75, 1};

// The counts of a share. Errors: kInvalidArgument for costs <= 0, a total below the cheaper of the two or too large to
// count, and rho outside [0, 1].
[[nodiscard]] Result<SplitPoint> split_at(const SplitBudget& budget, double rho);

// Measures every share with `evaluate`, which trains and scores. O(shares) evaluations; its first error ends the sweep.
using EvaluateSplit = std::function<Result<double>(const SplitPoint&)>;
[[nodiscard]] Result<std::vector<SplitPoint>> sweep_split(const SplitBudget& budget, std::span<const double> shares,
                                                          const EvaluateSplit& evaluate);

enum class TaskKind : std::uint8_t { kAnalytic, kOther };

struct SplitAdvice {
  SplitPoint point;  // metric: that of the pilot it rests on, 0 without
  double equivalent_examples = 0;
  std::string reason;                // starts with "heuristic:"
  std::vector<SplitPoint> measured;  // the table that the advice rests on, by share
  std::vector<double> next_pilots;   // shares to try at pilot size before the rest of the budget is spent
  std::vector<std::string> warnings;
};

// `pilots`: what was measured so far, of any size; their rho is recomputed from counts and costs. Errors: as split_at,
// and kInvalidArgument for a pilot without examples or with a metric that is not finite.
[[nodiscard]] Result<SplitAdvice> recommend_split(const SplitBudget& budget, TaskKind task,
                                                  std::span<const SplitPoint> pilots = {});

}  // namespace bursar::allocate
