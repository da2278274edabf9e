// What the agent of a strategy's job gets to see, and when: a whole answer at its end, or a stream that opens with the
// first thing that came back, so that refusals have a status of their own.
//
//   auto reply = std::make_shared<StrategyReply>(exchange, std::move(asked), once);
//   LiveJob::Hooks{.progress = [reply](LiveJob& job) { reply->progress(job); }, .ended = …reply->end(job)…}
//
// Where there is no answer at all, the last refusal is the answer.
#pragma once

#include <memory>

#include "bursar/broker/models/model_run.h"
#include "bursar/broker/strategies/live_job.h"
#include "bursar/broker/strategies/strategy_request.h"

namespace bursar::broker {

// A job without an answer as an answer: what was refused last, the deadline, or the purse.
[[nodiscard]] HttpResponse no_answer(const LiveJob& job);

class StrategyReply {
 public:
  StrategyReply(std::shared_ptr<Exchange> exchange, StrategyRequest asked,
                std::shared_ptr<IdempotencyTable::Claim> once)
      : exchange_(std::move(exchange)), asked_(std::move(asked)), once_(std::move(once)) {}

  void progress(LiveJob& job);
  void end(LiveJob& job);
  void gone() { gone_ = true; }  // the agent went away
  [[nodiscard]] const StrategyRequest& asked() const { return asked_; }

 private:
  void open(LiveJob& job);

  std::shared_ptr<Exchange> exchange_;
  StrategyRequest asked_;
  std::shared_ptr<IdempotencyTable::Claim> once_;
  bool streaming_ = false, gone_ = false;
};

}  // namespace bursar::broker
