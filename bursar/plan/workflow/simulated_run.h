// One simulated run of a workflow under any policy, with exact draws: the world that planners are judged in.
//
//   const WorkflowPolicy policy = planned_by(planner);             // or fixed_rule(…), or a plan made in advance
//   const SimulatedRun run = *simulate_run(world, {.usd = .8, .ms = 300'000}, policy, RandomStream(7));
//   run.completed; run.usd; run.ms;
//
// The policy is asked at each end of a batch, and sees neither the outcomes nor the ends of samples that still run.
// Realised costs are charged when a batch starts; a run has failed where one exceeds what is left, or where a batch
// would end after the deadline. The n-th batch of a subtask draws the same numbers under every policy. `world` may have
// other success rates than the policy believes in. Source: systems/mcpp.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/plan/workflow/portfolio_planner.h"

namespace bursar::plan {

using WorkflowPolicy = std::function<Result<std::vector<Start>>(const RunState&)>;

struct WorkflowBudget {
  double usd = RunState::kUnlimited, tokens = RunState::kUnlimited, ms = RunState::kUnlimited;
};

struct SimulatedRun {
  bool completed = false;
  double usd = 0, tokens = 0, ms = 0;  // spent until it completed or failed; never beyond the budget
  int decisions = 0, batches = 0, samples = 0;
};

// Errors: the policy's, and kInvalidArgument for a start that is not dispatchable or not of 1 … 65,536 samples.
[[nodiscard]] Result<SimulatedRun> simulate_run(const Workflow& world, const WorkflowBudget& budget,
                                                const WorkflowPolicy& policy, const RandomStream& random,
                                                bool cancel_on_success = false);

// --- Policies. They keep a reference to what they are made of.
[[nodiscard]] WorkflowPolicy planned_by(PortfolioPlanner& planner);
[[nodiscard]] WorkflowPolicy fixed_rule(const Workflow& workflow, PortfolioRule rule);  // Seq-(m,k)

// The published baselines: money is split over the subtasks in advance, and each has one batch, of what its share buys.
enum class StaticSplit : std::uint8_t { kUniform, kRandom, kLatency, kFailure, kCriticalPath };
[[nodiscard]] std::string_view name_of(StaticSplit split);  // "uniform", "random", "latency", "failure", …
// Samples a subtask; 0 where its share does not buy one. kRandom draws a Dirichlet(1, …, 1).
[[nodiscard]] std::vector<int> split_once(const Workflow& workflow, StaticSplit split, double usd, std::size_t model,
                                          RandomStream random);
[[nodiscard]] WorkflowPolicy dispatch_once(const Workflow& workflow, std::vector<int> samples, std::size_t model);

}  // namespace bursar::plan
