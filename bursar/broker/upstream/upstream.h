// An MCP server behind the gateway, whatever its transport and era.
//
//   std::shared_ptr<UpstreamSession> s = upstream->open({.key = "ada", .capabilities = agent_capabilities});
//   auto ticket = s->request({.method = "tools/call", .params = params, .deadline = 2100ms}, sink, done);
//   s->cancel(ticket, "deadline");
//
// The form inside the gateway is the same for servers of both eras: what a modern server lacks (logging/setLevel, ping,
// resources/subscribe) is done for it here, and its subscriptions come as notifications. Where params._meta holds
// io.modelcontextprotocol/clientCapabilities, clientInfo or logLevel, they count for that request, else those of the
// session; a legacy server is not shown them. A call's time stands still while it waits for its agent's answer to a
// question of the server, for ten minutes at most, so that nobody's thinking is taken for a slow server.
//
// Threads: a session's calls may come from any thread; `sink` and `done` run on the upstream's reactor, never inside
// request() itself, and `done` exactly once, after the last `sink` of that request.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bursar/broker/config/config.h"
#include "bursar/broker/mcp/message.h"
#include "bursar/broker/pipeline/serf.h"

namespace bursar::broker {

enum class Era : std::uint8_t { kLegacy, kModern };  // up to 2025-11-25 | from 2026-07-28

// How one attempt ended.
struct UpstreamReply {
  std::string result;            // raw JSON result; empty where it failed
  std::string error;             // raw JSON-RPC error object of the upstream; empty where none
  std::optional<Cause> failure;  // transport failure: kTimeout, kReset, kConnect, kChildExited, …
  std::string detail;            // one sentence of ours for the log; no secret
  int http_status = 0;
  std::optional<std::chrono::milliseconds> retry_after;
  bool sent = false;  // the request left this process
};

using Ticket = std::uint64_t;

struct UpstreamRequest {
  std::string method;
  std::string params;        // raw JSON object or empty; its _meta.progressToken is rewritten inside and back again
  Duration deadline{0};      // from now; the attempt then ends with kTimeout and is cancelled downstream
  Duration deadline_max{0};  // progress may extend the deadline up to here; 0: progress does not extend
  // What becomes of a modern server's `input_required` result. false: its questions come through the sink as ordinary
  // server-to-client requests; when respond() has answered them all, the request is repeated with inputResponses and
  // the server's requestState, until a final result comes or the rounds are used up. true: the result is handed back as
  // it is, and the caller repeats the request itself, with inputResponses and requestState in its params.
  bool accepts_input_required = false;
};

// What an upstream says that is not the answer of a request. Messages are whole JSON-RPC messages, ids are the
// upstream's own.
class UpstreamEvents {
 public:
  virtual ~UpstreamEvents() = default;
  virtual void on_notification(Message message) = 0;  // list_changed, resources/updated, message, …
  virtual void on_request(Message message) = 0;       // sampling, elicitation, roots; answer with respond()
  virtual void on_closed(std::string reason) = 0;  // the session ended; later requests fail with kReset / kChildExited
};

// Called for what belongs to one running request: progress and log notifications, server-to-client requests.
using RequestSink = std::function<void(Message)>;
using RequestDone = std::function<void(UpstreamReply)>;

class UpstreamSession {
 public:
  virtual ~UpstreamSession() = default;  // closes: DELETE, or releases its share of the child
  virtual Ticket request(UpstreamRequest request, RequestSink sink, RequestDone done) = 0;
  virtual void cancel(Ticket ticket, std::string_view reason) = 0;  // `done` follows with kCancelled
  virtual void notify(std::string method, std::string params) = 0;
  virtual void respond(std::string message) = 0;  // whole JSON-RPC response to an on_request message
};

struct UpstreamStatus {
  std::string name;
  bool up = false;
  Era era = Era::kLegacy;
  std::string protocol_version, server_info, capabilities, instructions;  // raw JSON for the middle two
  std::size_t sessions = 0, children = 0, restarts = 0, in_flight = 0;
  std::string last_error;
};

// What each request of a session says of its caller: a value of its Authorization header, which goes in the place of a
// configured one. Empty: the configured headers as they are.
struct CallerAuthorization {
  using Done = std::function<void(Result<std::string>)>;
  // Answers once, on any thread, at once or later; an error fails the request, unsent, with Cause::kUnauthorised.
  std::function<void(Done)> ask = {};
  // The server refused the value that was sent (401): it is not given again. True: asking anew may help.
  std::function<bool(const std::string& used)> refused = {};
  explicit operator bool() const { return static_cast<bool>(ask); }
  void operator()(Done done) const { ask(std::move(done)); }
};

struct OpenSession {
  std::string key;           // sessions of one key may share a child or upstream session as the isolation allows
  std::string capabilities;  // raw JSON: what the agent can do (sampling, elicitation, roots)
  std::string client_info;   // raw JSON
  std::shared_ptr<UpstreamEvents> events;
  CallerAuthorization authorization = {};  // where the upstream exchanges tokens (RFC 8693)
};

class Upstream {
 public:
  virtual ~Upstream() = default;
  // Never blocks; the handshake runs before the first request. Errors: kExhausted past max_children.
  [[nodiscard]] virtual Result<std::shared_ptr<UpstreamSession>> open(OpenSession open) = 0;
  [[nodiscard]] virtual UpstreamStatus status() const = 0;
  // Learns era, capabilities and server info through a session of its own; `done` runs on the reactor.
  virtual void probe(std::function<void(Result<UpstreamStatus>)> done) = 0;
  virtual void close() = 0;  // ends sessions and children; every child is gone when the reactor has run dry
};

}  // namespace bursar::broker
