// A search for the instance on which a rule of online matching does worst against the best adaptive policy: for the
// reproduction of systems/stochastic-balance.
//
//   const double ratio = worst_ratio(rule, {.equal = false, .moves = 250}, random);
#pragma once

#include <cstddef>

#include "bursar/admit/matching/goal_matcher.h"
#include "bursar/core/random.h"

namespace bursar::reproduce {

struct MatchSearch {
  std::size_t goals = 5, blocks = 8;
  bool equal = true;  // one p for all; otherwise factors from 1/2 to 2 an edge
  std::size_t restarts = 5, moves = 1000;
  std::size_t runs = 400;           // of the rule for each instance that is looked at, on the same coins
  double p = .04;                   // while searching
  double final_p = .02;             // of the worst one found, which is measured anew
  std::size_t final_runs = 20'000;  // so that luck of the search does not count
};

// Hill climbing over the goals, length and factors of every block. NaN where an instance could not be solved.
[[nodiscard]] double worst_ratio(const admit::GoalMatcherOptions& rule, const MatchSearch& search,
                                 const RandomStream& random);

}  // namespace bursar::reproduce
