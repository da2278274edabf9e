#include "bursar/broker/config/identity_check.h"

#include <algorithm>
#include <set>
#include <string>

#include "bursar/broker/config/oauth_check.h"
#include "bursar/broker/identity/account_rules.h"
#include "bursar/broker/identity/issuers.h"
#include "bursar/broker/identity/jose.h"
#include "bursar/broker/net/url.h"
#include "bursar/broker/pipeline/authenticate.h"
#include "bursar/broker/pipeline/authorise_arguments.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kWhole = static_cast<std::size_t>(-1);  // the list itself, not an element

bool is_scope(std::string_view scope) {  // RFC 6749, section 3.3
  return !scope.empty() &&
         std::ranges::all_of(scope, [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; });
}

}  // namespace

std::string wrong_with_url(std::string_view text, bool private_network) {
  const auto url = parse_url(text);
  if (!url) return url.error().message;
  if (text.find('#') != std::string_view::npos) return "must have no fragment";
  const bool local = is_loopback_host(url->host) || private_network;
  if (!url->tls && !local) return "must begin with https://; plain http is for loopback addresses and private_network";
  return {};
}

namespace {

void check_issuers(const IdentityConfig& identity, const ReportProblem& wrong) {
  const auto say = [&](std::size_t i, std::string_view field, std::string_view what) {
    if (!what.empty()) wrong("identity.issuers", i, field, what);
  };
  std::set<std::string> subjects;
  for (std::size_t i = 0; i < identity.issuers.size(); ++i) {
    const IssuerConfig& issuer = identity.issuers[i];
    if (issuer.issuer.empty()) continue;  // reported as missing
    say(i, "issuer", wrong_with_url(issuer.issuer, issuer.private_network));
    if (issuer.issuer.find('?') != std::string::npos) say(i, "issuer", "must have no query");
    if (!subjects.insert(subject_of(issuer.issuer, "")).second) say(i, "issuer", "stands twice");
    if (!issuer.jwks_url.empty()) say(i, "jwks_url", wrong_with_url(issuer.jwks_url, issuer.private_network));
    if (issuer.algorithms.empty()) say(i, "algorithms", "must name at least one");
    for (const std::string& name : issuer.algorithms) {
      if (parse_algorithm(name)) continue;
      say(i, "algorithms",
          "\"" + name + "\" is not accepted; choose of RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA");
    }
    if (issuer.tls.certificate.empty() != issuer.tls.key.empty())
      say(i, "tls", "needs certificate and key, or neither");
  }
}

void check_tokens(const IdentityConfig& identity, const ReportProblem& wrong) {
  check_issuers(identity, wrong);
  for (std::size_t i = 0; i < identity.accounts.size(); ++i) {
    const AccountRule& rule = identity.accounts[i];
    if (rule.account.empty()) continue;  // reported as missing
    if (auto ok = check_account_template(rule.account); !ok) {
      wrong("identity.accounts", i, "account", ok.error().message);
    }
    if (!rule.create && !rule.limits.empty())
      wrong("identity.accounts", i, "limits", "are for accounts that are made: create: true");
  }
  for (const std::string& scope : identity.scopes) {
    if (!is_scope(scope))
      wrong("identity.scopes", kWhole, "", "\"" + scope + "\" is no scope: visible ASCII without \" and \\");
  }
  if (identity.issuers.empty()) return;
  if (identity.resource.empty()) {
    wrong("identity.resource", kWhole, "",
          "is needed with issuers: the URL that agents use, such as https://gateway.example.com/mcp");
  } else if (const std::string what = wrong_with_url(identity.resource, false); !what.empty()) {
    wrong("identity.resource", kWhole, "", what);
  } else if (identity.resource.find('?') != std::string::npos) {
    wrong("identity.resource", kWhole, "", "must have no query");
  }
  if (identity.accounts.empty()) {
    wrong("identity.accounts", kWhole, "",
          "is needed with issuers: without a rule, no account pays for anybody with a token");
  }
}

void check_exchange(const UpstreamConfig& upstream, std::size_t i, const IdentityConfig& identity,
                    const ReportProblem& wrong) {
  const TokenExchangeConfig& exchange = upstream.token_exchange;
  const auto say = [&](std::string_view field, std::string_view what) {
    if (!what.empty()) wrong("upstreams", i, field, what);
  };
  if (exchange == TokenExchangeConfig{}) return;
  if (exchange.url.empty()) return say("token_exchange.url", "is needed; without it nothing is exchanged");
  say("token_exchange.url", wrong_with_url(exchange.url, upstream.private_network));
  if (upstream.url.empty()) return say("token_exchange", "belongs to a url; a command takes no token");
  if (exchange.client_id.empty()) say("token_exchange.client_id", "is needed: our own name at the token endpoint");
  if (upstream.isolation == Isolation::kShared) {
    say("isolation",
        "must be principal or session: with token_exchange, a session belongs to whoever's token opened it");
  }
  if (identity.issuers.empty())
    say("token_exchange", "needs identity.issuers: only what came with a token can be exchanged");
  const auto url = parse_url(upstream.url);
  if (url && !url->tls && !is_loopback_host(url->host) && !upstream.private_network) {
    say("url", "must begin with https:// where tokens are sent to it");
  }
}

}  // namespace

void check_identity(const Config& config, const ReportProblem& wrong) {
  check_tokens(config.identity, wrong);
  const TlsServerConfig& tls = config.listen.tls;
  if (tls.certificate.empty() != tls.key.empty()) {
    wrong("listen.tls", kWhole, tls.key.empty() ? "key" : "certificate", "is needed beside the other");
  }
  if (!tls.client_ca.empty() && tls.certificate.empty()) {
    wrong("listen.tls", kWhole, "client_ca", "needs a certificate and a key too; without them this is plain HTTP");
  }
  for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
    check_exchange(config.upstreams[i], i, config.identity, wrong);
    check_oauth(config.upstreams[i], i, wrong);
    const TlsClientConfig& client = config.upstreams[i].tls;
    if (client.certificate.empty() != client.key.empty())
      wrong("upstreams", i, "tls", "needs certificate and key, or neither");
  }
  for (std::size_t i = 0; i < config.policy.rules.size(); ++i) {
    const PolicyRule& rule = config.policy.rules[i];
    for (const auto& [name, pattern] : rule.arguments) {
      const std::string_view what = wrong_with_path_pattern(rule.effect, pattern);
      if (!what.empty()) wrong("policy.rules", i, "arguments." + name, what);
    }
    for (const std::string& scope : rule.scopes) {
      if (!is_scope(scope)) wrong("policy.rules", i, "scopes", "\"" + scope + "\" is no scope");
    }
  }
}

}  // namespace bursar::broker
