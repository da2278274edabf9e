// Instances of online Bayesian matching for the reproduction of systems/philosopher.
#pragma once

#include <vector>

#include "bursar/admit/matching/bayesian_matching.h"
#include "bursar/admit/matching/proposal_plan.h"
#include "bursar/core/random.h"

namespace bursar::reproduce {

// One buyer a period, w[item][period].
[[nodiscard]] admit::BayesianMatching one_buyer_a_period(const std::vector<double>& p,
                                                         const std::vector<std::vector<double>>& w);
// 2 … 4 items; one type and 3 … 8 periods, or 1 … 3 types and 2 … 6 periods; p and w uniform.
[[nodiscard]] admit::BayesianMatching draw_matching(bool types, RandomStream& random);

// Every buyer values every item at 1 and comes with probability p; x = min(1/T, p/n), and p (1 - y) where that is less:
// in the last 1/p periods.
struct SpreadEvenly {
  admit::BayesianMatching matching;
  admit::OnlineLp lp;
};
[[nodiscard]] Result<SpreadEvenly> spread_evenly(std::size_t items, std::size_t periods, double p);

// Plays `runs` streams of buyers: matches a run, and the largest |share of runs in which i was free before t - (1 -
// y)|.
struct PlayedRuns {
  double matches = 0, free_off_by = 0;
};
[[nodiscard]] PlayedRuns play_runs(const SpreadEvenly& world, admit::Proposals proposals, std::size_t runs,
                                   const RandomStream& random);

// Hill climbing over p and w for the lowest (value of the rule) / LP, one buyer a period. vertex: w depends on the item
// alone where an edge exists.
struct RuleSearch {
  std::size_t items = 3, periods = 5;
  bool vertex = false;
  std::size_t restarts = 5, moves = 800;
};
[[nodiscard]] double lowest_rule_ratio(const RuleSearch& search, const RandomStream& random);

}  // namespace bursar::reproduce
