// The third shape of decision: one job of several steps. It says what to do next, and is told what came of it.
//
//   for (Step step = controller.next(purse); !step.done; step = controller.next(purse)) {
//     for (const Action& action : step.actions) controller.report(run(action));
//   }
//   controller.best();                                    // the answer, at any time: the best so far
//
// Sans-I/O and deterministic: the same setup and the same observations give the same steps, whoever runs them
// (executor.h live, a simulated model, or the replay of a journal). That is also how a job is saved: its setup and its
// observations are its state.
#pragma once

#include <boost/json/array.hpp>
#include <optional>
#include <vector>

#include "bursar/plan/job/action.h"

namespace bursar::plan {

struct Step {
  bool done = false;            // nothing more to do: best() is the answer
  std::vector<Action> actions;  // to run side by side; none and not done: wait for what still runs
  boost::json::object why;      // the numbers behind the step, for the trace
};

class Controller {
 public:
  enum class Pace : std::uint8_t {
    kRounds,   // next() when all actions of a step have been reported; reports in the order of the actions
    kArrival,  // next() after each report, in the order of their ends
  };
  Controller() = default;
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;
  virtual ~Controller() = default;

  [[nodiscard]] virtual Pace pace() const { return Pace::kRounds; }
  [[nodiscard]] virtual Step next(const Purse& purse) = 0;
  // Once for each action, whatever became of it.
  virtual void report(const Observation& seen) = 0;
  [[nodiscard]] virtual std::optional<Answer> best() const = 0;
};

}  // namespace bursar::plan
