#include "bursar/broker/identity/resource_metadata.h"

#include <gtest/gtest.h>

namespace bursar::broker {
namespace {

IdentityConfig identity(std::string resource) {
  IdentityConfig out{.resource = std::move(resource), .scopes = {"a", "b"}};
  out.issuers = {{.issuer = "https://id.example"}, {.issuer = "https://other.example"}};
  return out;
}

TEST(ResourceMetadata, IsTheDocumentOfRfc9728) {
  EXPECT_EQ(resource_metadata(identity("https://gateway.example/mcp")),
            R"({"resource":"https://gateway.example/mcp","authorization_servers":["https://id.example",)"
            R"("https://other.example"],"scopes_supported":["a","b"],"bearer_methods_supported":["header"],)"
            R"("resource_name":"Bursar"})");
  EXPECT_EQ(resource_metadata({.resource = "https://gateway.example"}), "") << "nobody's tokens are taken";
}

TEST(ResourceMetadata, StandsBetweenHostAndPathOfTheResource) {
  const auto url = [](std::string resource) { return resource_metadata_url(identity(std::move(resource))); };
  const std::string well_known = "https://gateway.example:8443/.well-known/oauth-protected-resource";
  EXPECT_EQ(url("https://gateway.example:8443"), well_known);
  EXPECT_EQ(url("https://gateway.example:8443/"), well_known);
  EXPECT_EQ(url("https://gateway.example:8443/mcp"), well_known + "/mcp");
  EXPECT_EQ(url("https://gateway.example:8443/team/mcp"), well_known + "/team/mcp");
}

TEST(ResourceMetadata, IsFoundUnderEveryServersPath) {
  for (const char* path : {"", "/", "/mcp", "/mcp/files"}) {
    EXPECT_TRUE(is_resource_metadata("/.well-known/oauth-protected-resource" + std::string(path))) << path;
  }
  for (const char* path : {"/.well-known/oauth-protected-resourceX", "/.well-known/oauth-protected-resource/mcpx",
                           "/.well-known/oauth-authorization-server", "/mcp"}) {
    EXPECT_FALSE(is_resource_metadata(path)) << path;
  }
}

TEST(ResourceMetadata, PutsNothingIntoAHeaderThatCouldEndIt) {
  const std::string challenge =
      bearer_challenge(identity("https://gateway.example"), "invalid_token", "a\"b\\c\r\nset-cookie: x\x80");
  EXPECT_EQ(challenge.find('\r'), std::string::npos);
  EXPECT_EQ(challenge.find('\n'), std::string::npos);
  EXPECT_NE(challenge.find(R"(error_description="a'b c  set-cookie: x ")"), std::string::npos) << challenge;
}

}  // namespace
}  // namespace bursar::broker
