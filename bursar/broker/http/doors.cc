#include "bursar/broker/http/doors.h"

#include <algorithm>

#include "bursar/broker/admin/health.h"
#include "bursar/broker/telemetry/metrics.h"

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

// What pages may send: what we read, and members of two families, as the request names them (browsers: in lower case).
std::string allowed_headers(std::string_view wanted) {
  constexpr std::size_t kMost = 32, kLongest = 64;
  std::string out =
      "authorization, content-type, accept, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name, last-event-id, "
      "x-bursar-turn, idempotency-key, x-request-id, traceparent, tracestate, baggage";
  const auto part_of_name = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  for (std::size_t count = 0; !wanted.empty() && count < kMost;) {
    const std::size_t comma = std::min(wanted.find(','), wanted.size());
    std::string_view name = wanted.substr(0, comma);
    wanted.remove_prefix(std::min(comma + 1, wanted.size()));
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    const bool of_family = name.starts_with("x-stainless-") || name.starts_with("mcp-param-");
    if (!of_family || name.size() > kLongest || !std::ranges::all_of(name, part_of_name)) continue;
    out.append(", ").append(name);
    ++count;
  }
  return out;
}

HttpResponse preflight(const HttpRequest& request) {
  return {
      .status = 204,
      .content_type = "",
      .headers = {{"access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE"},
                  {"access-control-allow-headers", allowed_headers(request.header("access-control-request-headers"))},
                  {"access-control-max-age", "600"}}};
}

}  // namespace

HttpHeaders cors_headers(const HttpRequest& request) {
  const std::string_view origin = request.header("origin");
  if (origin.empty()) return {};
  return {{"access-control-allow-origin", std::string(origin)},
          {"access-control-expose-headers",
           "mcp-session-id, mcp-protocol-version, x-request-id, retry-after, x-should-retry, x-bursar-account, "
           "x-bursar-cost, x-bursar-reserved, x-bursar-left-usd, x-bursar-left-tokens, x-bursar-left-calls, "
           "x-bursar-left-ms, www-authenticate"},
          {"vary", "origin"}};
}

void Doors::handle(HttpRequest request, const std::shared_ptr<Exchange>& exchange) const {
  const Authentication who = dependencies_.authenticate(request);
  const auto* refusal = std::get_if<HttpRefusal>(&who);
  // Whoever has no key may still ask how we are; a foreign page or a rebound name may not.
  if (refusal != nullptr && refusal->status != 401) return exchange->answer(refused(*refusal));
  if (request.method == "OPTIONS") return exchange->answer(preflight(request));
  if (!Api::is_mine(request.path)) return exchange->answer(answer(request, who));
  if (refusal != nullptr && request.path != "/openapi.json") return exchange->answer(refused(*refusal));
  auto task = [api = dependencies_.api, request = std::move(request), exchange,
               principal = refusal == nullptr ? std::get<Principal>(who) : Principal{}] {
    exchange->answer(api->answer(request, principal));
  };
  if (!dependencies_.workers->post(std::move(task))) {
    exchange->answer(http_error(503, "unavailable", "Too many administrative requests are waiting; try again."));
  }
}

HttpResponse Doors::answer(const HttpRequest& request, const Authentication& who) const {
  const auto* refusal = std::get_if<HttpRefusal>(&who);
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
  return not_found();
}

}  // namespace bursar::broker
