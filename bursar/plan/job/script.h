// A controller written as one function: it asks, waits for all that it asked, and goes on.
//
//   Script three_votes(Job& job) {
//     std::vector<Action> asks(3, job.sample());
//     const std::vector<Observation> seen = co_await job.run(std::move(asks));
//     job.note({{"votes", 3}});                          // into the trace, with the next step
//     co_return job.vote(seen);                          // or nothing: what was offered by job.offer() stands
//   }
//   auto controller = run_script(std::move(setup), three_votes);
//
// job.offer(answer) says what the job would answer if it ended now; purse and deadline may end it at any co_await, and
// then the script is dropped there. Randomness comes from job.random() alone. A vector is named before it is awaited:
// GCC 12 destroys some temporaries of a co_await expression twice.
#pragma once

#include <boost/json/object.hpp>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/plan/job/controller.h"

namespace bursar::plan {

// What a job is about. The names of models and tools are those of the caller's gateway.
struct JobSetup {
  std::string strategy;
  std::vector<Message> messages;  // the agent's, as far as they are text
  std::string question;           // the text of the last message of a user
  std::string model, small_model, judge_model;
  std::string embedding_model;     // empty: texts are embedded without a model, as hashed n-grams
  std::vector<std::string> tools;  // the first is the one to search with
  std::int64_t max_tokens = 1024;  // of one answer
  double temperature = .7;         // of samples
  std::uint64_t seed = 1;
  boost::json::object parameters;  // of the strategy, complete
  boost::json::object beliefs;     // what was learned before (plan/beliefs.h); empty: the priors
};

class Job;

class Script {
 public:
  struct promise_type {
    std::optional<Answer> answer;
    std::exception_ptr bug;
    Script get_return_object() { return Script(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_value(std::optional<Answer> given) { answer = std::move(given); }
    void unhandled_exception() { bug = std::current_exception(); }
  };
  Script(Script&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Script& operator=(Script&&) = delete;
  ~Script() {
    if (handle_) handle_.destroy();
  }

 private:
  friend class ScriptController;
  explicit Script(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

// What a script sees of its job.
class Job {
 public:
  explicit Job(JobSetup setup) : setup_(std::move(setup)), random_(setup_.seed) {}

  [[nodiscard]] const JobSetup& setup() const { return setup_; }
  [[nodiscard]] const Purse& purse() const { return purse_; }  // as it was when the script went on
  [[nodiscard]] RandomStream& random() { return random_; }
  [[nodiscard]] std::int64_t integer(std::string_view parameter) const;  // of setup().parameters
  [[nodiscard]] double number(std::string_view parameter) const;
  [[nodiscard]] bool flag(std::string_view parameter) const;
  [[nodiscard]] std::string_view text(std::string_view parameter) const;

  // One more answer to the request as it came, by the main model.
  [[nodiscard]] Action sample() const;

  class Round {
   public:
    explicit Round(Job& job) : job_(job) {}
    [[nodiscard]] bool await_ready() const { return job_.asked_.empty(); }
    void await_suspend(std::coroutine_handle<> /*here*/) const {}
    [[nodiscard]] std::vector<Observation> await_resume() { return std::exchange(job_.seen_, {}); }

   private:
    Job& job_;
  };
  // Gives each action its id and seed. Observations come in the order of the actions, one each.
  [[nodiscard]] Round run(std::vector<Action> actions);
  [[nodiscard]] Round run(Action action);

  void note(boost::json::object numbers);  // joins what was noted since the last step
  void offer(Answer answer) { best_ = std::move(answer); }
  [[nodiscard]] const std::optional<Answer>& best() const { return best_; }

 private:
  friend class ScriptController;
  JobSetup setup_;
  RandomStream random_;
  Purse purse_;
  std::uint64_t actions_ = 0;
  std::vector<Action> asked_;
  std::vector<Observation> seen_;
  boost::json::object why_;
  std::optional<Answer> best_;
};

class ScriptController final : public Controller {
 public:
  ScriptController(JobSetup setup, Script (*script)(Job&)) : job_(std::move(setup)), script_(script(job_)) {}
  [[nodiscard]] Step next(const Purse& purse) override;
  void report(const Observation& seen) override;
  [[nodiscard]] std::optional<Answer> best() const override { return job_.best(); }

 private:
  Job job_;
  Script script_;  // ends before the job that it refers to
  std::size_t waiting_ = 0;
  bool done_ = false;
};

[[nodiscard]] inline std::unique_ptr<Controller> run_script(JobSetup setup, Script (*script)(Job&)) {
  return std::make_unique<ScriptController>(std::move(setup), script);
}

}  // namespace bursar::plan
