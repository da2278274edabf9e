// Plays a workflow to its end under a fixed rule, millions of times a second: what planners count on.
//
//   WorkflowSimulator simulator(workflow, {});
//   simulator.begin(state);                                          // once a decision
//   const PortfolioRule rule{.model = 0, .samples = 2};              // "2 samples of model 0 for whatever is ready"
//   std::int64_t in_time = 0;
//   for (std::uint64_t i = 0; i < runs; ++i) in_time += simulator.run(starts, rule, key(i)) ? 1 : 0;
//
// From `state`, a run starts what it is told, then follows the rule: at each end of a batch every subtask that is
// dispatchable gets its samples. Costs are charged when a batch starts. The run has failed where a cost exceeds what is
// left or a batch would end after the deadline. What was running in `state` is drawn again, given how long it has run.
// Latencies are drawn from 1,024 equally likely strata of the option's distribution, each at its mean, so that the mean
// is exact and tails beyond the last stratum are its mean [choice]; measured options from their samples.
// A run is a function of its key: with the same key, a subtask's n-th batch draws the same numbers under every rule.
// No allocation inside runs. O(batches x (samples + batches at once)). Not thread-safe. Source: systems/mcpp.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "bursar/plan/workflow/workflow.h"

namespace bursar::plan {

struct PortfolioRule {
  std::size_t model = 0;  // of Workflow::models()
  int samples = 1;        // for each subtask that is dispatchable, 1 … 64
  bool operator==(const PortfolioRule&) const = default;
};

struct SimulatorOptions {
  // Weight of the prior that p stands for: after f failures of an option, p a / (a + b + f) with a + b = this and
  // a = p x this. 0: p is known, and failures say nothing [choice].
  double prior_strength = 0;
  // A batch ends at its first success; what was launched is paid all the same [choice]. Off: the paper's.
  bool cancel_on_success = false;
};

class WorkflowSimulator {
 public:
  static constexpr int kMostSamples = 64;  // of one batch

  // Keeps nothing of `workflow`.
  WorkflowSimulator(const Workflow& workflow, SimulatorOptions options);

  // `state` must be of this workflow (Workflow::check).
  void begin(const RunState& state);
  // Whether all subtasks complete in time and budget. `first` names dispatchable subtasks, each once; those left out
  // wait for the next end of a batch.
  [[nodiscard]] bool run(std::span<const Start> first, PortfolioRule rule, std::uint64_t key);

 private:
  struct Compiled {  // an option
    double usd = 0, tokens = 0, p = 0;
    std::uint32_t first = 0, count = 0;  // its draws
    bool measured = false;
    std::array<double, kMostSamples + 1> success{};  // [samples]: 1 - (1 - p)^samples
  };
  struct Draw {
    double ms = 0, factor = 1;  // factor: of the mean cost
    bool success = false;       // of a measured one
  };
  struct Pending {  // a batch that was running in the state
    std::size_t node = 0, option = 0;
    int samples = 0;
    bool succeeded = false;
    std::uint32_t first = 0;  // draws from here on are longer than what has passed
    double elapsed_ms = 0;
  };
  struct Batch {
    double ms = 0, factor = 0;
    bool success = false;
  };
  struct Run;

  void compile(const Option& option);
  [[nodiscard]] Batch draw(std::size_t option, int samples, std::uint32_t from, std::uint64_t& stream) const;
  template <bool kLearning>
  [[nodiscard]] double chance(std::size_t option, int samples, const Run& run) const;
  template <bool kLearning>
  [[nodiscard]] bool launch(const Start& start, Run& run);
  template <bool kLearning>
  [[nodiscard]] bool play(std::span<const Start> first, PortfolioRule rule, std::uint64_t key);
  template <bool kLearning>
  void resume(const Pending& batch, Run& run);
  [[nodiscard]] Batch draw_until_success(std::size_t option, int samples, std::uint32_t from, double p,
                                         std::uint64_t& stream) const;

  SimulatorOptions options_;
  std::size_t nodes_ = 0;
  NodeSet all_ = 0;
  std::vector<NodeSet> parents_, children_;
  std::vector<std::uint64_t> salts_;       // [nodes]
  std::vector<std::size_t> first_option_;  // [nodes]
  std::vector<std::size_t> rule_option_;   // [models x nodes], counted through
  std::vector<Compiled> compiled_;
  std::vector<Draw> draws_;  // by option, shortest first
  NodeSet done_ = 0, ready_ = 0;
  double usd_ = 0, tokens_ = 0, ms_ = 0;
  std::vector<Pending> pending_;
  std::vector<int> failures_, run_failures_;  // of the state, and of the run that is played
};

}  // namespace bursar::plan
