// The HTTP side of MCP's streamable transport: POST, GET and DELETE on /mcp and /mcp/<server>, and which era each
// request is of. What speaks revision 2026-07-28 goes on to the modern door; everything else is of the legacy era.
//
//   McpDoor door(services, sessions);
//   if (McpDoor::is_mine(request.path)) door.handle(std::move(request), std::move(exchange));
//   door.sweep(config.limits.session_idle);                  // once a second
//
// Answers of its own, all with a JSON-RPC error as their body:
//   400 no session id, an unknown MCP-Protocol-Version, no JSON-RPC message   401, 403, 421 as authenticate says
//   404 no such server; a session that has ended or is another principal's     405 another method
//   406 Accept lacks application/json or text/event-stream                     415 the body is not application/json
//   503 too many sessions
// Revisions: 2025-11-25 and the four before it; a client that asks for another is offered 2025-11-25.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "bursar/broker/http/server.h"
#include "bursar/broker/mcp/modern_door.h"
#include "bursar/broker/mcp/session_table.h"

namespace bursar::broker {

class McpDoor {
 public:
  McpDoor(std::shared_ptr<McpServices> services, SessionTable& sessions)
      : services_(std::move(services)), sessions_(sessions), modern_(std::make_shared<ModernDoor>(services_)) {}

  [[nodiscard]] static bool is_mine(std::string_view path) { return path == "/mcp" || path.starts_with("/mcp/"); }
  void handle(HttpRequest request, std::shared_ptr<Exchange> exchange);
  void list_changed(const std::string& upstream, ListKind kind);  // tells the agents of both eras
  void sweep(Duration session_idle);                              // once a second
  void close_all(Cause cause);
  [[nodiscard]] const ModernDoor& modern() const { return *modern_; }

 private:
  void post(HttpRequest& request, Ingress ingress, const Principal& principal,
            const std::shared_ptr<Exchange>& exchange);
  void initialize(Message message, Ingress ingress, const Principal& principal,
                  const std::shared_ptr<Exchange>& exchange);
  [[nodiscard]] std::shared_ptr<AgentSession> session_of(const HttpRequest& request, const Ingress& ingress,
                                                         const Principal& principal,
                                                         const std::shared_ptr<Exchange>& exchange);

  std::shared_ptr<McpServices> services_;
  SessionTable& sessions_;
  std::shared_ptr<ModernDoor> modern_;
};

// What the pipeline wants to know about a request.
[[nodiscard]] Ingress ingress_of(const HttpRequest& request);
// The revision to speak with a client that asks for `requested`.
[[nodiscard]] std::string_view negotiated_version(std::string_view requested);
[[nodiscard]] bool is_known_version(std::string_view version);

// The authenticate stage's refusal as an answer; `reply_to` is the exchange's request.
[[nodiscard]] HttpResponse to_response(const HttpRefusal& refusal);

}  // namespace bursar::broker
