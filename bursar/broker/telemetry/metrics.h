// What the gateway counts, for Prometheus: typed methods in, text exposition out.
//
//   Metrics metrics;
//   metrics.call_finished("files", "tools/call", "ok", 12ms);
//   metrics.add(Gauge::kSessions, +1);
//   answer(200, Metrics::kContentType, metrics.exposition());
//
// Label values come from configuration or closed sets; whatever an outsider might invent still cannot grow a family
// past its cap: further values are counted under "other". Thread-safe. Recording takes no lock once a series exists.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/amount.h"
#include "bursar/core/clock.h"
#include "bursar/ledger/ledger.h"

namespace bursar::broker {

// Levels of the whole process.
enum class Gauge : std::uint8_t {
  kConnections,    // bursar_connections
  kSessions,       // bursar_sessions: agent sessions
  kStreams,        // bursar_streams: open event streams towards agents
  kCallsInFlight,  // bursar_calls_in_flight
  kAuditQueue,     // bursar_audit_queue: audit records waiting for the disk
  kKeys,           // bursar_keys: virtual keys that are valid
};

// Levels of one upstream.
enum class UpstreamGauge : std::uint8_t {
  kUp,           // bursar_upstream_up: 0 or 1
  kSessions,     // bursar_upstream_sessions
  kChildren,     // bursar_upstream_children
  kInFlight,     // bursar_upstream_in_flight
  kCircuitOpen,  // bursar_upstream_circuit_open: 0 or 1
  kTools,        // bursar_upstream_tools
  kDrifted,      // bursar_upstream_tools_drifted: 0 or 1: not the tools that the configuration pinned
  kRestarts,     // bursar_upstream_restarts: children and sessions started again
};

class Metrics {
 public:
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";
  static constexpr std::size_t kMaxLabelValues = 64;  // of one label; the rest is "other"
  static constexpr std::size_t kMaxBudgets = 1000;    // accounts x limits that are exposed

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // One agent request that was answered. `outcome`: "ok", or the category's name. Method names of the protocol only.
  // bursar_calls_total{upstream,method,outcome}, bursar_call_seconds{upstream}
  void call_finished(std::string_view upstream, std::string_view method, std::string_view outcome, Duration elapsed);
  // One try of an upstream. `result`: "ok", "error" or the failure's code.
  // bursar_upstream_attempts_total{upstream,result}, bursar_upstream_seconds{upstream}
  void attempt_finished(std::string_view upstream, std::string_view result, Duration elapsed);
  void retried(std::string_view upstream);                              // bursar_retries_total{upstream}
  void timeout_allocated(std::string_view upstream, Duration timeout);  // bursar_timeout_seconds{upstream}
  void overhead(Duration own);  // bursar_overhead_seconds: a call's time less that of its upstream

  // The stage that ended a call, and why (a category's or code's name). bursar_stage_stops_total{stage,reason}
  void stage_stopped(std::string_view stage, std::string_view reason);
  void http_answered(int status);                       // bursar_http_responses_total{status}
  void authentication_failed(std::string_view reason);  // bursar_authentication_failures_total{reason}

  // The ledger: bursar_reserved_total, bursar_settled_total, bursar_overrun_total {resource}, in the resource's printed
  // unit, and bursar_refusals_total{resource,reason}.
  void reserved(const Amounts& amounts);
  void settled(const ledger::Receipt& receipt);
  void refused(const ledger::Refusal& refusal);
  // bursar_budget_limit, _spent, _held, _left {account,resource,window}; replaces what was set before.
  void set_budgets(std::vector<ledger::Standing> standings);

  void add(Gauge gauge, std::int64_t by);
  void set(Gauge gauge, std::int64_t value);
  void set(UpstreamGauge gauge, std::string_view upstream, std::int64_t value);

  void queue_dropped(std::string_view queue, std::int64_t messages = 1);  // bursar_queue_dropped_total{queue}
  void configuration_reloaded(bool accepted);                             // bursar_config_reloads_total{result}

  [[nodiscard]] std::string exposition() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] std::string_view name_of(ledger::Refusal::Why why);  // "limit", "frozen", …

}  // namespace bursar::broker
