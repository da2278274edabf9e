#include "bursar/broker/identity/token_exchange.h"

#include <gtest/gtest.h>

#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

using std::chrono::hours, std::chrono::seconds;

class TokenExchangeTest : public ::testing::Test {
 protected:
  TokenExchangeTest() {
    upstream.name = "files";
    upstream.token_exchange = {.url = "https://id.example/token",
                               .client_id = "bursar",
                               .client_secret = "s:e/cret",
                               .audience = "https://files.example",
                               .scope = "read write"};
    exchange->configure({upstream});
  }
  Principal caller(const std::string& subject = "id.example#ada", const std::string& text = "caller.token.x",
                   Duration lifetime = hours{1}) {
    Principal out{.subject = subject, .account = "acme"};
    out.token = std::make_shared<const SubjectToken>(text, clock.now() + lifetime);
    exchange->seen(out);
    return out;
  }
  // The header, or "error: …"; "waiting" where no answer came yet.
  std::shared_ptr<std::string> ask(const std::string& subject = "id.example#ada", const std::string& name = "files") {
    auto out = std::make_shared<std::string>("waiting");
    exchange->authorization(name, subject)([out](Result<std::string> header) {
      EXPECT_EQ(*out, "waiting") << "answered once";
      *out = header ? *header : "error: " + header.error().message;
    });
    return out;
  }
  void answer(int status, const std::string& body) {
    auto done = std::exchange(pending, {});
    for (auto& one : done) one(FetchReply{.status = status, .body = body});
  }
  void grant(const std::string& token, int lifetime = 300) {
    answer(200, R"({"access_token":")" + token + R"(","token_type":"Bearer","expires_in":)" + std::to_string(lifetime) +
                    "}");
  }

  SimulatedClock clock{wall_from_unix_us(1'800'000'000'000'000)};
  std::vector<FetchRequest> asked;
  std::vector<FetchDone> pending;
  UpstreamConfig upstream;
  std::shared_ptr<TokenExchange> exchange =
      std::make_shared<TokenExchange>(clock, [this](FetchRequest request, FetchDone done) {
        asked.push_back(std::move(request));
        pending.push_back(std::move(done));
      });
};

TEST_F(TokenExchangeTest, AsksAsRfc8693Says) {
  const Principal ada = caller();
  const auto header = ask();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].url, "https://id.example/token");
  EXPECT_EQ(asked[0].form,
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=caller.token.x"
            "&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
            "&requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
            "&audience=https%3A%2F%2Ffiles.example&scope=read%20write");
  EXPECT_EQ(asked[0].authorization, "Basic YnVyc2FyOnMlM0FlJTJGY3JldA==");  // bursar:s%3Ae%2Fcret
  grant("theirs");
  EXPECT_EQ(*header, "Bearer theirs");
}

TEST_F(TokenExchangeTest, DropsWhatItsServerRefusesAndAsksAnewButNotAtEveryCall) {
  const Principal ada = caller();
  const auto authorization = exchange->authorization("files", "id.example#ada");
  (void)ask();
  grant("first");
  EXPECT_FALSE(authorization.refused("Bearer first")) << "exchanged a moment ago";
  EXPECT_EQ(*ask(), "Bearer first");
  clock.advance(seconds{10});
  EXPECT_TRUE(authorization.refused("Bearer another"));
  EXPECT_EQ(*ask(), "Bearer first") << "what was refused was none of this";
  EXPECT_TRUE(authorization.refused("Bearer first"));
  EXPECT_TRUE(authorization.refused("Bearer first")) << "of a second call";
  const auto again = ask();
  EXPECT_EQ(asked.size(), 2u);
  grant("second");
  EXPECT_EQ(*again, "Bearer second");
  EXPECT_FALSE(authorization.refused("Bearer second"));
}

TEST_F(TokenExchangeTest, KeepsWhatItGotUntilShortlyBeforeItsEnd) {
  const Principal ada = caller();
  (void)ask();
  grant("first", 300);
  clock.advance(seconds{269});
  EXPECT_EQ(*ask(), "Bearer first");
  EXPECT_EQ(asked.size(), 1u);
  clock.advance(seconds{1});
  const auto next = ask();
  EXPECT_EQ(asked.size(), 2u);
  grant("second", 10);
  EXPECT_EQ(*next, "Bearer second");
  clock.advance(seconds{8});
  (void)ask();
  EXPECT_EQ(asked.size(), 3u) << "a fifth of a short life";
}

TEST_F(TokenExchangeTest, KeepsNothingLongerThanTheTokenItCameFrom) {
  const Principal ada = caller("id.example#ada", "t", seconds{60});
  (void)ask();
  grant("long", 3600);
  clock.advance(seconds{60});
  EXPECT_TRUE(ask()->starts_with("error: ")) << "the caller's token has expired too";
}

