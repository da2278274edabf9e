#include "bursar/broker/oauth/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/broker/identity/jose.h"
#include "bursar/broker/identity/token_testing.h"
#include "bursar/broker/oauth/grant.h"
#include "bursar/broker/oauth/signature.h"
#include "bursar/core/json.h"

namespace bursar::broker::oauth {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const RegistrationAsk kAsk{.redirect_uri = "http://127.0.0.1:8484/oauth/callback", .scopes = {"a", "b"}, .offered = {}};

TEST(Client, RegistersAsWhatItIs) {
  const std::string local = registration_text(kAsk);
  EXPECT_THAT(local, HasSubstr(R"("application_type":"native")"));
  EXPECT_THAT(local, HasSubstr(R"("grant_types":["authorization_code","refresh_token"])"));
  EXPECT_THAT(local, HasSubstr(R"("token_endpoint_auth_method":"client_secret_basic")"));
  EXPECT_THAT(local, HasSubstr(R"("scope":"a b")"));
  const std::string remote = registration_text({.redirect_uri = "https://gateway.example/oauth/callback",
                                                .scopes = {},
                                                .offered = {"client_secret_post", "none"}});
  EXPECT_THAT(remote, HasSubstr(R"("application_type":"web")"));
  EXPECT_THAT(remote, HasSubstr(R"("token_endpoint_auth_method":"none")"));
  EXPECT_THAT(remote, Not(HasSubstr("scope")));
}

TEST(Client, TakesWhatARegistrationGivesAndNothingElse) {
  const auto client = parse_registration(
      201,
      R"({"client_id":"c","client_secret":"s","client_secret_expires_at":10,"token_endpoint_auth_method":"client_secret_post"})",
      "https://id.example", kAsk);
  ASSERT_TRUE(client);
  EXPECT_EQ(client->auth, TokenAuth::kPost);
  EXPECT_EQ(client->secret_ends, wall_from_unix_us(10'000'000));
  EXPECT_EQ(client->redirect_uri, kAsk.redirect_uri);
  EXPECT_TRUE(client->registered);
  EXPECT_EQ(parse_registration(200, R"({"client_id":"c","token_endpoint_auth_method":"client_secret_basic"})",
                               "https://id.example", kAsk)
                ->auth,
            TokenAuth::kNone)
      << "a method without a secret";
  EXPECT_FALSE(parse_registration(201, R"({"client_secret":"s"})", "https://id.example", kAsk));
  EXPECT_FALSE(parse_registration(201, "{\"client_id\":\"a\\nb\"}", "https://id.example", kAsk));
  const auto refused = parse_registration(403, R"({"error_description":"secret text"})", "https://id.example", kAsk);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, Not(HasSubstr("secret text")));
}

TEST(Client, ChoosesAMethodThatBothSidesHave) {
  EXPECT_EQ(choose_auth(TokenAuth::kAuto, true, false, {}), TokenAuth::kBasic);
  EXPECT_EQ(choose_auth(TokenAuth::kAuto, true, false, {"client_secret_post", "none"}), TokenAuth::kPost);
  EXPECT_EQ(choose_auth(TokenAuth::kAuto, true, false, {"none"}), TokenAuth::kNone);
  EXPECT_EQ(choose_auth(TokenAuth::kAuto, false, true, {"client_secret_post"}), TokenAuth::kPrivateKeyJwt);
  EXPECT_EQ(choose_auth(TokenAuth::kAuto, false, false, {"client_secret_basic"}), TokenAuth::kNone);
  EXPECT_EQ(choose_auth(TokenAuth::kPost, true, false, {"none"}), TokenAuth::kPost) << "the owner knows";
  EXPECT_FALSE(choose_auth(TokenAuth::kAuto, true, false, {"tls_client_auth"}));
}

