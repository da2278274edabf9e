// One agent request on its way through the six stages, and everything they learn about it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bursar/broker/identity/principal.h"
#include "bursar/broker/mcp/message.h"
#include "bursar/broker/pipeline/breaker.h"
#include "bursar/broker/pipeline/idempotency.h"
#include "bursar/broker/pipeline/limiters.h"
#include "bursar/broker/pipeline/serf.h"
#include "bursar/broker/upstream/upstream.h"
#include "bursar/core/clock.h"
#include "bursar/ledger/ledger.h"
#include "bursar/schedule/timeout.h"

namespace bursar::broker {

enum class StageName : std::uint8_t { kAuthenticate, kAuthorise, kAdmit, kEnrich, kInvoke, kSettle };
inline constexpr std::size_t kStages = 6;

struct Caller;  // identity/token_verifier.h

// What the transport knows about the request beside its body.
struct Ingress {
  std::string authorization;  // the header's value; dropped after authenticate
  std::string origin, host;
  bool loopback = false;  // the peer's address is a loopback address
  Era era = Era::kLegacy;
  std::string session_id;
  std::string server;  // of /mcp/<server>; empty for /mcp
  std::string traceparent;
  std::shared_ptr<const Caller> caller = nullptr;  // who showed a token that the transport has checked already
};

class Contract;
struct PipelineConfig;

// The tool (prompt, resource) that is called, resolved against the catalogue. The flags are what the server said;
// authorise keeps them only where the configuration trusts that server, and then applies the operator's overrides.
struct Target {
  std::string upstream;                     // configuration name
  std::string name;                         // as the upstream calls it
  std::string exposed;                      // as the agent calls it
  std::string input_schema, output_schema;  // raw JSON, empty where unknown
  bool idempotent = false, read_only = false, optional_step = false;
  // Compiled once by the catalogue; where absent the text above is compiled through the cache.
  std::shared_ptr<const Contract> input_contract = nullptr, output_contract = nullptr;
};

struct Attempt {
  WallTime started;
  Duration timeout{0}, elapsed{0};
  UpstreamReply reply;
};

struct StageRecord {
  bool ran = false, stopped = false;
  std::int32_t micros = 0;
};

// A refusal on the level of HTTP: who you are (401, 403) or what you sent (400, 404, 413, 421).
struct HttpRefusal {
  int status = 400;
  std::string www_authenticate = {};
  std::string body = {};  // JSON-RPC error or empty
  int retry_after_s = 0;  // 0: nothing is said about it
};

// What the stages keep for themselves from one step to the next; nobody else reads it. Whatever is held here gives
// itself back when the call is dropped.
struct CallState {
  std::shared_ptr<const PipelineConfig> config;  // as it was when the call began
  WallTime turn_ends{};
  bool turn_from_trace = false;
  Amounts turn_charged;  // taken from the turn's own caps
  ConcurrencyLimiter::Unit principal_unit, upstream_unit;
  BreakerPass pass;
  IdempotencyTable::Claim claim;
  std::string ledger_key;
  std::uint8_t step = 0;  // of the stage that runs; a stage begins with 0
  std::optional<ledger::Reservation> granted;
  std::vector<ActionType> history;  // what the broker did itself to recover
  bool attempt_running = false;
  std::optional<Cause> stopped;  // the agent gave up, or the process stops
  Amounts committed;             // of attempts that are settled already
};

struct Call {
  // Given by the transport.
  std::string id;  // unique, sortable by time
  WallTime arrived;
  Ingress ingress;
  Message request;

  // Learned on the way.
  Principal principal;
  std::optional<Target> target;
  std::string turn_id, trace_id;
  schedule::Turn turn;
  std::vector<schedule::StepPlan> plan;  // this step first
  schedule::TimeoutDecision timeout;
  Amounts price;  // fixed part
  bool meter_ms = false;
  ledger::Hold hold;
  std::string outgoing_params;
  std::vector<Attempt> attempts;
  std::string result;          // raw JSON result for the agent
  std::string upstream_error;  // raw JSON-RPC error: the upstream's own, or ours where a method has no isError
  std::optional<Serf> serf;    // set on every failure of ours, whatever form the answer takes
  std::optional<HttpRefusal> http;
  std::optional<ledger::Receipt> receipt;  // over all attempts: their sums, and the last one's sequence
  std::array<StageRecord, kStages> stages{};
  CallState state;
};

}  // namespace bursar::broker
