// What bursar.yaml says, checked and with defaults filled in: plain values, no YAML type.
//
//   Result<Config> config = load_config("bursar.yaml");           // ${ENV} replaced; errors name line, column and
//   field Result<Config> same = parse_config(text, "bursar.yaml", env);
//
// docs/configuration.md shows every field; config/schema.json is the published JSON schema, and a test holds the two
// and this header together.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/config/decide_config.h"
#include "bursar/broker/config/identity_config.h"
#include "bursar/broker/config/model_config.h"
#include "bursar/broker/config/strategy_config.h"
#include "bursar/core/amount.h"
#include "bursar/core/clock.h"
#include "bursar/core/result.h"
#include "bursar/ledger/account.h"
#include "bursar/schedule/timeout.h"

namespace bursar::broker {

struct ListenConfig {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8484;                 // 0: the system chooses; the log and /healthz say which
  std::vector<std::string> allowed_origins;  // beside loopback origins
  std::vector<std::string> allowed_hosts;    // beside loopback names and the listen address
  unsigned reactors = 0;                     // 0: one a core
  TlsServerConfig tls;                       // without a certificate: plain HTTP
  bool operator==(const ListenConfig&) const = default;
};

// What an outsider can fill, and how far.
struct LimitsConfig {
  std::size_t body_bytes = 4 << 20;
  std::size_t header_bytes = 16 << 10;
  std::size_t json_depth = 64;
  std::size_t connections = 4096;
  std::size_t sessions = 4096;
  std::size_t sessions_per_principal = 1024;
  std::size_t calls_per_principal = 256;  // concurrent
  std::size_t queue_per_stream = 1024;    // messages waiting for one slow reader
  std::size_t result_bytes = 1 << 20;     // larger results are truncated and flagged
  Duration header_timeout = std::chrono::seconds{10};
  Duration body_timeout = std::chrono::seconds{30};
  Duration idle_timeout = std::chrono::minutes{5};  // of a kept-alive connection
  Duration session_idle = std::chrono::hours{1};
  Duration write_timeout = std::chrono::seconds{30};  // a reader that takes nothing for so long is cut off
  Duration drain = std::chrono::seconds{10};          // of a graceful shutdown
  bool operator==(const LimitsConfig&) const = default;
};

enum class Isolation : std::uint8_t { kShared, kPrincipal, kSession };  // who may share one upstream session or child

// Which revision of MCP a server speaks; kAuto asks it, and remembers the answer.
enum class EraChoice : std::uint8_t { kAuto, kModern, kLegacy };

// Whether we sign in to a server with OAuth: kAuto where it asks for it and no credential is configured.
enum class AuthChoice : std::uint8_t { kAuto, kOAuth, kNone };

struct UpstreamConfig {
  std::string name;                   // [a-z0-9_-]{1,32}; the path /mcp/<name>
  std::optional<std::string> prefix;  // of its tools under /mcp; default "<name>."; "" for none
  // stdio
  std::string command;
  std::vector<std::string> args;
  std::map<std::string, std::string> env;  // added to a minimal environment (PATH, HOME, LANG, TMPDIR)
  std::string directory;
  // or streamable HTTP
  std::string url;
  std::map<std::string, std::string> headers;  // own credentials; may hold secrets: never printed
  TlsClientConfig tls;
  TokenExchangeConfig token_exchange;  // a token of the caller's own for this server; off without a url
  AuthChoice auth = AuthChoice::kAuto;
  OAuthConfig oauth;
  bool private_network = false;  // a host name may lead to a loopback, private or link-local address
  EraChoice era = EraChoice::kAuto;
  std::string tools_digest;  // SHA-256, hex, of the tools that it may offer; another raises an alarm
  Isolation isolation = Isolation::kPrincipal;
  bool trust_annotations = false;    // believe readOnlyHint, idempotentHint of this server
  std::size_t max_children = 64;     // stdio: children over all principals / sessions
  std::size_t max_concurrent = 256;  // calls in flight
  std::size_t memory_bytes = 0;      // stdio: RLIMIT_AS; 0 for none
  std::size_t open_files = 1024;     // stdio: RLIMIT_NOFILE
  Duration start_timeout = std::chrono::seconds{20};
  Duration child_idle = std::chrono::minutes{10};
};

// What a call costs; the first rule whose patterns fit. Without any rule a tools/call costs 1 call and its
// milliseconds.
struct PriceRule {
  std::string server = "*", tool = "*";  // globs
  Amounts price;                         // fixed, reserved and settled
  bool meter_ms = true;                  // reserve the timeout, settle the milliseconds that passed
};

enum class Effect : std::uint8_t { kAllow, kDeny };
// A rule fits if each of its parts does.
struct PolicyRule {
  Effect effect = Effect::kAllow;
  std::vector<std::string> principals{"*"};  // globs on the principal's subject or account
  std::vector<std::string> groups, scopes;   // globs on groups, one must fit; scopes that all must be there
  std::vector<std::string> servers{"*"}, tools{"*"};
  std::map<std::string, std::string> arguments;  // path globs on string arguments by name; a missing one fits no glob
};
struct PolicyConfig {
  Effect default_effect = Effect::kAllow;
  std::vector<PolicyRule> rules;  // first match wins
};

// Overrides of what a server says of a tool, and of how it is called.
struct ToolConfig {
  std::string server = "*", tool = "*";
  std::optional<bool> optional_step, idempotent, read_only;
  std::optional<Duration> prior;  // latency prior until data is there
};

struct TurnConfig {
  Duration budget = std::chrono::seconds{60};  // of a turn whose agent names none
  schedule::AtbaConfig atba{.timeout_min = std::chrono::seconds{1}};
};

struct RateConfig {                        // token buckets of the admit stage, beside account limits
  double per_principal = 0, per_tool = 0;  // calls a second; 0: none
  double burst = 10;
};

struct AuditConfig {
  bool arguments = false;    // true: raw arguments are kept; by default their HMAC only
  std::string security_log;  // file that denials are also appended to, JSON lines; empty: none
};

// Handles that we give out and that come back: session ids, requestState, task ids. Each is authenticated, bound to its
// principal and valid for a time.
struct HandlesConfig {
  std::string secret;  // replicas share it; without one, a random secret is kept in the database
  Duration state_lifetime = std::chrono::minutes{10};
};

struct TelemetryConfig {
  std::string otlp_url;                        // "http://127.0.0.1:4318"; empty: no traces are exported
  std::map<std::string, std::string> headers;  // may hold secrets: never printed
  double sample = 1;                           // of the calls that bring no sampling decision of their own
  std::string service = "bursar";
};

struct Config {
  std::vector<std::string> resources;  // whole-number resources beside the built-in ones; declared when they are read
  ListenConfig listen;
  std::string database = "bursar.db";
  LimitsConfig limits;
  IdentityConfig identity;
  std::vector<ledger::AccountSpec> accounts;  // parents before children
  std::vector<UpstreamConfig> upstreams;
  std::vector<PriceRule> prices;
  PolicyConfig policy;
  std::vector<ToolConfig> tools;
  TurnConfig turn;
  RateConfig rate;
  AuditConfig audit;
  ModelsConfig models;
  std::vector<DecideConfig> policies;
  StrategyConfig strategies;
  HandlesConfig handles;
  TelemetryConfig telemetry;
  std::string log_level = "info";
};

using Environment = std::function<std::optional<std::string>(std::string_view)>;
[[nodiscard]] Environment process_environment();

// Errors: kNotFound, kInvalidArgument: "bursar.yaml:12:5: upstreams[0].comand: unknown field; did you mean command?"
[[nodiscard]] Result<Config> load_config(const std::string& path, const Environment& env = process_environment());
[[nodiscard]] Result<Config> parse_config(std::string_view yaml, std::string_view file_name, const Environment& env);

}  // namespace bursar::broker
