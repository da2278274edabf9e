// Runs a job against a model that the test plays. For tests.
//
//   TestedJob job(make_job(**strategy_named("pets"), {.question = "2+2?", .model = "m"}).value(), {.purse = …},
//                 [](const Action& action) { return said("Answer: 4"); });
//   EXPECT_EQ(job.run().answer->text, "Answer: 4");
//
// Actions end in the order in which they began, one at a time, or all at once in the reverse order (`backwards`), which
// must change nothing. Every action is bounded by its max_tokens and one call, and each takes `latency`.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "bursar/core/clock.h"
#include "bursar/plan/job/executor.h"
#include "bursar/plan/strategies/strategies.h"

namespace bursar::plan {

inline Observation said(std::string text, std::int64_t tokens = 10) {
  Observation out{.text = std::move(text), .finish = "stop", .completion_tokens = tokens};
  out.cost = parse_amounts(std::to_string(tokens) + " tokens, 1 calls").value();
  return out;
}

class TestedJob final : public ExecutorEffects {
 public:
  using Model = std::function<Observation(const Action&)>;

  TestedJob(std::unique_ptr<Controller> controller, const JobLimits& limits, Model model)
      : model_(std::move(model)), executor_(std::move(controller), limits, *this) {}

  bool backwards = false;
  Duration latency{1000};
  std::vector<Action> launched;
  std::vector<std::uint64_t> cancelled;
  int finishes = 0;
  std::size_t most_at_once = 0;

  const JobResult& run() {
    executor_.begin(now);
    while (step()) {
    }
    return executor_.result();
  }
  // Ends one running action; false when nothing runs.
  bool step() {
    if (running_.empty()) return false;
    const Action action = backwards ? running_.back() : running_.front();
    running_.erase(backwards ? running_.end() - 1 : running_.begin());
    now += latency;
    Observation seen = model_(action);
    seen.action = action.id;
    seen.took = latency;
    executor_.ended(std::move(seen), now);
    return true;
  }

  Result<Amounts> bound(const Action& action) override {
    const auto* ask = std::get_if<ModelAsk>(&action.ask);
    return parse_amounts(std::to_string(ask != nullptr ? ask->max_tokens : 0) + " tokens, 1 calls");
  }
  void launch(const Action& action) override {
    launched.push_back(action);
    running_.push_back(action);
    most_at_once = std::max(most_at_once, running_.size());
  }
  void cancel(std::uint64_t action) override {
    cancelled.push_back(action);
    std::erase_if(running_, [&](const Action& a) { return a.id == action; });
    executor_.ended({.action = action, .end = ActionEnd::kCancelled}, now);
  }
  void wake(Duration in) override { wakes.push_back(in); }
  void finish() override { ++finishes; }

  [[nodiscard]] Executor& executor() { return executor_; }
  std::vector<Duration> wakes;
  WallTime now = wall_from_unix_us(1'000'000);

 private:
  Model model_;
  std::vector<Action> running_;
  Executor executor_;
};

}  // namespace bursar::plan
