#include "bursar/broker/http/doors.h"

#include "bursar/broker/admin/health.h"
#include "bursar/broker/telemetry/metrics.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

HttpResponse not_found() { return http_error(404, "not_found", "There is nothing here."); }

HttpResponse wrong_method(std::string_view allowed) {
  HttpResponse response = http_error(405, "method_not_allowed", "This door does not know that method.");
  response.headers.emplace_back("allow", allowed);
  return response;
}

HttpResponse refused(const HttpRefusal& refusal) {
  HttpResponse response{.status = refusal.status, .body = refusal.body};
  if (!refusal.www_authenticate.empty()) response.headers.emplace_back("www-authenticate", refusal.www_authenticate);
  return response;
}

std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string query_value(std::string_view target, std::string_view name) {
  const std::size_t begin = target.find('?');
  if (begin == std::string_view::npos) return {};
  std::string_view query = target.substr(begin + 1);
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) {
      return percent_decoded(pair.substr(name.size() + 1));
    }
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
  }
  return {};
}

bool may_administer(const Principal& principal) { return principal.admin || principal.subject == "dev"; }

}  // namespace

HttpHeaders cors_headers(const HttpRequest& request) {
  const std::string_view origin = request.header("origin");
  if (origin.empty()) return {};
  return {{"access-control-allow-origin", std::string(origin)},
          {"access-control-expose-headers", "mcp-session-id, mcp-protocol-version, x-request-id"},
          {"vary", "origin"}};
}

HttpResponse Doors::answer(const HttpRequest& request) const {
  const Authentication who = dependencies_.authenticate(request);
  const auto* refusal = std::get_if<HttpRefusal>(&who);
  // Whoever has no key may still ask how we are; a foreign page or a rebound name may not.
  if (refusal != nullptr && refusal->status != 401) return refused(*refusal);
  if (request.method == "OPTIONS") {
    return {.status = 204,
            .content_type = "",
            .headers = {{"access-control-allow-methods", "GET, POST, DELETE"},
                        {"access-control-allow-headers",
                         "authorization, content-type, accept, mcp-session-id, mcp-protocol-version, last-event-id"},
                        {"access-control-max-age", "600"}}};
  }
  const bool reading = request.method == "GET" || request.method == "HEAD";
  if (request.path == "/healthz" || request.path == "/readyz") {
    if (!reading) return wrong_method("GET");
    const GatewayStatus status = dependencies_.status();
    HealthAnswer health = request.path == "/healthz" ? healthz(status) : readyz(status);
    return {.status = health.status, .body = std::move(health.body)};
  }
  if (request.path == "/metrics") {
    if (!reading) return wrong_method("GET");
    const bool allowed = request.loopback || (refusal == nullptr && may_administer(std::get<Principal>(who)));
    if (!allowed)
      return refusal != nullptr ? refused(*refusal) : http_error(403, "forbidden", "An admin key is needed.");
    return {.content_type = std::string(Metrics::kContentType), .body = dependencies_.metrics->exposition()};
  }
  if (request.path.starts_with("/admin/")) {
    if (refusal != nullptr) return refused(*refusal);
    if (!may_administer(std::get<Principal>(who))) return http_error(403, "forbidden", "An admin key is needed.");
    return admin(request);
  }
  return not_found();
}

HttpResponse Doors::admin(const HttpRequest& request) const {
  const bool reading = request.method == "GET";
  if (request.path == "/admin/status") {
    return reading ? HttpResponse{.body = to_json(dependencies_.status())} : wrong_method("GET");
  }
  if (request.path == "/admin/budget") {
    if (!reading) return wrong_method("GET");
    return {.body = budgets_to_json(dependencies_.ledger->standing(query_value(request.target, "under")))};
  }
  if (request.path == "/admin/freeze" || request.path == "/admin/unfreeze") {
    return request.method == "POST" ? freeze(request, request.path == "/admin/freeze") : wrong_method("POST");
  }
  return not_found();
}

HttpResponse Doors::freeze(const HttpRequest& request, bool frozen) const {
  const auto document = parse_json(request.body, {.max_bytes = 64 << 10});
  if (!document) return http_error(400, "invalid_argument", document.error().message);
  const auto account = JsonView(*document).string_at("account", 1100);
  if (!account) return http_error(400, "invalid_argument", account.error().message);
  if (auto done = dependencies_.ledger->freeze(*account, frozen); !done) {
    const int status = done.error().code == ErrorCode::kNotFound ? 404 : 503;
    return http_error(status, name_of(done.error().code), done.error().message);
  }
  return {.body = "{\"account\":" + json_string(*account) + ",\"frozen\":" + (frozen ? "true}" : "false}")};
}

}  // namespace bursar::broker
