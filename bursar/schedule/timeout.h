// Adaptive timeout budget allocation (ATBA): how long the next call of a turn may run.
//
//   Turn turn{.total = 30s, .left = 9s, .plan_known = true};
//   std::vector<StepPlan> rest{{.tool = {"cloud", "list"}}, {.tool = {"cloud", "increase"}}};   // this one first
//   TimeoutDecision d = next_timeout(turn, rest, /*attempt=*/0, latencies, {});
//   if (d.why == TimeoutReason::kSkip) …
//
// The online rule of systems/mcp-production section B, with g = 1.6, q_hi = .95, q_m = .90, k the attempt:
//   1. left < 0.6 x sum of medians of the remaining mandatory steps -> stop early
//   2. optional step:  t = min(q_hi g^k, slack), slack = left - sum q_m(later mandatory) - answer reserve;
//                      t < 0.5 median -> skip
//   3. mandatory step: t = min(left - answer reserve, q_.99 g^k); nothing is reserved for later mandatory steps, since
//                      they cannot be reached without this one
//   answer reserve = max(answer_reserve_min, answer_reserve_share x total); t >= timeout_min while there is time
// Where the plan is not known only rest[0] counts. A tool of which nothing is known does not count in rule 1: a guess
// is no ground to give up. Pure: no clock, no randomness. O(steps).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "bursar/core/clock.h"
#include "bursar/core/result.h"
#include "bursar/schedule/latency_model.h"

namespace bursar::schedule {

struct AtbaConfig {
  double growth = 1.6;             // g, per attempt
  double optional_quantile = .95;  // q_hi
  double reserve_quantile = .90;   // q_m
  double mandatory_quantile = .99;
  double stop_early_fraction = .6;  // of the sum of medians; 0 switches the rule off
  double skip_fraction = .5;        // of the step's median
  Duration answer_reserve_min = std::chrono::milliseconds{1500};
  double answer_reserve_share = .1;  // of the turn's total
  // A timeout is never shorter while there is time: latencies grow with the caller's own bursts, and cutting a call
  // early earns nothing unless the time buys a retry or a later step.
  Duration timeout_min{0};
  Duration hard_max = std::chrono::seconds{300};  // no call runs longer, whatever its progress says
};

struct Turn {
  Duration total{0};  // B
  Duration left{0};   // b
  bool plan_known = false;
};

struct StepPlan {
  ToolId tool;
  bool optional = false;
  double weight = 1;
};

enum class TimeoutReason : std::uint8_t { kAllocated, kSkip, kStopEarly, kNoTime };

struct TimeoutDecision {
  Duration timeout{0};
  TimeoutReason why = TimeoutReason::kAllocated;
  double p_finish = 0;    // probability that the call ends within `timeout`
  Duration extend_to{0};  // progress may extend the running call up to this, never past it
};

// rest[0] is the step to allocate now; an empty rest is answered with kNoTime. attempt >= 0, the first is 0. Errors in
// config are refused by check(), not here.
[[nodiscard]] TimeoutDecision next_timeout(const Turn& turn, std::span<const StepPlan> rest, int attempt,
                                           const LatencyModel& latencies, const AtbaConfig& config);
[[nodiscard]] Result<void> check(const AtbaConfig& config);

// Whether another attempt can still pay: the slack covers a median of the tool, and attempts < 3.
struct RetryQuestion {
  bool retryable = false, idempotent = false, not_applied = false;
  int attempts = 1;
  double upstream_retry_share = 0;  // retries / calls of the upstream in the last 60 s; at most .2 may be retries
  Duration retry_after{0};
};
struct RetryDecision {
  bool retry = false;
  Duration pause{0};
};
// `u` uniform in [0, 1): the pause is u x min(2 s, 100 ms 2^k), k = attempts - 1, or retry_after where that is longer.
// What must cover the pause and a median is the step's slack (rule 2) if optional, left - answer reserve if mandatory.
[[nodiscard]] RetryDecision next_retry(const Turn& turn, std::span<const StepPlan> rest, const RetryQuestion& question,
                                       double u, const LatencyModel& latencies, const AtbaConfig& config);

// The static problem, for comparison and tests: max prod F_i(t_i) s.t. sum t_i <= B for concave log F_i given by their
// reversed hazard h_i(t) = f_i(t) / F_i(t), decreasing in t. Bisects lambda (outer) and t_i (inner). Errors:
// kInvalidArgument for B <= 0 or no calls.
struct LatencyLaw {
  std::function<double(double)> cdf, reversed_hazard;  // arguments in ms
};
[[nodiscard]] LatencyLaw exponential_law(double mean_ms);
[[nodiscard]] LatencyLaw lognormal_law(double median_ms, double sigma);
struct StaticSplit {
  std::vector<double> timeouts_ms;
  double success = 0;
  double lambda = 0;
};
[[nodiscard]] Result<StaticSplit> static_timeouts(std::span<const LatencyLaw> laws, double budget_ms);

}  // namespace bursar::schedule
