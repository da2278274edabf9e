// POST /v1/feedback: what came of a strategy's answer, so that the next ones are decided by it.
//
//   {"id": "01a2…-m7", "correct": true}       the id of the answer; or "reward": 0 … 1, or "truth": "42"
//   -> 200 {"id": "01a2…-m7", "learned": true}
//
// Once for each answer, by the principal that asked. Errors: 400 names the member; 404 for an answer that is not known,
// was told of, or is another's; 401 and 403 as everywhere.
#pragma once

#include <functional>
#include <string_view>

#include "bursar/broker/http/server.h"
#include "bursar/broker/pipeline/authenticate.h"
#include "bursar/broker/strategies/belief_store.h"

namespace bursar::broker {

class FeedbackDoor {
 public:
  struct Dependencies {
    std::function<Authentication(const HttpRequest&)> authenticate;
    BeliefStore* beliefs = nullptr;
  };
  explicit FeedbackDoor(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

  [[nodiscard]] static bool is_mine(std::string_view path) { return path == "/v1/feedback"; }
  void handle(const HttpRequest& request, const std::shared_ptr<Exchange>& exchange) const;

 private:
  Dependencies dependencies_;
};

}  // namespace bursar::broker
