#include "bursar/broker/oauth/oauth_door.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "bursar/broker/api/api.h"
#include "bursar/broker/net/url.h"
#include "bursar/core/json.h"
#include "bursar/core/utc_text.h"

namespace bursar::broker::oauth {
namespace {

namespace json = boost::json;

constexpr std::string_view kCallback = "/oauth/callback", kDocument = "/oauth/client-metadata.json";
constexpr std::string_view kUpstreams = "/v1/upstreams";

HttpResponse refused(const HttpRefusal& refusal) {
  HttpResponse response{.status = refusal.status, .body = refusal.body};
  if (!refusal.www_authenticate.empty()) response.headers.emplace_back("www-authenticate", refusal.www_authenticate);
  return response;
}

HttpResponse wrong_method(std::string_view allowed) {
  HttpResponse response = http_error(405, "method_not_allowed", "This door knows " + std::string(allowed) + ".");
  response.headers.emplace_back("allow", allowed);
  return response;
}

HttpResponse failed(const Error& error) {
  const int status = error.code == ErrorCode::kNotFound                                           ? 404
                     : error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout ? 503
                                                                                                  : 400;
  return http_error(status, name_of(error.code), error.message);
}

HttpResponse private_answer(std::string body) {
  return {.headers = {{"cache-control", "no-store"}}, .body = std::move(body)};
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

// What somebody sees at the end of a sign-in. The address that led here holds a code: it is told to nobody.
HttpResponse page(int status, std::string_view title, std::string_view text) {
  std::string body =
      "<!doctype html><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\"><title>" +
      escaped(title) + "</title><h1>" + escaped(title) + "</h1><p>" + escaped(text) + "</p>\n";
  return {.status = status,
          .content_type = "text/html; charset=utf-8",
          .headers = {{"cache-control", "no-store"},
                      {"referrer-policy", "no-referrer"},
                      {"x-content-type-options", "nosniff"},
                      {"content-security-policy", "default-src 'none'; frame-ancestors 'none'"}},
          .body = std::move(body)};
}

Result<std::string> url_in(const HttpRequest& request) {
  const auto document = parse_json(request.body, {.max_bytes = 16 << 10, .max_depth = 4});
  if (!document) return tl::unexpected(document.error());
  const JsonView root(*document);
  if (auto known = root.only({"url"}); !known) return tl::unexpected(known.error());
  const auto url = root.string_at("url", 8 << 10);
  return url ? Result<std::string>(std::string(*url)) : tl::unexpected(url.error());
}

// "/v1/upstreams/files:login" in its parts.
struct Named {
  std::string name;
  std::string_view verb;
};
Named named_in(std::string_view path) {
  std::string_view rest = path.substr(std::min(path.size(), kUpstreams.size() + 1));
  const std::size_t colon = rest.find(':');
  const std::string_view verb = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
  return {std::string(rest.substr(0, colon)), verb};
}

}  // namespace

std::string to_json(const SignInStatus& s) {
  json::object out{{"name", s.upstream}, {"url", s.url}, {"sign_in", name_of(s.state)}};
  if (!s.why.empty()) out["why"] = s.why;
  if (!s.issuer.empty()) out["issuer"] = s.issuer;
  json::array scopes;
  for (const std::string& scope : s.scopes) scopes.emplace_back(scope);
  if (!scopes.empty()) out["scopes"] = std::move(scopes);
  if (s.since) out["since"] = utc_text(*s.since);
  if (s.expires) out["expires"] = utc_text(*s.expires);
  out["renewable"] = s.renewable;
  return bursar::to_json(out);
}

bool OAuthDoor::is_mine(std::string_view path) {
  return path == kCallback || path == kDocument || path == kUpstreams ||
         (path.starts_with(kUpstreams) && path[kUpstreams.size()] == '/');
}

void OAuthDoor::handle(const HttpRequest& request, const std::shared_ptr<Exchange>& exchange) const {
  const Authentication who = deps_.authenticate(request);
  const auto* refusal = std::get_if<HttpRefusal>(&who);
  const bool open = request.path == kCallback || request.path == kDocument;
  // Whoever has no key may come back from a sign-in; a foreign page or a rebound name may not.
  if (refusal != nullptr && (!open || refusal->status != 401)) return exchange->answer(refused(*refusal));
  if (open) {
    if (request.method != "GET") return exchange->answer(wrong_method("GET"));
    if (request.path == kCallback) return come_back(request.target, exchange);
    return exchange->answer(client_metadata(request.header("host")));
  }
  if (!may_administer(std::get<Principal>(who))) {
    return exchange->answer(
        http_error(403, "permission_denied", "An admin key, or a token with the admin scope, is needed."));
  }
  administer(request, exchange);
}

void OAuthDoor::come_back(const std::string& target, const std::shared_ptr<Exchange>& exchange) const {
  deps_.accounts->come_back(target, [exchange](const Result<std::string>& over) {
    if (over) return exchange->answer(page(200, "Signed in", "Bursar may now call " + *over + ". Close this page."));
    exchange->answer(
        page(over.error().code == ErrorCode::kNotFound ? 404 : 400, "Not signed in", over.error().message));
  });
}

void OAuthDoor::administer(const HttpRequest& request, const std::shared_ptr<Exchange>& exchange) const {
  if (request.path == kUpstreams) {
    if (request.method != "GET") return exchange->answer(wrong_method("GET"));
    std::string list;
    for (const SignInStatus& status : deps_.accounts->status()) list += (list.empty() ? "" : ",") + to_json(status);
    return exchange->answer(private_answer("{\"upstreams\":[" + list + "]}"));
  }
  const Named named = named_in(request.path);
  const bool verb = named.verb == "login" || named.verb == "logout" || named.verb == "callback";
  if (!named.verb.empty() && !verb) return exchange->answer(http_error(404, "not_found", "There is nothing here."));
  const std::string_view method = named.verb.empty() ? "GET" : "POST";
  if (request.method != method) return exchange->answer(wrong_method(method));
  const auto account = deps_.accounts->find(named.name);
  if (!account) {
    return exchange->answer(http_error(
        404, "not_found",
        "There is no upstream " + named.name.substr(0, 64) + " that signs in; `auth` and `url` say which do."));
  }
  if (named.verb.empty()) return exchange->answer(private_answer(to_json(account->status())));
  if (named.verb == "login") {
    return account->log_in([exchange](const Result<LogIn>& begun) {
      if (!begun) return exchange->answer(failed(begun.error()));
      json::object out{{"signed_in", begun->url.empty()}};
      if (!begun->url.empty()) out["authorization_url"] = begun->url;
      if (!begun->url.empty()) out["redirect_uri"] = begun->redirect_uri;
      exchange->answer(private_answer(bursar::to_json(out)));
    });
  }
  if (named.verb == "logout") {
    account->log_out();
    return exchange->answer(private_answer(to_json(account->status())));
  }
  const auto url = url_in(request);
  if (!url) return exchange->answer(failed(url.error()));
  account->come_back(*url, [exchange, account](const Result<void>& over) {
    exchange->answer(over ? private_answer(to_json(account->status())) : failed(over.error()));
  });
}

// The document's name is its own url, so the one that was asked for is the one to answer with.
HttpResponse OAuthDoor::client_metadata(std::string_view host) const {
  for (const UpstreamConfig& upstream : deps_.config()->upstreams) {
    const auto url = parse_url(upstream.oauth.client_metadata_url);
    if (!url || url->authority != host || url->target != kDocument) continue;
    const auto account = deps_.accounts->find(upstream.name);
    if (!account) continue;
    const json::object out{{"client_id", upstream.oauth.client_metadata_url},
                           {"client_name", "Bursar"},
                           {"redirect_uris", json::array{account->redirect_uri()}},
                           {"grant_types", json::array{"authorization_code", "refresh_token"}},
                           {"response_types", json::array{"code"}},
                           {"token_endpoint_auth_method", "none"}};
    return {.headers = {{"cache-control", "max-age=300"}}, .body = bursar::to_json(out)};
  }
  return http_error(404, "not_found", "oauth.client_metadata_url of no upstream names this document.");
}

}  // namespace bursar::broker::oauth
