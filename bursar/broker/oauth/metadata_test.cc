#include "bursar/broker/oauth/metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bursar::broker::oauth {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string resource_text(const std::string& resource, const std::string& more = "") {
  return R"({"resource":")" + resource + R"(","authorization_servers":["https://id.example"])" + more + "}";
}

std::string why_not_resource(const std::string& body, const std::string& url = "https://files.example/a/mcp") {
  const auto parsed = parse_resource_metadata(body, url);
  return parsed ? "" : parsed.error().message;
}

TEST(Metadata, IsLookedForWhereTheSpecificationsSay) {
  EXPECT_THAT(resource_metadata_urls("https://Files.Example/mcp?team=a"),
              ElementsAre("https://files.example/.well-known/oauth-protected-resource/mcp",
                          "https://files.example/.well-known/oauth-protected-resource"));
  EXPECT_THAT(resource_metadata_urls("https://files.example:8443/"),
              ElementsAre("https://files.example:8443/.well-known/oauth-protected-resource"));
  EXPECT_THAT(server_metadata_urls("https://id.example"),
              ElementsAre("https://id.example/.well-known/oauth-authorization-server",
                          "https://id.example/.well-known/openid-configuration"));
  EXPECT_THAT(server_metadata_urls("https://id.example/tenant1/"),
              ElementsAre("https://id.example/.well-known/oauth-authorization-server/tenant1",
                          "https://id.example/.well-known/openid-configuration/tenant1",
                          "https://id.example/tenant1/.well-known/openid-configuration"));
  EXPECT_THAT(server_metadata_urls("javascript:alert(1)"), ElementsAre());
}

TEST(Metadata, OfAResourceIsThatOfTheServerOrOfWhatItStandsBelow) {
  for (const char* good : {"https://files.example/a/mcp", "https://FILES.example:443/a/mcp", "https://files.example/a",
                           "https://files.example", "https://files.example/"}) {
    EXPECT_EQ(why_not_resource(resource_text(good)), "") << good;
  }
  for (const char* bad :
       {"https://evil.example/a/mcp", "http://files.example/a/mcp", "https://files.example:8443/a/mcp",
        "https://files.example/a/m", "https://files.example/b", "https://files.example/a/mcp/x",
        "https://files.example/a/mcp#x", "https://files.example/a/mcp?x=y", "https://files.example.evil.example", ""}) {
    EXPECT_THAT(why_not_resource(resource_text(bad)), HasSubstr("is of the resource")) << bad;
  }
  const auto parsed = parse_resource_metadata(
      resource_text("https://files.example", R"(,"scopes_supported":["a","b","a b",7])"), "https://files.example/mcp");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->resource, "https://files.example") << "exactly as published";
  EXPECT_EQ(parsed->scopes, (Scopes{"a", "b"}));
}

TEST(Metadata, OfAResourceMustNameAnAuthorizationServer) {
  EXPECT_THAT(why_not_resource(R"({"resource":"https://files.example"})"), HasSubstr("names no authorization server"));
  EXPECT_THAT(why_not_resource("[]"), HasSubstr("resource"));
  EXPECT_THAT(why_not_resource("<html>"), HasSubstr("no JSON"));
}

constexpr std::string_view kServer =
    R"({"issuer":"https://id.example/t","authorization_endpoint":"https://id.example/a",
  "token_endpoint":"https://id.example/token","registration_endpoint":"https://id.example/register",
  "code_challenge_methods_supported":["plain","S256"],"scopes_supported":["a","offline_access"],
  "token_endpoint_auth_methods_supported":["client_secret_post"],"client_id_metadata_document_supported":true,
  "authorization_response_iss_parameter_supported":true})";

std::string changed(std::string_view from, std::string_view to) {
  std::string out(kServer);
  return out.replace(out.find(from), from.size(), to);
}

TEST(Metadata, OfAServerSaysWhatItOffers) {
  const auto server = parse_server_metadata(kServer, "https://id.example/t");
  ASSERT_TRUE(server) << server.error().message;
  EXPECT_EQ(server->token_endpoint, "https://id.example/token");
  EXPECT_TRUE(server->says_issuer && server->reads_client_documents);
  EXPECT_THAT(server->token_auth_methods, ElementsAre("client_secret_post"));
}

TEST(Metadata, OfAnotherIssuerIsNotBelievedHoweverSimilarItsName) {
  for (const char* other : {"https://id.example", "https://id.example/t/", "https://ID.example/t",
                            "https://id.example:443/t", "http://id.example/t", "https://id.example/T"}) {
    const auto server = parse_server_metadata(kServer, other);
    ASSERT_FALSE(server) << other;
    EXPECT_THAT(server.error().message, HasSubstr("another issuer")) << other;
  }
}

TEST(Metadata, OfAServerWithoutPkceOrEndpointsIsRefused) {
  const auto why = [](const std::string& body, bool browser = true) {
    const auto server = parse_server_metadata(body, "https://id.example/t", browser);
    return server ? std::string() : server.error().message;
  };
  EXPECT_THAT(why(changed(R"("plain","S256")", R"("plain")")), HasSubstr("PKCE"));
  EXPECT_THAT(why(changed("code_challenge_methods_supported", "x")), HasSubstr("PKCE"));
  EXPECT_EQ(why(changed("code_challenge_methods_supported", "x"), false), "") << "nobody is sent there";
  EXPECT_THAT(why(changed("token_endpoint\"", "x\"")), HasSubstr("token_endpoint"));
  EXPECT_THAT(why(changed("authorization_endpoint", "x")), HasSubstr("authorization_endpoint"));
  EXPECT_THAT(why(changed("https://id.example/a", "javascript:alert(1)")), HasSubstr("authorization_endpoint"));
  EXPECT_THAT(why(changed("https://id.example/token", "https://user:pw@id.example/token")),
              HasSubstr("token_endpoint"));
}

}  // namespace
}  // namespace bursar::broker::oauth
