// How a running gateway stands: what /admin/status answers, /healthz and /readyz are made of, and `bursar doctor`
// reads.
//
//   GatewayStatus status = gateway.status();
//   answer(200, "application/json", to_json(status));
//   Result<GatewayStatus> same = parse_status(text);
//
// Doors under /admin (an admin key, or the development principal on loopback): GET /admin/status, GET /admin/budget
// (budgets_to_json), POST /admin/freeze and POST /admin/unfreeze ({"account": "acme/ada"}).
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
  std::vector<std::string> tools_without_schema;   // at most 20 names; input schema absent or not usable
  std::vector<std::string> tools_without_latency;  // at most 20 names; neither observations nor a prior of their own
  Duration sum_of_medians{0};                      // of its tools
  std::string last_error;
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
  std::size_t keys = 0;  // valid virtual keys
  Duration turn_budget{0};
  std::vector<UpstreamHealth> upstreams;
  std::vector<ledger::Standing> budgets;
};

[[nodiscard]] std::string to_json(const GatewayStatus& status);
// Errors: kInvalidArgument naming the member.
[[nodiscard]] Result<GatewayStatus> parse_status(std::string_view json);

// A JSON array of
// {"account","resource","window","limit","spent","held","left","overrun","stranded","refills_at_us",
// "frozen"}; amounts in
// smallest units, refills_at in RFC 3339 or null.
[[nodiscard]] std::string budgets_to_json(const std::vector<ledger::Standing>& standings);
[[nodiscard]] Result<std::vector<ledger::Standing>> parse_budgets(std::string_view json);

}  // namespace bursar::broker
