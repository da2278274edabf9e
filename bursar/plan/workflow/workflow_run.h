// One real run of a workflow under hard limits: fed by whoever executes it, asked by a planner.
//
//   auto run = WorkflowRun::make(workflow, {.budget = *parse_amounts("0.80 usd"), .deadline_ms = 300'000});
//   auto planner = PortfolioPlanner::make(workflow, {.reserve = 1.5});
//   while (!run->complete()) {
//     const Decision now = *planner->decide(run->state(clock_ms));
//     for (const Start& start : now.starts) auto cap = run->started(start, clock_ms);     // each sample may cost cap
//     if (now.starts.empty() && run->idle()) break;                                       // it cannot complete
//     …; auto after = run->finished(node, {.success = true, .cost = cost}, clock_ms);     // until after->batch_ended
//   }
//
// Before samples start, `reserve` times their mean cost is held; what they really cost is booked as each ends. Nothing
// is started that does not fit into budget - spent - held, so that a budget is never exceeded where no sample costs
// more than its cap (max_tokens of the call). One that does is booked all the same, and nothing starts until it fits
// again. Times are milliseconds since the run began, and never go back. Sans-I/O; saved and restored exactly. Errors
// leave it unchanged. Every call O(subtasks). Source: systems/mcpp.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <vector>

#include "bursar/core/amount.h"
#include "bursar/core/result.h"
#include "bursar/plan/workflow/workflow.h"

namespace bursar::plan {

struct RunLimits {
  Amounts budget = {};                        // usd, tokens; what is absent is not limited
  double deadline_ms = RunState::kUnlimited;  // > 0
  double reserve = 1.5;                       // 1 … 1000
  bool cancel_on_success = false;  // a subtask completes with its first success; its siblings may still report
};

struct SampleReport {
  bool success = false;
  Amounts cost = {};  // usd, tokens; what it really cost, >= 0
};

class WorkflowRun {
 public:
  struct Finished {
    bool batch_ended = false;  // plan again
    bool completed = false;    // the subtask
  };

  // Errors: kInvalidArgument naming the limit.
  [[nodiscard]] static Result<WorkflowRun> make(Workflow workflow, const RunLimits& limits);
  // Of save(), with the same workflow. Errors: kCorrupt.
  [[nodiscard]] static Result<WorkflowRun> restore(Workflow workflow, const boost::json::object& saved);
  [[nodiscard]] boost::json::object save() const;

  // Holds what the samples may cost; returns the cap of one. Errors: kInvalidArgument for a subtask that cannot start
  // now and for time that goes back, kExhausted where the hold does not fit, kTimeout past the deadline.
  [[nodiscard]] Result<Amounts> started(const Start& start, double now_ms);
  // One of its samples ended, in any way. Errors: kInvalidArgument where none runs.
  [[nodiscard]] Result<Finished> finished(std::size_t node, const SampleReport& report, double now_ms);

  [[nodiscard]] RunState state(double now_ms) const;
  [[nodiscard]] bool complete() const { return completed_ == workflow_.all(); }
  [[nodiscard]] bool idle() const { return batches_.empty(); }  // no sample is running, cancelled ones included
  [[nodiscard]] int pending(std::size_t node) const;            // samples of it that have not reported
  [[nodiscard]] const Workflow& workflow() const { return workflow_; }
  [[nodiscard]] const RunLimits& limits() const { return limits_; }
  [[nodiscard]] const Amounts& spent() const { return spent_; }
  [[nodiscard]] Amounts held() const;  // of limited resources

 private:
  struct Batch {
    std::size_t node = 0, option = 0;
    int pending = 0;
    bool succeeded = false;
    double began_ms = 0;
    Amounts cap;
  };
  WorkflowRun(Workflow workflow, const RunLimits& limits);
  [[nodiscard]] Result<void> check_time(double now_ms) const;
  [[nodiscard]] std::optional<std::int64_t> left(Resource resource) const;  // absent: not limited
  [[nodiscard]] Result<void> load(const boost::json::object& saved);
  [[nodiscard]] Result<void> load_batches(const boost::json::object& saved);

  Workflow workflow_;
  RunLimits limits_;
  NodeSet completed_ = 0;
  std::vector<Batch> batches_;
  std::vector<int> failures_;
  Amounts spent_;
  std::uint64_t events_ = 0;
  double now_ms_ = 0;
};

// What one sample may cost: `reserve` times the mean, rounded up to smallest units, held to 10^15 of them. What costs
// nothing on average has a cap of 0.
[[nodiscard]] Amounts sample_cap(const CostModel& cost, double reserve);

}  // namespace bursar::plan