TEST_F(TokenExchangeTest, KeepsCallersAndServersApart) {
  UpstreamConfig other = upstream;
  other.name = "mail";
  exchange->configure({upstream, other});
  const Principal ada = caller(), bob = caller("id.example#bob", "bobs.token.y");
  (void)ask("id.example#ada");
  grant("for-ada");
  const auto bobs = ask("id.example#bob");
  EXPECT_NE(asked[1].form.find("bobs.token.y"), std::string::npos);
  grant("for-bob");
  const auto mail = ask("id.example#ada", "mail");
  grant("for-mail");
  EXPECT_EQ(*bobs, "Bearer for-bob");
  EXPECT_EQ(*mail, "Bearer for-mail");
  EXPECT_EQ(*ask("id.example#ada"), "Bearer for-ada");
  EXPECT_EQ(asked.size(), 3u);
  EXPECT_FALSE(exchange->authorization("unknown", "id.example#ada"));
}

TEST_F(TokenExchangeTest, AsksOnceForAllWhoWait) {
  const Principal ada = caller();
  const auto first = ask(), second = ask();
  EXPECT_EQ(asked.size(), 1u);
  EXPECT_EQ(*second, "waiting");
  grant("one");
  EXPECT_EQ(*first, "Bearer one");
  EXPECT_EQ(*second, "Bearer one");
}

TEST_F(TokenExchangeTest, HoldsNoTokenOfACallerLongerThanTheCall) {
  {
    const Principal ada = caller();
  }
  EXPECT_TRUE(ask()->starts_with("error: ")) << "the call is over, and nobody kept its token";
  EXPECT_TRUE(ask("key:ada")->starts_with("error: ")) << "a virtual key is no token";
  EXPECT_TRUE(asked.empty());
}

TEST_F(TokenExchangeTest, RemembersARefusalForAMoment) {
  const Principal ada = caller();
  const auto refused = ask();
  answer(400, R"({"error":"invalid_grant","error_description":"caller.token.x is bad"})");
  EXPECT_EQ(*refused, "error: token exchange: the token endpoint answered 400 invalid_grant");
  EXPECT_EQ(*ask(), *refused);
  EXPECT_EQ(asked.size(), 1u);
  clock.advance(TokenExchange::kAfterFailure);
  (void)ask();
  EXPECT_EQ(asked.size(), 2u);
}

TEST_F(TokenExchangeTest, RepeatsNothingThatAnEndpointSays) {
  const Principal ada = caller();
  for (const char* body : {R"({"error":"caller.token.x"})", R"({"error":7})", "caller.token.x", "", "[]",
                           R"({"error_description":"caller.token.x"})"}) {
    const auto refused = ask();
    answer(401, body);
    EXPECT_EQ(*refused, "error: token exchange: the token endpoint answered 401") << body;
    clock.advance(TokenExchange::kAfterFailure);
  }
}

TEST_F(TokenExchangeTest, TakesNothingThatCannotBeAHeader) {
  const Principal ada = caller();
  for (const char* body :
       {R"({"access_token":"a\r\nX: y","token_type":"Bearer"})", R"({"access_token":"","token_type":"Bearer"})",
        R"({"access_token":"a b","token_type":"Bearer"})", R"({"access_token":"\u00e9","token_type":"Bearer"})",
        R"({"access_token":"a","token_type":"N_A"})", R"({"access_token":"a","token_type":"DPoP"})",
        R"({"access_token":"a"})", R"({"access_token":7,"token_type":"Bearer"})", "[]", "x"}) {
    const auto refused = ask();
    answer(200, body);
    EXPECT_TRUE(refused->starts_with("error: token exchange: the token endpoint's")) << body << ": " << *refused;
    clock.advance(TokenExchange::kAfterFailure);
  }
}

TEST_F(TokenExchangeTest, ForgetsWhatOtherSettingsGave) {
  const Principal ada = caller();
  (void)ask();
  grant("old");
  exchange->configure({upstream});
  EXPECT_EQ(*ask(), "Bearer old");
  upstream.token_exchange.audience = "https://elsewhere.example";
  exchange->configure({upstream});
  EXPECT_EQ(*ask(), "waiting");
  exchange->configure({});
  grant("late");
  EXPECT_FALSE(exchange->authorization("files", "id.example#ada"));
}

TEST_F(TokenExchangeTest, IsBounded) {
  for (std::size_t i = 0; i < TokenExchange::kMaxCached + 100; ++i) {
    const std::string subject = "s#" + std::to_string(i);
    const Principal one = caller(subject);
    (void)ask(subject);
    grant("t");
  }
  EXPECT_LE(exchange->cached(), TokenExchange::kMaxCached);
  const Principal ada = caller();
  for (std::size_t i = 0; i < TokenExchange::kMaxWaiting; ++i) EXPECT_EQ(*ask(), "waiting");
  EXPECT_TRUE(ask()->starts_with("error: "));
  grant("t");
}

}  // namespace
}  // namespace bursar::broker
