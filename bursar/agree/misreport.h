// Who could gain by lying, and how; and where it ends when everybody does.
//
//   auto lie = find_lie(rule_of(SplitRule::kAverage), {.reports = wishes}, {.grid = 41});
//   if (*lie) say((*lie)->party, (*lie)->report, (*lie)->gain);        // the most profitable lie that was found
//   auto end = best_responses(rule_of(SplitRule::kAverage), {.reports = wishes});
//   end->outcome;                                                      // the uniform phantom's outcome of the truth
//
// find_lie tries for every party `grid` evenly spaced reports and what (up to 64) others say. Finding none proves
// nothing for rules in general; for medians of phantoms there is none to be found. Best responses are played one party
// after another from the truth: the report that brings the outcome nearest to what the party really wants, by bisection
// (rules must be continuous and not fall when a report rises), or, for the average, by its closed form
// z_i = clamp(n x_i - sum_{j != i} z_j, low, high). For continuous strictly monotone rules with unanimous fair share
// the outcome of every equilibrium is the uniform phantom's. Errors: those of the rule and of check(profile);
// kInvalidArgument for a grid below 2 or more than 10^4 parties (look at a sample). O(parties x grid) calls of the
// rule; O(responses) calls times 60. Source: systems/uniform-phantom.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "bursar/agree/phantom.h"

namespace bursar::agree {

using Rule = std::function<Result<double>(const Profile& profile)>;
[[nodiscard]] Rule rule_of(SplitRule rule);

struct Lie {
  std::size_t party = 0;
  double report = 0;   // instead of the truth
  double honest = 0;   // outcome when everybody tells the truth
  double outcome = 0;  // outcome with the lie
  double gain = 0;     // how much nearer to the truth of the party
};
struct LieSearch {
  std::size_t grid = 41;
  double tolerance = 1e-12;  // of the interval; smaller gains are rounding
};
[[nodiscard]] Result<std::optional<Lie>> find_lie(const Rule& rule, const Profile& truth, const LieSearch& search = {});

struct Dynamics {
  std::vector<double> reports;  // what they say in the end
  double outcome = 0;
  std::size_t responses = 0;  // played
  bool settled = false;       // a whole round changed nothing
};
[[nodiscard]] Result<Dynamics> best_responses(const Rule& rule, const Profile& truth, std::size_t most = 4000);
[[nodiscard]] Result<Dynamics> best_responses_to_average(const Profile& truth, std::size_t most = 4000);

}  // namespace bursar::agree
