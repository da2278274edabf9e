// POST /v1/plan/workflow: runs a workflow on the gateway's models, under the caller's budget and deadline.
//
//   {"workflow": {"subtasks": […]}, "budget": "0.80 usd, 20k tokens, 300 s", "seed": 1, "explain": true}
//   -> {"id": …, "complete": true, "ended": "answered", "answers": {"outline": "…"}, "cost": "…", "calls": 9,
//       "refused": 0, "failed": 1, "trace": […]}
//
// With "stream": true the same as server-sent events: each step and observation as it happens, and the result last;
// {"journal": […]} of such events makes a run that was broken off go on where it stood, its spending counted. Workflows
// are those of plan/workflow/workflow_file.h; the models that their options name are the gateway's. A run that ends
// before it is complete answers with what it has. Errors: 400 names the member, 401/403 as everywhere, 402 where the
// budget or an account allowed nothing at all.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "bursar/broker/config/config.h"
#include "bursar/broker/pipeline/authenticate.h"
#include "bursar/broker/strategies/job_table.h"

namespace bursar::broker {

class WorkflowDoor {
 public:
  struct Dependencies {
    std::function<Authentication(const HttpRequest&)> authenticate;
    std::shared_ptr<const StrategyServices> services;
    std::shared_ptr<JobTable> jobs;
    std::function<std::shared_ptr<const Config>()> config;
    std::string instance;  // makes job ids unique over processes
  };
  explicit WorkflowDoor(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

  [[nodiscard]] static bool is_mine(std::string_view path) { return path == "/v1/plan/workflow"; }
  void handle(HttpRequest request, const std::shared_ptr<Exchange>& exchange);

 private:
  void run(HttpRequest request, Principal principal, const std::shared_ptr<Exchange>& exchange);

  Dependencies dependencies_;
  std::atomic<std::uint64_t> next_{1};
};

}  // namespace bursar::broker
