#include "bursar/broker/config/identity_check.h"

#include <gtest/gtest.h>

namespace bursar::broker {
namespace {

// The complaints about a configuration, empty where there is none.
std::string complaints(std::string_view yaml) {
  const auto config = parse_config(yaml, "b.yaml", [](std::string_view) { return std::nullopt; });
  return config ? "" : config.error().message;
}

constexpr std::string_view kGood = R"(
identity:
  resource: https://gateway.example/mcp
  scopes: [mcp]
  issuers:
    - {issuer: "https://id.example/realms/a", algorithms: [RS256, ES256, EdDSA]}
    - {issuer: "http://127.0.0.1:9000", jwks_url: "http://127.0.0.1:9000/keys"}
    - {issuer: "http://id.internal", private_network: true}
  accounts:
    - {groups: [staff], account: "acme/{tenant}/{sub}", create: true, limits: [5 usd day]}
    - {account: guests}
listen: {tls: {certificate: a.pem, key: a.key, client_ca: ca.pem}}
policy:
  rules:
    - {effect: allow, groups: ["r-*"], scopes: ["files:read"], arguments: {path: "/srv/docs/**"}}
upstreams:
  - name: files
    url: https://files.example/mcp
    token_exchange: {url: "https://id.example/token", client_id: bursar, client_secret: x}
)";

TEST(IdentityCheck, TakesWhatFitsTogether) { EXPECT_EQ(complaints(kGood), ""); }

TEST(IdentityCheck, SaysWhatDoesNotFitAndWhere) {
  struct Case {
    std::string_view from, to, complaint;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"[RS256, ES256, EdDSA]", "[RS256, HS256]", "\"HS256\" is not accepted"},
           {"[RS256, ES256, EdDSA]", "[none]", "\"none\" is not accepted"},
           {"[RS256, ES256, EdDSA]", "[]", "must name at least one"},
           {"https://id.example/realms/a", "http://id.example", "must begin with https://"},
           {"https://id.example/realms/a", "https://id.example#x", "must have no fragment"},
           {"https://id.example/realms/a", "https://id.example?x=y", "must have no query"},
           {"https://id.example/realms/a", "http://127.0.0.1:9000", "stands twice"},
           {"http://127.0.0.1:9000/keys", "http://keys.example", "jwks_url"},
           {"  resource: https://gateway.example/mcp\n", "", "identity.resource"},
           {"https://gateway.example/mcp", "http://gateway.example/mcp", "identity.resource"},
           {"acme/{tenant}/{sub}", "acme/{tenant/{sub}", "identity.accounts[0].account"},
           {"create: true, ", "", "identity.accounts[0].limits"},
           {"scopes: [mcp]", "scopes: [\"a b\"]", "is no scope"},
           {"key: a.key, ", "", "listen.tls.key"},
           {"certificate: a.pem, key: a.key, ", "", "listen.tls.client_ca"},
           {"/srv/docs/**", "/srv/../**", "policy.rules[0].arguments.path"},
           {"effect: allow, groups", "effect: deny, groups", ""},
           {"url: https://files.example/mcp", "command: files", "token_exchange"},
           {"url: https://files.example/mcp", "url: http://files.example/mcp", "must begin with https://"},
           {"name: files", "name: files\n    isolation: shared", "upstreams[0].isolation"},
           {"client_id: bursar, ", "", "upstreams[0].token_exchange.client_id"},
           {"url: \"https://id.example/token\", ", "", "upstreams[0].token_exchange.url"},
       }) {
    std::string yaml(kGood);
    const std::size_t at = yaml.find(c.from);
    ASSERT_NE(at, std::string::npos) << c.from;
    yaml.replace(at, c.from.size(), c.to);
    const std::string said = complaints(yaml);
    if (c.complaint.empty())
      EXPECT_EQ(said, "");
    else
      EXPECT_NE(said.find(c.complaint), std::string::npos) << c.to << ": " << said;
    EXPECT_TRUE(said.empty() || said.starts_with("b.yaml:")) << said;
  }
}

TEST(IdentityCheck, NeedsAnAccountRuleForTokens) {
  EXPECT_NE(complaints("identity: {resource: \"https://g.example\", issuers: [{issuer: \"https://id.example\"}]}")
                .find("identity.accounts"),
            std::string::npos);
}

}  // namespace
}  // namespace bursar::broker
