#include "bursar/broker/mcp/mcp_door.h"

#include <algorithm>
#include <array>

#include "bursar/broker/mcp/modern_headers.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/telemetry/log.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr int kParseError = -32700, kInvalidRequest = -32600, kInvalidParams = -32602;
constexpr std::array<std::string_view, 5> kVersions = {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05",
                                                       "2024-10-07"};
constexpr std::chrono::milliseconds kInitializePatience{6000};  // for upstreams that still start
constexpr std::size_t kMaxCapabilities = 64 << 10;

HttpResponse rpc_refusal(int status, int code, std::string_view message, std::string_view id = {}) {
  return {.status = status, .body = make_error(id, code, message)};
}

bool accepts(std::string_view accept, std::string_view type) {
  const std::string_view family = type.substr(0, type.find('/') + 1);
  return accept.find(type) != std::string_view::npos || accept.find("*/*") != std::string_view::npos ||
         accept.find(std::string(family) + "*") != std::string_view::npos;
}

bool is_json(std::string_view content_type) {
  const std::string_view essence = content_type.substr(0, content_type.find(';'));
  std::string lower;
  for (const char c : essence) {
    if (c != ' ' && c != '\t') lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  }
  return lower == "application/json";
}

}  // namespace

bool is_known_version(std::string_view version) {
  return std::find(kVersions.begin(), kVersions.end(), version) != kVersions.end();
}

std::string_view negotiated_version(std::string_view requested) {
  const auto found = std::find(kVersions.begin(), kVersions.end(), requested);
  return found == kVersions.end() ? kVersions.front() : *found;
}

Ingress ingress_of(const HttpRequest& request) {
  Ingress ingress{.authorization = std::string(request.header("authorization")),
                  .origin = std::string(request.header("origin")),
                  .host = std::string(request.header("host")),
                  .loopback = request.loopback,
                  .era = Era::kLegacy,
                  .session_id = std::string(request.header("mcp-session-id")),
                  .traceparent = std::string(request.header("traceparent")),
                  .caller = request.caller};
  if (request.path.starts_with("/mcp/")) ingress.server = request.path.substr(5);
  return ingress;
}

HttpResponse to_response(const HttpRefusal& refusal) {
  HttpResponse response{.status = refusal.status, .body = refusal.body};
  if (response.body.empty()) {
    const char* const why = refusal.status == 401   ? "a valid key is needed: Authorization: Bearer <key>"
                            : refusal.status == 403 ? "this Origin is not allowed; see listen.allowed_origins"
                            : refusal.status == 421 ? "this Host is not served here; see listen.allowed_hosts"
                                                    : "refused";
    response.body = make_error({}, kInvalidRequest, why);
  }
  if (!refusal.www_authenticate.empty()) response.headers.emplace_back("www-authenticate", refusal.www_authenticate);
  if (refusal.retry_after_s > 0) response.headers.emplace_back("retry-after", std::to_string(refusal.retry_after_s));
  return response;
}

void McpDoor::handle(HttpRequest request, std::shared_ptr<Exchange> exchange) {
  Ingress ingress = ingress_of(request);
  const Authentication who = services_->calls.pipeline->authenticate(ingress);
  if (const auto* refused = std::get_if<HttpRefusal>(&who)) return exchange->answer(to_response(*refused));
  const auto& principal = std::get<Principal>(who);
  if (!services_->catalogue->current()->serves(ingress.server)) {
    return exchange->answer(rpc_refusal(404, kInvalidRequest, "no upstream has this name"));
  }
  if (request.method == "POST") return post(request, std::move(ingress), principal, exchange);
  if (request.method == "GET") {
    if (!accepts(request.header("accept"), "text/event-stream")) {
      return exchange->answer(rpc_refusal(406, kInvalidRequest, "Not Acceptable: Accept must list text/event-stream"));
    }
    const auto session = session_of(request, ingress, principal, exchange);
    if (!session) return;
    session->reactor().post([session, exchange, last = std::string(request.header("last-event-id")),
                             until = principal.until] { session->listen(exchange, last, until); });
    return;
  }
  if (request.method == "DELETE") {
    const auto session = session_of(request, ingress, principal, exchange);
    if (!session) return;
    sessions_.end(session);
    return exchange->answer({.status = 204, .content_type = ""});
  }
  HttpResponse response = rpc_refusal(405, kInvalidRequest, "Method Not Allowed");
  response.headers.emplace_back("allow", "GET, POST, DELETE");
  exchange->answer(std::move(response));
}

std::shared_ptr<AgentSession> McpDoor::session_of(const HttpRequest& request, const Ingress& ingress,
                                                  const Principal& principal,
                                                  const std::shared_ptr<Exchange>& exchange) {
  if (ingress.session_id.empty()) {
    exchange->answer(rpc_refusal(400, kInvalidRequest, "Bad Request: the Mcp-Session-Id header is needed"));
    return nullptr;
  }
  const auto config = services_->calls.pipeline->config();
  auto session = sessions_.find(ingress.session_id, principal, ingress.server, exchange->reactor(), config->limits);
  if (!session) {
    const bool unknown = session.error().code == ErrorCode::kNotFound;
    HttpResponse response = rpc_refusal(unknown ? 404 : 503, kInvalidRequest, session.error().message);
    if (!unknown) response.headers.emplace_back("retry-after", "5");
    exchange->answer(std::move(response));
    return nullptr;
  }
  const std::string_view version = request.header("mcp-protocol-version");
  if (!version.empty() && !is_known_version(version)) {
    exchange->answer(rpc_refusal(400, kInvalidRequest,
                                 "Bad Request: unsupported MCP-Protocol-Version; supported are 2025-11-25, 2025-06-18, "
                                 "2025-03-26, 2024-11-05, 2024-10-07"));
    return nullptr;
  }
  return *session;
}

