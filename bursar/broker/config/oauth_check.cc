#include "bursar/broker/config/oauth_check.h"

#include <algorithm>
#include <array>
#include <string>

#include "bursar/broker/net/header_text.h"

namespace bursar::broker {
namespace {

constexpr std::array<std::string_view, 5> kAlgorithms = {"ES256", "ES384", "RS256", "PS256", "EdDSA"};

bool names_authorization(const UpstreamConfig& upstream) {
  return std::ranges::any_of(upstream.headers,
                             [](const auto& header) { return same_ignoring_case(header.first, "authorization"); });
}

bool is_scope(std::string_view scope) {  // RFC 6749, section 3.3
  return !scope.empty() &&
         std::ranges::all_of(scope, [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; });
}

using Say = std::function<void(std::string_view field, std::string_view what)>;

// Which credentials of ours there are, and whether they fit together.
void check_client(const OAuthConfig& oauth, const Say& say) {
  const bool has_secret = !oauth.client_secret.empty(), has_key = !oauth.private_key.empty();
  if ((has_secret || has_key) && oauth.issuer.empty()) {
    say("oauth.issuer", "is needed beside a secret or key; without it the server would choose whom they are shown to");
  }
  if ((has_secret || has_key) && oauth.client_id.empty()) say("oauth.client_id", "is needed beside a secret or key");
  if (has_secret && has_key) say("oauth.client_secret", "stands beside private_key; keep one");
  if (oauth.token_auth == TokenAuth::kPrivateKeyJwt && !has_key) say("oauth.private_key", "is needed: a PEM file");
  const bool wants_secret = oauth.token_auth == TokenAuth::kBasic || oauth.token_auth == TokenAuth::kPost;
  if (wants_secret && !oauth.client_id.empty() && !has_secret) say("oauth.client_secret", "is needed for token_auth");
  if (has_key && oauth.token_auth != TokenAuth::kPrivateKeyJwt && oauth.token_auth != TokenAuth::kAuto) {
    say("oauth.token_auth", "must be private_key_jwt where there is a private_key");
  }
  if (std::ranges::find(kAlgorithms, oauth.algorithm) == kAlgorithms.end()) {
    say("oauth.algorithm", "\"" + oauth.algorithm + "\" is not known; choose of ES256 ES384 RS256 PS256 EdDSA");
  }
  if (oauth.grant == OAuthGrant::kClientCredentials && !has_secret && !has_key) {
    say("oauth.grant", "client_credentials needs client_id with client_secret or private_key");
  }
}

void check_urls(const UpstreamConfig& upstream, const Say& say) {
  const OAuthConfig& oauth = upstream.oauth;
  const auto usable = [&](std::string_view field, const std::string& url, bool private_network) {
    if (url.empty()) return;
    if (const std::string what = wrong_with_url(url, private_network); !what.empty()) say(field, what);
  };
  usable("oauth.issuer", oauth.issuer, upstream.private_network);
  if (oauth.issuer.find('?') != std::string::npos) say("oauth.issuer", "must have no query");
  usable("oauth.redirect_url", oauth.redirect_url, false);
  if (!oauth.redirect_url.empty() && !oauth.redirect_url.ends_with("/oauth/callback")) {
    say("oauth.redirect_url", "must end with /oauth/callback");
  }
  if (!oauth.client_metadata_url.empty() && !oauth.client_metadata_url.starts_with("https://")) {
    say("oauth.client_metadata_url", "must begin with https://");
  }
  usable("oauth.client_metadata_url", oauth.client_metadata_url, false);
}

}  // namespace

void check_oauth(const UpstreamConfig& upstream, std::size_t index, const ReportProblem& wrong) {
  const Say say = [&](std::string_view field, std::string_view what) { wrong("upstreams", index, field, what); };
  const bool described = upstream.oauth != OAuthConfig{};
  if (!described && upstream.auth != AuthChoice::kOAuth) return;
  if (upstream.auth == AuthChoice::kNone) return say("oauth", "stands beside auth: none; drop one of them");
  if (upstream.url.empty()) return say(described ? "oauth" : "auth", "belongs to a url; a command takes no token");
  if (!upstream.token_exchange.url.empty()) say("token_exchange", "stands beside oauth; keep one");
  if (names_authorization(upstream)) say("headers", "hold an Authorization of their own beside oauth; keep one");
  if (const std::string what = wrong_with_url(upstream.url, upstream.private_network); !what.empty()) say("url", what);
  check_client(upstream.oauth, say);
  check_urls(upstream, say);
  for (const std::string& scope : upstream.oauth.scopes) {
    if (!is_scope(scope)) say("oauth.scopes", "\"" + scope + "\" is no scope: visible ASCII without \" and \\");
  }
  if (upstream.oauth.tls.certificate.empty() != upstream.oauth.tls.key.empty())
    say("oauth.tls", "needs certificate and key, or neither");
}

}  // namespace bursar::broker
