// A job's actions on the simulated model, one after the other, on a clock that only they move. No real model is asked.
//
//   SimulatedCalls calls(/*seed of the model=*/7, question);
//   plan::Executor executor(std::move(controller), limits, calls);
//   calls.run(executor);                                     // or calls.resume(executor, journal) first
//   executor.result();
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "bursar/plan/job/executor.h"
#include "bursar/simulate/model.h"

namespace bursar::cli {

class SimulatedCalls final : public plan::ExecutorEffects {
 public:
  // `question`: the messages of asks that have none of their own.
  SimulatedCalls(std::uint64_t seed, std::vector<simulate::ChatMessage> question)
      : seed_(seed), question_(std::move(question)), model_(seed) {}

  void run(plan::Executor& executor);
  [[nodiscard]] WallTime now() const { return now_; }

  [[nodiscard]] Result<Amounts> bound(const plan::Action& action) override;
  void launch(const plan::Action& action) override { waiting_.push_back(action); }
  void cancel(std::uint64_t action) override;
  void wake(Duration /*in*/) override {}
  void finish() override {}

 private:
  [[nodiscard]] std::vector<simulate::ChatMessage> messages_of(const plan::ModelAsk& ask) const;
  [[nodiscard]] plan::Observation perform(const plan::Action& action);

  std::uint64_t seed_;
  std::vector<simulate::ChatMessage> question_;
  simulate::SimulatedModel model_;
  WallTime now_ = wall_from_unix_us(0);
  std::deque<plan::Action> waiting_;
  std::vector<std::uint64_t> cancelled_;
};

}  // namespace bursar::cli
