#include "bursar/broker/config/oauth_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bursar::broker {
namespace {

using ::testing::HasSubstr;

// The complaints about an upstream with these fields, empty where there is none.
std::string complaints(std::string_view fields) {
  const std::string yaml = "upstreams:\n  - {name: files, " + std::string(fields) + "}\n";
  const auto config = parse_config(yaml, "b.yaml", [](std::string_view) { return std::nullopt; });
  return config ? "" : config.error().message;
}

TEST(OAuthCheck, TakesWhatFitsTogether) {
  for (
      const char* good :
      {R"(url: "https://files.example/mcp", auth: oauth)", R"(url: "http://localhost:3000/mcp", auth: oauth)",
       R"(url: "https://files.example/mcp", auth: none)",
       R"(url: "https://files.example/mcp", oauth: {client_id: bursar, scopes: [read]})",
       R"(url: "https://files.example/mcp", oauth: {issuer: "https://id.example", client_id: b, client_secret: s, token_auth: post})",
       R"(url: "https://files.example/mcp", oauth: {issuer: "https://id.example", client_id: b, private_key: k.pem, grant: client_credentials})"}) {
    EXPECT_EQ(complaints(good), "") << good;
  }
}

TEST(OAuthCheck, SaysWhatDoesNotFitAndWhere) {
  const std::string url = R"(url: "https://files.example/mcp", )";
  for (const auto& [fields, complaint] : std::initializer_list<std::pair<std::string, const char*>>{
           {"command: x, auth: oauth", "upstreams[0].auth: belongs to a url"},
           {"command: x, oauth: {client_id: b}", "upstreams[0].oauth: belongs to a url"},
           {url + "auth: none, oauth: {client_id: b}", "stands beside auth: none"},
           {url + R"(auth: oauth, headers: {authorization: "Bearer x"})", "upstreams[0].headers"},
           {R"(url: "http://files.example/mcp", auth: oauth)", "upstreams[0].url: must begin with https://"},
           {url + "oauth: {client_id: b, client_secret: s}", "upstreams[0].oauth.issuer: is needed"},
           {url + R"(oauth: {issuer: "https://id.example", client_secret: s})", "oauth.client_id: is needed"},
           {url + R"(oauth: {issuer: "https://id.example", client_id: b, client_secret: s, private_key: k})",
            "keep one"},
           {url + R"(oauth: {issuer: "http://id.example"})", "oauth.issuer: must begin with https://"},
           {url + R"(oauth: {client_id: b, token_auth: private_key_jwt})", "oauth.private_key: is needed"},
           {url + R"(oauth: {client_id: b, token_auth: basic})", "oauth.client_secret: is needed"},
           {url + R"(oauth: {algorithm: HS256})", "\"HS256\" is not known"},
           {url + R"(oauth: {grant: client_credentials})", "client_credentials needs"},
           {url + R"(oauth: {scopes: ["a b"]})", "is no scope"},
           {url + R"(oauth: {redirect_url: "https://gateway.example/elsewhere"})", "must end with /oauth/callback"},
           {url + R"(oauth: {redirect_url: "http://gateway.example/oauth/callback"})", "must begin with https://"},
           {url + R"(oauth: {client_metadata_url: "http://127.0.0.1/c.json"})", "must begin with https://"},
           {url + R"(oauth: {tls: {certificate: c.pem}})", "needs certificate and key"}}) {
    EXPECT_THAT(complaints(fields), HasSubstr(complaint)) << fields;
  }
}

}  // namespace
}  // namespace bursar::broker
