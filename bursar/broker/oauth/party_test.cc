#include "bursar/broker/oauth/party.h"

#include <gtest/gtest.h>

namespace bursar::broker::oauth {
namespace {

Party remote() {
  return {.name = "files",
          .url = "https://files.example/mcp",
          .tls = {.ca = "files.pem"},
          .oauth = {.tls = {.ca = "id.pem"}}};
}

TEST(Party, HoldsWhatAServerNamesToStricterRulesThanWhatTheOwnerWrote) {
  Party party = remote();
  const auto own = request_to(party, "https://files.example/.well-known/oauth-protected-resource");
  ASSERT_TRUE(own);
  EXPECT_FALSE(own->learned);
  EXPECT_EQ(own->tls.ca, "files.pem");
  const auto named = request_to(party, "https://id.example/token");
  ASSERT_TRUE(named);
  EXPECT_TRUE(named->learned);
  EXPECT_FALSE(named->loopback || named->private_network);
  EXPECT_EQ(named->tls.ca, "id.pem");
  for (const char* inside : {"https://127.0.0.1/token", "https://localhost/", "https://169.254.169.254/latest"}) {
    const auto request = request_to(party, inside);
    ASSERT_TRUE(request) << inside;
    EXPECT_TRUE(request->learned && !request->loopback) << "not connected to: " << inside;
  }
  party.oauth.issuer = "https://id.example";
  EXPECT_FALSE(request_to(party, "https://id.example/token")->learned);
  EXPECT_TRUE(request_to(party, "https://id.example:8443/token")->learned) << "another port is another server";
}

TEST(Party, SendsNothingOverPlainHttpWhereSomebodyCouldListen) {
  Party party = remote();
  for (const char* plain : {"http://id.example/token", "http://127.0.0.1/token", "http://localhost:8080/token"}) {
    EXPECT_FALSE(request_to(party, plain)) << plain;
  }
  EXPECT_FALSE(request_to(party, "ftp://id.example"));
  party.private_network = true;
  EXPECT_TRUE(request_to(party, "http://id.internal/token")->private_network);
  const Party local{.name = "files", .url = "http://localhost:3000/mcp"};
  EXPECT_TRUE(request_to(local, "http://127.0.0.1:9000/token")->loopback);
  EXPECT_FALSE(request_to(local, "http://id.example/token"));
  EXPECT_FALSE(request_to({.name = "files", .url = "http://files.example/mcp"}, "http://files.example/mcp"));
}

TEST(Party, SignsInWhereNoOtherCredentialIsConfigured) {
  UpstreamConfig upstream{.name = "files", .url = "https://files.example/mcp"};
  EXPECT_TRUE(may_sign_in(upstream));
  upstream.headers = {{"AUTHORIZATION", "Bearer x"}};
  EXPECT_FALSE(may_sign_in(upstream));
  upstream.headers = {{"X-Team", "a"}};
  EXPECT_TRUE(may_sign_in(upstream));
  upstream.auth = AuthChoice::kNone;
  EXPECT_FALSE(may_sign_in(upstream));
  EXPECT_FALSE(may_sign_in({.name = "files", .command = "x"}));
}

}  // namespace
}  // namespace bursar::broker::oauth
