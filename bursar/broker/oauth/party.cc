#include "bursar/broker/oauth/party.h"

#include <algorithm>

#include "bursar/broker/net/header_text.h"
#include "bursar/broker/net/url.h"
#include "bursar/broker/pipeline/authenticate.h"

namespace bursar::broker::oauth {
namespace {

bool on_this_machine(std::string_view url) {
  const auto parsed = parse_url(url);
  return parsed && is_loopback_host(parsed->host);
}

}  // namespace

bool may_sign_in(const UpstreamConfig& upstream) {
  const bool own_credential =
      !upstream.token_exchange.url.empty() || std::ranges::any_of(upstream.headers, [](const auto& header) {
        return same_ignoring_case(header.first, "authorization");
      });
  return !upstream.url.empty() && upstream.auth != AuthChoice::kNone && !own_credential;
}

Party party_of(const UpstreamConfig& upstream) {
  return {.name = upstream.name,
          .url = upstream.url,
          .private_network = upstream.private_network,
          .tls = upstream.tls,
          .auth = upstream.auth,
          .oauth = upstream.oauth};
}

std::string origin_of(std::string_view url) {
  const auto parsed = parse_url(url);
  if (!parsed) return {};
  std::string authority = parsed->authority;
  std::ranges::transform(authority, authority.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return (parsed->tls ? "https://" : "http://") + authority;
}

Result<FetchRequest> request_to(const Party& party, const std::string& url) {
  const auto parsed = parse_url(url);
  if (!parsed) return tl::unexpected(parsed.error());
  FetchRequest request{.url = url, .private_network = party.private_network};
  const std::string origin = origin_of(url);
  const bool upstreams_own = origin == origin_of(party.url);
  const bool issuers_own = !party.oauth.issuer.empty() && origin == origin_of(party.oauth.issuer);
  const bool local = on_this_machine(party.url);
  const bool nobody_between = party.private_network || (is_loopback_host(parsed->host) && (local || issuers_own));
  if (!parsed->tls && !nobody_between) {
    return fail(ErrorCode::kPermissionDenied, url + ": must begin with https://; whoever listens would see the tokens");
  }
  request.tls = upstreams_own ? party.tls : party.oauth.tls;
  request.learned = !upstreams_own && !issuers_own;
  request.loopback = local;
  return request;
}

}  // namespace bursar::broker::oauth