void McpDoor::post(HttpRequest& request, Ingress ingress, const Principal& principal,
                   const std::shared_ptr<Exchange>& exchange) {
  const std::string_view accept = request.header("accept");
  if (!accepts(accept, "application/json") || !accepts(accept, "text/event-stream")) {
    return exchange->answer(rpc_refusal(
        406, kInvalidRequest, "Not Acceptable: Accept must list both application/json and text/event-stream"));
  }
  if (!is_json(request.header("content-type"))) {
    return exchange->answer(
        rpc_refusal(415, kInvalidRequest, "Unsupported Media Type: Content-Type must be application/json"));
  }
  const auto config = services_->calls.pipeline->config();
  auto message =
      Message::parse(std::move(request.body), {.bytes = config->limits.body_bytes, .depth = config->limits.json_depth});
  if (!message) {
    std::string error = message.error().payload;
    if (error.empty()) error = "{\"code\":" + std::to_string(kParseError) + ",\"message\":\"Parse error\"}";
    return exchange->answer({.status = 400, .body = R"({"jsonrpc":"2.0","id":null,"error":)" + error + "}"});
  }
  if (speaks_modern(*message, request.header("mcp-protocol-version"))) {
    return modern_->handle({std::move(*message), std::move(ingress), principal, exchange}, request);
  }
  if (message->kind() == MessageKind::kRequest && message->method() == "initialize" && ingress.session_id.empty()) {
    return initialize(std::move(*message), std::move(ingress), principal, exchange);
  }
  const auto session = session_of(request, ingress, principal, exchange);
  if (!session) return;
  // A session may be older than this process: its agent does not know that the upstreams still start.
  const bool early = message->kind() == MessageKind::kRequest && message->method() != "ping" &&
                     !services_->catalogue->current()->loaded(ingress.server);
  if (!early && session->reactor().on_this_thread()) {
    return session->receive(std::move(*message), std::move(ingress), exchange);
  }
  if (!early) exchange->prefer(session->reactor());
  auto owned = std::make_shared<std::pair<Message, Ingress>>(std::move(*message), std::move(ingress));
  auto deliver = [session, owned, exchange] {
    session->reactor().post(
        [session, owned, exchange] { session->receive(std::move(owned->first), std::move(owned->second), exchange); });
  };
  if (!early) return deliver();
  services_->catalogue->when_loaded(session->opening().server, kInitializePatience, std::move(deliver));
}

void McpDoor::list_changed(const std::string& upstream, ListKind kind) {
  sessions_.for_each(
      [upstream, kind](const std::shared_ptr<AgentSession>& session) { session->list_changed(upstream, kind); });
  modern_->list_changed(upstream, kind);
}

void McpDoor::sweep(Duration session_idle) {
  sessions_.sweep(session_idle);
  modern_->sweep();
  if (auto ok = services_->ended->flush(services_->calls.clock->now()); !ok) {
    log(LogLevel::kWarn, "ended_sessions_not_written", {{"why", ok.error().message}});
  }
}

void McpDoor::close_all(Cause cause) {
  sessions_.close_all(cause);
  modern_->close_all(cause);
  (void)services_->ended->flush(services_->calls.clock->now());
}

void McpDoor::initialize(Message message, Ingress ingress, const Principal& principal,
                         const std::shared_ptr<Exchange>& exchange) {
  const std::string_view params = message.params();
  const std::string requested = raw_string(raw_member(params, "protocolVersion"));
  const std::string_view capabilities = raw_member(params, "capabilities");
  const std::string_view client = raw_member(params, "clientInfo");
  std::string_view wrong;
  if (requested.empty())
    wrong = "params.protocolVersion: a string is needed";
  else if (!capabilities.starts_with('{'))
    wrong = "params.capabilities: an object is needed";
  else if (!client.starts_with('{'))
    wrong = "params.clientInfo: an object is needed";
  else if (capabilities.size() + client.size() > kMaxCapabilities)
    wrong = "params: too large";
  if (!wrong.empty()) return exchange->answer(rpc_refusal(200, kInvalidParams, wrong, message.id()));

  const auto config = services_->calls.pipeline->config();
  auto session = sessions_.open({.principal = principal,
                                 .server = ingress.server,
                                 .protocol_version = std::string(negotiated_version(requested)),
                                 .capabilities = std::string(capabilities),
                                 .client_info = std::string(client)},
                                exchange->reactor(), config->limits);
  if (!session) {
    HttpResponse response = rpc_refusal(503, kInvalidRequest, session.error().message, message.id());
    response.headers.emplace_back("retry-after", "5");
    return exchange->answer(std::move(response));
  }
  // What the gateway can do is what its upstreams can: wait for those that still start.
  services_->catalogue->when_loaded(
      ingress.server, kInitializePatience,
      [services = services_, session = *session, exchange, id = std::string(message.id())] {
        const auto catalogue = services->catalogue->current();
        const std::string& server = session->opening().server;
        std::string result = "{\"protocolVersion\":" + json_string(session->opening().protocol_version) +
                             ",\"capabilities\":" + catalogue->capabilities(server) +
                             R"(,"serverInfo":{"name":"bursar","title":"Bursar","version":"0.1.0"})";
        if (const std::string text = catalogue->instructions(server); !text.empty()) {
          result += ",\"instructions\":" + json_string(text);
        }
        exchange->answer({.headers = session->headers(), .body = make_result(id, result + "}")});
      });
}

}  // namespace bursar::broker
