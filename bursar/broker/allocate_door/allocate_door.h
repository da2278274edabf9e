// POST /v1/allocate: a problem of known items as JSON, and the answer with its bound. Nothing is charged, and nothing
// is kept.
//
//   AllocateDoor door({.authenticate = …});
//   if (AllocateDoor::is_mine(request.path)) door.handle(std::move(request), exchange);
//
// The body is the document of bursar/allocate/format/json_problem.h with its budget; the answer is that of answer.h.
// Any principal may ask. Solved on threads of its own, never on a reactor:
//   400 invalid_argument   the place in the document, the value and what to do
//   401                    no principal
//   404 not_found          an item of "explain" that the problem does not have
//   405                    not POST
//   413 exhausted          more options than max_options
//   422 infeasible         by how much, and who forces it
//   429 too_many_requests  the principal's account has max_per_account under way
//   503 unavailable        the queue is full
// The body's size is the server's limit. "time_limit_s" of the request, at most time_limit_most, ends the search with
// the best answer so far (stop: "cancelled"); waiting in the queue does not count. A client that leaves ends its search
// too.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "bursar/broker/http/server.h"
#include "bursar/broker/http/workers.h"
#include "bursar/broker/pipeline/authenticate.h"

namespace bursar::broker {

struct AllocateLimits {
  std::size_t threads = 2;          // problems that are solved at the same time
  std::size_t waiting = 16;         // beside them
  std::size_t max_per_account = 4;  // under way, waiting ones too
  std::uint64_t max_options = 1'000'000;
  std::chrono::duration<double> time_limit{10};  // where the request says nothing
  std::chrono::duration<double> time_limit_most{30};
};

class AllocateDoor {
 public:
  struct Dependencies {
    std::function<Authentication(const HttpRequest&)> authenticate;
    AllocateLimits limits = {};
  };
  explicit AllocateDoor(Dependencies dependencies);
  ~AllocateDoor();  // ends what is searched, drops what waits

  [[nodiscard]] static bool is_mine(std::string_view path) { return path == "/v1/allocate"; }
  void handle(HttpRequest request, const std::shared_ptr<Exchange>& exchange);

 private:
  struct State;
  std::shared_ptr<State> state_;
  Workers workers_;  // ends before what its tasks use
};

}  // namespace bursar::broker
