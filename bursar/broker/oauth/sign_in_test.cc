#include "bursar/broker/oauth/sign_in.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/broker/audit/digest.h"
#include "bursar/broker/oauth/oauth_testing.h"
#include "bursar/core/json.h"

namespace bursar::broker::oauth {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;
using State = SignIn::State;

constexpr WallTime kNow = wall_from_unix_us(1'800'000'000'000'000);
constexpr const char* kRedirect = "http://127.0.0.1:8484/oauth/callback";

class SignInTest : public ::testing::Test {
 protected:
  SignIn begin(Party party = party_of_files(), SignInStart start = {}) {
    start.redirect_uri = kRedirect;
    SignIn flow(std::move(party), std::move(start), [this](std::size_t n) { return std::string(n, ++random_); });
    drive(flow);
    return flow;
  }
  void drive(SignIn& flow) {
    for (int i = 0; i < 30; ++i) {
      const auto ask = flow.next(kNow);
      if (!ask) return;
      flow.take(world.answer(*ask), kNow);
    }
    ADD_FAILURE() << "does not end";
  }
  // Signed in by a browser; the flow afterwards.
  SignIn through(Party party = party_of_files(), SignInStart start = {}) {
    SignIn flow = begin(std::move(party), std::move(start));
    EXPECT_EQ(flow.state(), State::kBrowser) << flow.error().message;
    EXPECT_TRUE(flow.come_back(agreed(flow.authorization_url())));
    drive(flow);
    return flow;
  }
  std::string why_not(Party party = party_of_files(), SignInStart start = {}) {
    const SignIn flow = begin(std::move(party), std::move(start));
    return flow.state() == State::kFailed ? flow.error().message : "it went on";
  }
  World world;
  char random_ = 'a';
};

TEST_F(SignInTest, GoesFromAChallengeToATokenWithPkceAndTheResource) {
  const SignIn flow = through();
  ASSERT_EQ(flow.state(), State::kDone) << flow.error().message;
  const std::string& url = flow.authorization_url();
  EXPECT_TRUE(url.starts_with("https://id.example/authorize?response_type=code&"));
  EXPECT_EQ(parameter(url, "client_id"), "registered-1");
  EXPECT_EQ(parameter(url, "redirect_uri"), kRedirect);
  EXPECT_EQ(parameter(url, "scope"), "read") << "of the challenge, not of the metadata";
  EXPECT_EQ(parameter(url, "resource"), "https://files.example/mcp");
  EXPECT_EQ(parameter(url, "code_challenge_method"), "S256");
  const FetchRequest& asked = world.asked.back();
  EXPECT_EQ(field(asked, "grant_type"), "authorization_code");
  EXPECT_EQ(field(asked, "code"), "c0de");
  EXPECT_EQ(field(asked, "resource"), "https://files.example/mcp");
  EXPECT_EQ(field(asked, "redirect_uri"), kRedirect);
  const Sha256 digest = sha256(field(asked, "code_verifier"));
  EXPECT_EQ(parameter(url, "code_challenge"),
            base64url(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size())));
  EXPECT_EQ(flow.signed_in().grant.access_token, "access-1");
  EXPECT_EQ(flow.signed_in().grant.expires, kNow + std::chrono::seconds{300});
  EXPECT_EQ(flow.signed_in().client.issuer, "https://id.example");
}

TEST_F(SignInTest, AsksForTheScopesThatAreNamedAndKeepsThoseFromBefore) {
  const auto scope = [&](Party party, SignInStart start) {
    return parameter(begin(std::move(party), std::move(start)).authorization_url(), "scope");
  };
  EXPECT_EQ(scope(party_of_files(), {.challenge = Challenge{.bearer = true}}), "read write") << "of the metadata";
  EXPECT_EQ(scope(party_of_files(),
                  {.challenge = Challenge{.bearer = true, .error = "insufficient_scope", .scopes = {"admin"}},
                   .before = {"read"}}),
            "read admin");
  Party own = party_of_files();
  own.oauth.scopes = {"mine"};
  EXPECT_EQ(scope(own, {}), "mine");
  EXPECT_EQ(scope(own, {.challenge = Challenge{.error = "insufficient_scope", .scopes = {"admin"}}}), "mine admin");
  world.replace(kServerDocument, "{", R"({"scopes_supported":["read","offline_access"],)");
  const SignIn offline = begin();
  EXPECT_EQ(parameter(offline.authorization_url(), "scope"), "read offline_access");
  EXPECT_EQ(parameter(offline.authorization_url(), "prompt"), "consent");
  world.replace(kResourceDocument, R"(,"scopes_supported":["read","write"])", "");
  const SignIn none = begin(party_of_files(), {.challenge = Challenge{.bearer = true}});
  EXPECT_THAT(none.authorization_url(), Not(HasSubstr("scope="))) << "nothing is said, so the default is left alone";
}

TEST_F(SignInTest, FindsMetadataWhereverItMayStand) {
  world.challenge = "Bearer";
  world.documents["https://files.example/.well-known/oauth-protected-resource"] =
      R"({"resource":"https://files.example","authorization_servers":["https://id.example/t"]})";
  world.documents.erase(kResourceDocument);
  world.documents["https://id.example/t/.well-known/openid-configuration"] = world.documents[kServerDocument];
  world.replace("https://id.example/t/.well-known/openid-configuration", "https://id.example\"",
                "https://id.example/t\"");
  const SignIn flow = begin();
  ASSERT_EQ(flow.state(), State::kBrowser) << flow.error().message;
  EXPECT_EQ(parameter(flow.authorization_url(), "resource"), "https://files.example") << "exactly as published";
  EXPECT_EQ(world.times(kServerDocument), 0U) << "the root is another issuer's";
}

TEST_F(SignInTest, TakesAServerWithoutResourceMetadataForItsOwnAuthorizationServer) {
  world.documents.erase(kResourceDocument);
  world.documents["https://files.example/.well-known/oauth-authorization-server"] = world.documents[kServerDocument];
  world.replace("https://files.example/.well-known/oauth-authorization-server", "\"https://id.example\"",
                "\"https://files.example\"");
  EXPECT_EQ(begin().state(), State::kBrowser);
}

TEST_F(SignInTest, RegistersOnceAtEachIssuerAndShowsNoOtherTheName) {
  const Client before{.issuer = "https://id.example", .id = "old", .redirect_uri = kRedirect, .registered = true};
  Client client = before;
  EXPECT_EQ(parameter(begin(party_of_files(), {.client = client}).authorization_url(), "client_id"), "old");
  EXPECT_EQ(world.times("https://id.example/register"), 0U);
  client.issuer = "https://other.example";
  EXPECT_EQ(parameter(begin(party_of_files(), {.client = client}).authorization_url(), "client_id"), "registered-1");
  client = before;
  client.redirect_uri = "http://127.0.0.1:9/oauth/callback";
  EXPECT_EQ(parameter(begin(party_of_files(), {.client = client}).authorization_url(), "client_id"), "registered-1");
  EXPECT_EQ(world.times("https://id.example/register"), 2U);
}

TEST_F(SignInTest, GoesByADocumentOfOursOrAConfiguredName) {
  Party party = party_of_files();
  party.oauth.client_metadata_url = "https://gateway.example/oauth/client-metadata.json";
  EXPECT_EQ(parameter(begin(party).authorization_url(), "client_id"), "registered-1") << "not offered there";
  world.replace(kServerDocument, "{", R"({"client_id_metadata_document_supported":true,)");
  EXPECT_EQ(parameter(begin(party).authorization_url(), "client_id"), party.oauth.client_metadata_url);
  party.oauth = {
      .issuer = "https://id.example", .client_id = "bursar", .client_secret = "s", .token_auth = TokenAuth::kPost};
  (void)through(party);
  EXPECT_EQ(field(world.asked.back(), "client_secret"), "s");
  world.replace(kServerDocument, "registration_endpoint", "x");
  EXPECT_THAT(why_not(), HasSubstr("set oauth.client_id"));
}

TEST_F(SignInTest, ShowsNoSecretToAServerThatTheOwnerDidNotName) {
  Party party = party_of_files();
  party.oauth = {.issuer = "https://company.example", .client_id = "bursar", .client_secret = "s3cret"};
  EXPECT_THAT(why_not(party), HasSubstr("another authorization server than oauth.issuer"));
  for (const FetchRequest& request : world.asked) {
    EXPECT_THAT(request.form + request.authorization + request.json, Not(HasSubstr("s3cret")));
    EXPECT_THAT(request.url, Not(HasSubstr("id.example")));
  }
}

TEST_F(SignInTest, StopsAtMetadataOfAnotherResourceOrIssuer) {
  world.replace(kResourceDocument, "https://files.example/mcp", "https://evil.example/mcp");
  EXPECT_THAT(why_not(), HasSubstr("of the resource https://evil.example/mcp"));
  EXPECT_EQ(world.times(kServerDocument), 0U);
  world = {};
  world.replace(kServerDocument, "https://id.example\"", "https://evil.example\"");
  EXPECT_THAT(why_not(), HasSubstr("another issuer"));
  EXPECT_EQ(world.times("https://id.example/register"), 0U);
}

TEST_F(SignInTest, GoesNowhereOverPlainHttp) {
  for (const char* endpoint :
       {"https://id.example/token", "https://id.example/authorize", "https://id.example/register"}) {
    world = {};
    world.replace(kServerDocument, endpoint, "http" + std::string(endpoint).substr(5));
    EXPECT_THAT(why_not(), HasSubstr("must begin with https://")) << endpoint;
  }
  world = {};
  world.challenge = R"(Bearer resource_metadata="http://169.254.169.254/latest/meta-data")";
  EXPECT_THAT(why_not(), HasSubstr("must begin with https://"));
}

TEST_F(SignInTest, TakesAnAnswerOfTheRightIssuerOnly) {
  struct Case {
    bool advertised;
    std::string issuer;
    bool good;
  };
  for (const Case& c : std::initializer_list<Case>{{true, "https://id.example", true},
                                                   {true, "", false},
                                                   {true, "https://evil.example", false},
                                                   {true, "https://id.example/", false},
                                                   {true, "https://ID.example", false},
                                                   {false, "", true},
                                                   {false, "https://id.example", true},
                                                   {false, "https://evil.example", false}}) {
    world = {};
    if (!c.advertised)
      world.replace(kServerDocument, "iss_parameter_supported\":true", "iss_parameter_supported\":false");
    SignIn flow = begin();
    const auto back = flow.come_back(agreed(flow.authorization_url(), c.issuer));
    EXPECT_EQ(back.has_value(), c.good) << c.issuer;
    drive(flow);
    EXPECT_EQ(world.times("https://id.example/token"), c.good ? 1U : 0U) << c.issuer;
  }
}

TEST_F(SignInTest, IsNotMovedByAForeignStateAndEndsWithTheFirstAnswer) {
  SignIn flow = begin();
  EXPECT_EQ(flow.come_back("/oauth/callback?code=x&state=guess&iss=https%3A%2F%2Fid.example").error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(flow.come_back("/oauth/callback?code=x").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(flow.state(), State::kBrowser);
  const std::string target = agreed(flow.authorization_url());
  EXPECT_EQ(flow.come_back(target + "&state=again").error().code, ErrorCode::kNotFound) << "twice is never";
  EXPECT_TRUE(flow.come_back(target));
  EXPECT_EQ(flow.come_back(target).error().code, ErrorCode::kNotFound);
}

TEST_F(SignInTest, SaysWhyTheServerRefusedAndRepeatsNothingElse) {
  const auto refused = [&](const std::string& more) {
    SignIn flow = begin();
    const std::string target = "/oauth/callback?state=" + parameter(flow.authorization_url(), "state") +
                               "&iss=https%3A%2F%2Fid.example" + more;
    return flow.come_back(target).error().message;
  };
  EXPECT_EQ(refused("&error=access_denied&error_description=%3Cscript%3E"),
            "the authorization server refused: access_denied");
  EXPECT_THAT(refused("&error=%3Cscript%3E"), Not(HasSubstr("script")));
  EXPECT_THAT(refused(""), HasSubstr("no code"));
  EXPECT_THAT(refused("&code=a&code=b"), HasSubstr("twice"));
}

TEST_F(SignInTest, NeedsNobodyWithCredentialsOfItsOwn) {
  Party party = party_of_files();
  party.oauth = {.issuer = "https://id.example",
                 .client_id = "bursar",
                 .client_secret = "s",
                 .grant = OAuthGrant::kClientCredentials};
  world.replace(kServerDocument, "\"none\"", "\"client_secret_basic\"");
  const SignIn flow = begin(party);
  ASSERT_EQ(flow.state(), State::kDone) << flow.error().message;
  EXPECT_EQ(field(world.asked.back(), "grant_type"), "client_credentials");
  EXPECT_EQ(field(world.asked.back(), "scope"), "read");
  EXPECT_EQ(world.asked.back().authorization, "Basic YnVyc2FyOnM=");
}

TEST_F(SignInTest, BoundsWhatItReads) {
  (void)through();
  for (const FetchRequest& request : world.asked) EXPECT_LE(request.bytes_max, 512U << 10) << request.url;
  world.replace(kServerDocument, "{", R"({"x":")" + std::string(300 << 10, 'x') + R"(",)");
  EXPECT_THAT(why_not(), HasSubstr("no JSON"));
}

TEST(Renewal, KeepsWhatTheAnswerLeavesOut) {
  const Grant old{.access_token = "a", .refresh_token = "r", .expires = {}, .scopes = {"read"}};
  const auto grant = renewed(old, {.status = 200, .body = R"({"access_token":"b","token_type":"Bearer"})"}, kNow);
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->refresh_token, "r");
  EXPECT_EQ(grant->scopes, Scopes{"read"});
}

}  // namespace
}  // namespace bursar::broker::oauth
