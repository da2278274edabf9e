// A workflow as a controller: the planner says which models try which subtasks, how often at a time, and what the
// endpoints answer says whether they are complete.
//
//   auto controller = WorkflowController::make(*read_workflow(text), {.limits = {.budget = purse, .deadline_ms =
//   300'000},
//                                                                     .passes = check_with_your_regex});
//   Executor executor(std::move(*controller), {.purse = purse, .time = 300s}, effects);
//
// Planned anew whenever a batch of samples ends. Give the executor the same purse and deadline: it enforces them by
// worst cases, this plans by means. A subtask's answer is the whole reply of its first sample that passed its check.
// Source: systems/mcpp.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bursar/plan/job/controller.h"
#include "bursar/plan/workflow/portfolio_planner.h"
#include "bursar/plan/workflow/workflow_file.h"
#include "bursar/plan/workflow/workflow_run.h"

namespace bursar::plan {

struct WorkflowSetup {
  RunLimits limits;
  PlannerOptions planner;
  // Whether an answer passes: `min_chars` is checked already; absent: a check with a regex is refused by make().
  std::function<bool(const AnswerCheck& check, const std::string& answer)> passes = {};
  std::int64_t max_tokens = 1024;  // of a sample whose option does not say how many tokens it takes
  double temperature = .7;
};

class WorkflowController final : public Controller {
 public:
  // Errors: kInvalidArgument where a subtask has no prompt, and those of planner and run.
  [[nodiscard]] static Result<std::unique_ptr<WorkflowController>> make(WorkflowFile file, WorkflowSetup setup);

  [[nodiscard]] Pace pace() const override { return Pace::kArrival; }
  [[nodiscard]] Step next(const Purse& purse) override;
  void report(const Observation& seen) override { arrived_.push_back(seen); }
  // The answers so far as a JSON object, subtask -> text; absent before there is one.
  [[nodiscard]] std::optional<Answer> best() const override;

  [[nodiscard]] bool complete() const { return run_.complete(); }
  [[nodiscard]] const WorkflowFile& file() const { return file_; }
  [[nodiscard]] const std::vector<std::string>& answers() const { return answers_; }  // [subtasks]; empty: none yet

 private:
  WorkflowController(WorkflowFile file, WorkflowSetup setup, WorkflowRun run, PortfolioPlanner planner);
  bool take_reports(double now_ms);  // whether a batch has ended
  [[nodiscard]] bool passes(std::size_t node, const std::string& answer) const;
  void start(const Start& start, double now_ms, Step& step);

  WorkflowFile file_;
  WorkflowSetup setup_;
  WorkflowRun run_;
  PortfolioPlanner planner_;
  std::vector<Observation> arrived_;
  std::map<std::uint64_t, std::size_t> running_;  // action -> subtask
  std::vector<std::string> answers_;
  std::uint64_t actions_ = 0;
  double now_ms_ = 0;
  bool begun_ = false;
  std::string wrong_;  // why nothing more is started
};

}  // namespace bursar::plan