struct Proved {
  FetchRequest request;
  std::string form;
};
Proved proved(const Client& client, std::string_view key = {}, std::string_view algorithm = "ES256") {
  const Random random = [](std::size_t count) { return std::string(count, 'r'); };
  Proved out;
  Form form;
  const auto ok = prove(
      client,
      {.private_key = key, .algorithm = algorithm, .now = wall_from_unix_us(1'000'000'000'000'000), .random = random},
      out.request, form);
  EXPECT_TRUE(ok);
  out.form = form.text();
  return out;
}

TEST(Client, ProvesItselfAsTheMethodSays) {
  const Client client{.issuer = "https://id.example", .id = "a:b", .secret = "c d", .auth = TokenAuth::kBasic};
  EXPECT_EQ(proved(client).request.authorization, "Basic YSUzQWI6YyUyMGQ=") << "both encoded, then joined";
  EXPECT_EQ(proved(client).form, "");
  Client other = client;
  other.auth = TokenAuth::kPost;
  EXPECT_EQ(proved(other).form, "client_id=a%3Ab&client_secret=c%20d");
  other.auth = TokenAuth::kNone;
  EXPECT_EQ(proved(other).form, "client_id=a%3Ab");
  EXPECT_EQ(proved(other).request.authorization, "");
}

TEST(Client, SignsAssertionsThatItsPublicKeyProves) {
  for (const char* algorithm : {"ES256", "ES384", "RS256", "PS256", "EdDSA"}) {
    const testing::SigningKey key("k", algorithm);
    const auto jwt = sign_jwt(key.private_pem(), algorithm, R"({"sub":"bursar"})");
    ASSERT_TRUE(jwt) << algorithm << jwt.error().message;
    const auto keys = KeySet::parse(testing::key_set(key));
    const auto jws = parse_jws(*jwt);
    ASSERT_TRUE(keys && jws) << algorithm;
    EXPECT_EQ(keys->check(*jws), KeyVerdict::kGood) << algorithm;
  }
  const testing::SigningKey key("k", "ES256");
  const std::string form =
      proved({.issuer = "https://id.example", .id = "bursar", .auth = TokenAuth::kPrivateKeyJwt}, key.private_pem())
          .form;
  EXPECT_THAT(form,
              HasSubstr("client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"));
  const auto jws = parse_jws(std::string_view(form).substr(form.find("client_assertion=") + 17));
  ASSERT_TRUE(jws);
  const auto claims = parse_json(jws->payload);
  EXPECT_EQ(claims->at("aud"), "https://id.example");
  EXPECT_EQ(claims->at("iss"), "bursar");
  EXPECT_EQ(claims->at("exp").as_int64(), 1'000'000'060);
}

TEST(Client, SaysWhatIsWrongWithAKeyAndNeverShowsIt) {
  const testing::SigningKey key("k", "ES384");
  const auto other = sign_jwt(key.private_pem(), "ES256", "{}");
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("no key for ES256"));
  const auto none = sign_jwt("not a key", "ES256", "{}");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, Not(HasSubstr("not a key")));
  EXPECT_FALSE(sign_jwt(key.private_pem(), "HS256", "{}"));
}

TEST(Grant, IsABearerTokenThatFitsIntoAHeader) {
  const WallTime now = wall_from_unix_us(1'000'000);
  const auto grant = parse_grant(
      200, R"({"access_token":"t","token_type":"bearer","expires_in":60,"refresh_token":"r","scope":"a b"})", now);
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->expires, now + std::chrono::seconds{60});
  EXPECT_EQ(grant->scopes, (Scopes{"a", "b"}));
  for (const char* bad : {R"({"access_token":"t"})", R"({"access_token":"t","token_type":"DPoP"})",
                          "{\"access_token\":\"t\\r\\nX: y\",\"token_type\":\"Bearer\"}",
                          R"({"access_token":"","token_type":"Bearer"})", "[]", ""}) {
    EXPECT_FALSE(parse_grant(200, bad, now)) << bad;
  }
}

TEST(Grant, TellsARefusalFromASilenceAndRepeatsNoDescription) {
  const auto no = parse_grant(400, R"({"error":"invalid_grant","error_description":"your code was s3cret"})", {});
  ASSERT_FALSE(no);
  EXPECT_EQ(no.error().message, "the token endpoint answered 400 invalid_grant");
  EXPECT_FALSE(no.error().retryable);
  EXPECT_TRUE(parse_grant(503, "", {}).error().retryable);
  EXPECT_TRUE(parse_grant(429, "", {}).error().retryable);
}

}  // namespace
}  // namespace bursar::broker::oauth
