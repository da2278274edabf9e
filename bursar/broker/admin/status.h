// How a running gateway stands: what /v1/status answers, /healthz and /readyz are made of, and `bursar doctor`
// reads.
//
//   GatewayStatus status = gateway.status();
//   answer(200, "application/json", to_json(status));
//   Result<GatewayStatus> same = parse_status(text);
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/clock.h"
#include "bursar/core/result.h"
#include "bursar/ledger/ledger.h"

namespace bursar::broker {

struct UpstreamHealth {
  std::string name;
  bool up = false;  // the last probe or call reached it
  bool circuit_open = false;
  std::string protocol_version;
  std::size_t sessions = 0, children = 0, restarts = 0, in_flight = 0;
  std::size_t tools = 0;
  std::string tools_digest, tools_pinned;          // SHA-256 of what it offers, hex, and what it may offer; or empty
  std::vector<std::string> tools_without_schema;   // at most 20 names; input schema absent or not usable
  std::vector<std::string> tools_without_latency;  // at most 20 names; neither observations nor a prior of their own
  Duration sum_of_medians{0};                      // of its tools
  std::string last_error;
  std::string sign_in;  // "none", "needed", "under_way", "signed_in"; empty where nobody can sign in
  [[nodiscard]] bool drifted() const {
    return !tools_pinned.empty() && !tools_digest.empty() && tools_digest != tools_pinned;
  }
};

// An OpenAI-compatible endpoint behind /v1.
struct ModelHealth {
  std::string name;
  bool circuit_open = false;
  std::size_t in_flight = 0;
  std::string last_error;  // of its last call; empty: it answered, or was never asked
};

struct GatewayStatus {
  std::string version;
  WallTime started, now;
  std::string listen;  // "127.0.0.1:8484": where it really listens
  bool draining = false;
  std::string config_file;  // empty: zero configuration
  std::uint64_t config_generation = 0;
  WallTime config_loaded;
  std::string config_error;               // why the newest file was refused; empty: it was not
  std::string ledger_error, audit_error;  // empty: healthy
  std::size_t connections = 0, sessions = 0, streams = 0, calls_in_flight = 0;
  std::size_t keys = 0;               // valid virtual keys
  std::uint64_t internal_errors = 0;  // calls that ended with INTERNAL_ERROR since the start
  Duration turn_budget{0};
  std::vector<UpstreamHealth> upstreams;
  std::vector<ModelHealth> models;
  std::string price_date;  // of models.price_file; empty without one
  std::vector<ledger::Standing> budgets;
};

[[nodiscard]] std::string to_json(const GatewayStatus& status);
// Errors: kInvalidArgument naming the member.
[[nodiscard]] Result<GatewayStatus> parse_status(std::string_view json);

}  // namespace bursar::broker
