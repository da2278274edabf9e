// The exact optimum for a chain of subtasks whose costs and times are fixed whole numbers: what planners are held
// against.
//
//   const ExactChain chain({{{1, 1, .35}, {4, 3, .8}}, {{1, 1, .5}, {4, 3, .9}}}, {1, 2, 3});   // cost, time, p
//   chain.optimum(6, 5);      // the chance of completing both within 6 of money and 5 of time
//   chain.rollout(6, 5);      // of "best action x best rule" with exact values of the rules
//
// V(i, b, d) = max over (m, k) with k c <= b and t <= d of  q V(i+1, b - k c, d - t) + (1 - q) V(i, b - k c, d - t),
// q = 1 - (1 - p)^k. O(subtasks x b x d x choices) for each value asked for. Source: systems/mcpp [derived].
#pragma once

#include <functional>
#include <vector>

#include "bursar/plan/workflow/workflow_simulator.h"

namespace bursar::plan {

struct ChainOption {
  int cost = 1, time = 1;  // of one sample, >= 1
  double p = 0;
};

// Where a run of a chain stands.
struct ChainState {
  std::size_t task = 0;
  int budget = 0, time = 0;
};

class ExactChain {
 public:
  // Every task has the same number of options, which are its models; samples: the k that may be chosen, each >= 1.
  ExactChain(std::vector<std::vector<ChainOption>> tasks, std::vector<int> samples);

  [[nodiscard]] double optimum(int budget, int time) const;
  [[nodiscard]] double rollout(int budget, int time) const;
  // Of any policy: what it does in each state, as shares of actions (which need not be affordable).
  struct Choice {
    PortfolioRule action;
    double share = 1;
  };
  using Policy = std::function<std::vector<Choice>(const ChainState&)>;
  [[nodiscard]] double value(int budget, int time, const Policy& policy) const;

  // The same chain for a planner: usd are units of money, ms units of time.
  [[nodiscard]] Result<Workflow> workflow() const;

 private:
  using Table = std::vector<double>;  // [tasks + 1][budget + 1][time + 1]
  [[nodiscard]] std::size_t at(const ChainState& state, int budget, int time) const;
  // Chance to complete where `action` is taken and `table` says what follows.
  [[nodiscard]] double after(const ChainState& state, PortfolioRule action, const Table& table, int budget,
                             int time) const;
  [[nodiscard]] Table solve(int budget, int time,
                            const std::function<double(const ChainState&, const Table&)>& of) const;
  [[nodiscard]] std::vector<PortfolioRule> actions() const;

  std::vector<std::vector<ChainOption>> tasks_;
  std::vector<int> samples_;
};

}  // namespace bursar::plan
