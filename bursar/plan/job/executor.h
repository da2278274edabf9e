// Runs any controller within a purse and a deadline, over effects that somebody else performs. Sans-I/O.
//
//   Executor executor(std::move(controller), {.purse = *parse_amounts("5k tokens"), .time = 20s}, effects);
//   executor.begin(clock.now());
//   executor.ended(std::move(observation), clock.now());       // for each action that effects.launch() was given
//   executor.result();                                         // once effects.finish() was called
//
// Before an action is launched its worst case is held in the purse; an action that does not fit waits for what others
// give back, is cut down to its least_tokens, or is refused, and the controller hears of that. When it ends, what it
// cost is spent and the rest is free again. At the deadline, at stop(), and when a whole step was refused, what runs is
// cancelled, the controller hears what came before that, and the best answer so far is the result. A controller that
// never ends is ended by `actions`. Observations reach the controller in the order of its actions (Pace::kRounds), so
// that a job with a seed takes the same decisions however its calls overlap. journal() has every step and observation
// (journal.h): a new executor of the same setup that is given it with resume() stands where this one stood; what was
// running then is launched again.
#pragma once

#include <boost/json/array.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"
#include "bursar/plan/job/controller.h"

namespace bursar::plan {

struct JobLimits {
  Amounts purse = {};                           // smallest units; absent resources: no limit of the job's own
  std::optional<Duration> time = std::nullopt;  // from begin()
  std::size_t parallel = 8;                     // actions at a time, >= 1
  std::size_t actions = 256;                    // in all
};

class ExecutorEffects {
 public:
  virtual ~ExecutorEffects() = default;
  // The most that the action can cost. Errors: why it cannot be run at all.
  [[nodiscard]] virtual Result<Amounts> bound(const Action& action) = 0;
  virtual void launch(const Action& action) = 0;  // one ended() follows, perhaps from within
  virtual void cancel(std::uint64_t action) = 0;  // its ended() still follows
  virtual void wake(Duration in) = 0;             // woken() follows
  virtual void finish() = 0;                      // once; nothing runs any more
};

enum class JobEnd : std::uint8_t {
  kAnswered,  // the controller was done
  kPurse,     // the job's purse, or an account, held no more
  kDeadline,
  kStopped,  // by stop()
  kActions,  // more than `actions`
};
[[nodiscard]] std::string_view name_of(JobEnd end);

struct JobResult {
  JobEnd end = JobEnd::kAnswered;
  std::optional<Answer> answer;
  Amounts cost;
  std::int64_t prompt_tokens = 0, completion_tokens = 0;
  std::size_t launched = 0, done = 0, refused = 0, failed = 0;  // actions
  std::string why;                                              // the last thing that did not end well
};

class Executor {
 public:
  Executor(std::unique_ptr<Controller> controller, const JobLimits& limits, ExecutorEffects& effects);

  void begin(WallTime now);
  // Instead of begin(): goes on from a journal of the same setup. Errors: kCorrupt where the controller asks for other
  // actions than the journal has seen.
  [[nodiscard]] Result<void> resume(const boost::json::array& journal, WallTime now);

  void ended(Observation seen, WallTime now);
  void woken(WallTime now);
  void stop(WallTime now);

  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] const JobResult& result() const { return result_; }
  [[nodiscard]] const Purse& purse() const { return purse_; }
  [[nodiscard]] const boost::json::array& journal() const { return journal_; }

 private:
  struct Asked {
    Action action;
    Amounts held = {};
    bool running = false;
    std::optional<Observation> seen = std::nullopt;
  };

  void pump(WallTime now);
  bool advance(WallTime now);  // whether something happened that may let more happen
  void ask(WallTime now);
  void admit(Step step);
  bool report_ended();
  void report(Asked& asked);
  bool launch_waiting();
  [[nodiscard]] Result<bool> fit(Asked& asked);  // false: it fits once others have given back
  void settle(Asked& asked, Observation seen);
  void end(JobEnd how);
  void hear_out(WallTime now);
  [[nodiscard]] Result<void> replay(const boost::json::object& entry);

  std::unique_ptr<Controller> controller_;
  JobLimits limits_;
  ExecutorEffects& effects_;
  Purse purse_;
  WallTime started_{};
  std::map<std::uint64_t, Asked> open_;  // asked and not yet reported
  std::deque<std::uint64_t> waiting_;    // of them, those to launch
  std::deque<std::uint64_t> arrived_;    // of them, those that have ended, in that order
  std::size_t running_ = 0, asked_ = 0;
  std::size_t step_size_ = 0, step_refused_ = 0, refused_steps_ = 0;  // in a row
  boost::json::array journal_;
  JobResult result_;
  bool due_ = true;  // the controller is to be asked
  bool ending_ = false, finished_ = false, pumping_ = false;
};

}  // namespace bursar::plan
