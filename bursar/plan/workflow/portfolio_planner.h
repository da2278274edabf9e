// Which subtasks of a workflow start now, with which model and how many samples each, so that all of it most probably
// completes within money and time.
//
//   auto planner = PortfolioPlanner::make(workflow, {.seed = 1});
//   const Decision now = *planner->decide(state);               // after each end of a batch
//   for (const Start& start : now.starts) …                     // launch; now.p_complete: what to expect
//
// Candidates are first actions: every dispatchable subtask gets one (model, samples); all that treat them alike, and
// combinations of at most `free_nodes` of them. The future behind an action is bounded by the best of a portfolio of
// fixed rules "(model, samples) for whatever is ready", by simulated runs:
//
//   Q(a, rule) = share of runs that take a, then follow the rule, and complete in time and budget.
//
// The action of the best pair is taken and the rule forgotten: planned again at the next end of a batch. The published
// planner gives each pair M runs. Ours races [choice]: a few runs for every pair, more for those that lead, on the same
// random numbers. The maximum of noisy shares is biased, so p_complete comes from fresh runs of the chosen pair.
// There is no "wait" where an action can be afforded, as in the paper.
// O((pairs x first runs + later runs) x a simulated run), some thousand runs a decision. Source: systems/mcpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/core/result.h"
#include "bursar/plan/workflow/workflow.h"
#include "bursar/plan/workflow/workflow_simulator.h"

namespace bursar::plan {

struct RaceRound {
  int runs = 0;          // more for each pair that is left, >= 1
  std::size_t keep = 1;  // of the best by all of their runs, for the next round
};

struct PlannerOptions {
  enum class Search : std::uint8_t { kRacing, kPublished };
  Search search = Search::kRacing;
  std::vector<int> samples{1, 2, 4, 8};  // K: increasing, 1 … 64 (the paper's: 1, 4, 16, 64)
  std::size_t free_nodes = 3;            // F, 1 … 8: subtasks that are chosen for one by one
  std::size_t max_candidates = 260;      // 1 … 65,536
  int runs = 64;                         // M of the published search, >= 1
  std::vector<RaceRound> rounds{{6, 48}, {16, 12}, {64, 4}, {192, 1}};
  int fresh_runs = 256;  // behind p_complete; 0: it is the biased share
  double delta = .05;    // of the intervals, in (0, 1)
  double reserve = 0;    // actions whose mean cost, so many times over, is not left are no candidates; 0: all are
  SimulatorOptions simulator;
  std::uint64_t seed = 1;
};

// A pair and what its runs said.
struct Contender {
  std::vector<Start> starts;
  PortfolioRule rule;
  std::int64_t runs = 0, completed = 0;
  [[nodiscard]] double share() const {
    return runs > 0 ? static_cast<double>(completed) / static_cast<double>(runs) : 0;
  }
};

struct Decision {
  std::vector<Start> starts;      // empty: nothing to start; wait where something runs, else it is over
  PortfolioRule rule;             // behind the best pair
  double p_complete = 0;          // by fresh runs; 1 where all is complete, 0 where nothing can be started
  double p_error = 0;             // half of its 1 - delta interval (Hoeffding); 0 where it is certain
  std::optional<double> epsilon;  // published search: the action is within 2 epsilon of the best pair's
  std::int64_t runs = 0;          // simulated
  std::size_t candidates = 0, pairs = 0;
  std::vector<Contender> leaders;  // the last round's, best first; at most 8
};

class PortfolioPlanner {
 public:
  // Errors: kInvalidArgument naming the option.
  [[nodiscard]] static Result<PortfolioPlanner> make(Workflow workflow, PlannerOptions options = {});

  // The same state and seed give the same decision. Errors: kInvalidArgument for a state that is none.
  [[nodiscard]] Result<Decision> decide(const RunState& state);
  [[nodiscard]] const Workflow& workflow() const { return workflow_; }
  [[nodiscard]] const PlannerOptions& options() const { return options_; }

 private:
  PortfolioPlanner(Workflow workflow, PlannerOptions options);

  using Choice = std::vector<Start>;
  void add(Choice candidate, const RunState& state, std::vector<Choice>& to) const;
  void add_uniform(std::span<const std::size_t> ready, const RunState& state, std::vector<Choice>& to) const;
  void add_products(std::vector<std::size_t> ready, const RunState& state, RandomStream random,
                    std::vector<Choice>& to) const;
  void add_single(std::span<const std::size_t> ready, const RunState& state, std::vector<Choice>& to) const;
  [[nodiscard]] std::vector<Choice> candidates(const RunState& state, RandomStream random) const;
  [[nodiscard]] bool affordable(const Choice& starts, const RunState& state) const;

  struct Pair {
    std::uint32_t candidate = 0, rule = 0;
    std::int64_t runs = 0, completed = 0;
    [[nodiscard]] double share() const { return static_cast<double>(completed) / static_cast<double>(runs); }
  };
  void race(const std::vector<Choice>& actions, std::vector<Pair>& pairs, RandomStream& random, Decision& out);
  void count_all(const std::vector<Choice>& actions, std::vector<Pair>& pairs, RandomStream& random, Decision& out);
  void play(const std::vector<Choice>& actions, Pair& pair, std::span<const std::uint64_t> keys);
  void fresh(const Choice& starts, RandomStream random, Decision& out);

  Workflow workflow_;
  PlannerOptions options_;
  WorkflowSimulator simulator_;
  std::vector<PortfolioRule> rules_;
};

}  // namespace bursar::plan
