#include "bursar/broker/pipeline/authenticate.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "bursar/broker/identity/resource_metadata.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/pipeline/stage_support.h"
#include "bursar/broker/pipeline/turns.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxSecret = 512;

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// "[::1]:8484" -> "[::1]", "localhost:3000" -> "localhost"
std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, std::min(host.find(']'), host.size() - 1) + 1);
  return host.substr(0, host.find(':'));
}

bool is_loopback_origin(std::string_view origin) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme)) return is_loopback_host(origin.substr(scheme.size()));
  }
  return false;
}

bool listed(const std::vector<std::string>& list, std::string_view item) {
  return std::ranges::any_of(list, [&](const std::string& entry) { return equals_ignoring_case(entry, item); });
}

bool host_is_allowed(std::string_view host, const ListenConfig& listen) {
  const std::string_view name = without_port(host);
  return is_loopback_host(host) || equals_ignoring_case(name, listen.address) || listed(listen.allowed_hosts, host) ||
         listed(listen.allowed_hosts, name);
}

HttpRefusal refusal(int status, std::string_view why) {
  // -32600: the request as a whole is refused, before anybody looked for a method.
  return {.status = status, .body = R"({"jsonrpc":"2.0","id":null,"error":)" + rpc_error(-32600, why) + "}"};
}

HttpRefusal unauthorised(const IdentityConfig& identity, std::string_view why, bool was_shown = true) {
  HttpRefusal out = refusal(401, why);
  // Who showed nothing is told what to show, not that it was wrong (RFC 6750, section 3.1).
  out.www_authenticate = was_shown ? bearer_challenge(identity, "invalid_token", why) : bearer_challenge(identity);
  return out;
}

HttpRefusal refusal_of(const IdentityConfig& identity, const TokenRefusal& token) {
  switch (token.fault) {
    case TokenFault::kNoAccount: return refusal(403, token.why);
    case TokenFault::kMissingScope: {
      HttpRefusal out = refusal(403, token.why);
      out.www_authenticate = bearer_challenge(identity, "insufficient_scope", token.why);
      return out;
    }
    case TokenFault::kKeysNotAvailable: {
      HttpRefusal out = refusal(503, token.why);
      out.retry_after_s = 5;
      return out;
    }
    default: return unauthorised(identity, token.why);
  }
}

Authentication judged(const IdentityConfig& identity, const TokenOutcome& outcome) {
  if (!outcome) return refusal_of(identity, outcome.error());
  return *outcome;
}

}  // namespace

bool is_loopback_host(std::string_view host) {
  const std::string_view name = without_port(host);
  if (equals_ignoring_case(name, "localhost") || name == "[::1]" || name == "::1") return true;
  // 127.0.0.0/8 written as four numbers; "127.evil.example" is a name.
  return name.starts_with("127.") && name.size() <= 15 &&
         std::ranges::all_of(name, [](char c) { return c == '.' || (c >= '0' && c <= '9'); }) &&
         std::ranges::count(name, '.') == 3;
}

Authentication authenticate(const Ingress& ingress, const PipelineConfig& config, const KeyVerifier* keys,
                            const TokenVerifier* tokens) {
  const ListenConfig& listen = config.listen;
  if (!ingress.origin.empty() && !is_loopback_origin(ingress.origin) &&
      !listed(listen.allowed_origins, ingress.origin)) {
    return refusal(403, "This origin is not allowed; add it to listen.allowed_origins if it should be.");
  }
  const bool listens_on_loopback = listen.address.find(':') == std::string::npos
                                       ? is_loopback_host(listen.address)
                                       : listen.address == "::1" || listen.address == "[::1]";
  if (listens_on_loopback && !ingress.host.empty() && !host_is_allowed(ingress.host, listen)) {
    return refusal(421, "This host name is not served here; add it to listen.allowed_hosts if it should be.");
  }
  if (ingress.caller) return judged(config.identity, ingress.caller->outcome);
  if (ingress.authorization.empty()) {
    if (config.identity.development && ingress.loopback) {
      return Principal{.subject = "dev", .account = config.identity.development_account};
    }
    return unauthorised(config.identity, "A key or token is needed: Authorization: Bearer <key>.", false);
  }
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view header = ingress.authorization;
  if (header.size() <= kScheme.size() || !equals_ignoring_case(header.substr(0, kScheme.size()), kScheme)) {
    return unauthorised(config.identity, "Only Authorization: Bearer <key> is understood.");
  }
  std::string_view secret = header.substr(kScheme.size());
  while (secret.starts_with(' ')) secret.remove_prefix(1);
  if (tokens != nullptr && looks_like_token(secret)) return judged(config.identity, tokens->verify(secret));
  if (keys != nullptr && !secret.empty() && secret.size() <= kMaxSecret) {
    if (auto principal = keys->verify(secret)) return std::move(*principal);
  }
  return unauthorised(config.identity, "The key is unknown or no longer valid.");
}

Verdict AuthenticateStage::run(Call& call, WallTime /*now*/, RandomStream& /*random*/) {
  Authentication who = authenticate(call.ingress, *call.state.config, shared_.deps.keys, shared_.deps.tokens);
  // From here on nobody needs the secret: what is dropped cannot be logged or forwarded.
  std::ranges::fill(call.ingress.authorization, '\0');
  call.ingress.authorization.clear();
  call.trace_id = trace_id_of(raw_string(raw_member(call.request.meta(), "traceparent"), call.ingress.traceparent));
  if (auto* refused = std::get_if<HttpRefusal>(&who)) {
    call.http = std::move(*refused);
    return {.kind = Verdict::kStop};
  }
  call.principal = std::get<Principal>(std::move(who));
  return {};
}

}  // namespace bursar::broker
