#include "bursar/broker/identity/issuers.h"

#include <gtest/gtest.h>
#include <map>
#include <thread>

#include "bursar/broker/identity/subject_token.h"
#include "bursar/broker/identity/token_testing.h"

namespace bursar::broker {
namespace {

using std::chrono::hours, std::chrono::minutes, std::chrono::seconds;
using testing::SigningKey;

constexpr std::string_view kIssuer = "https://id.example";
constexpr std::int64_t kNow = 1'800'000'000;

// Answers by url; what it has no answer for fails. Holds answers back while `held`.
struct FakeNet {
  std::map<std::string, std::string> bodies;
  std::vector<std::string> asked;
  bool held = false;
  std::vector<std::function<void()>> waiting;

  Fetch fetch() {
    return [this](FetchRequest request, FetchDone done) {
      asked.push_back(request.url);
      auto answer = [this, url = request.url, done = std::move(done)] {
        const auto found = bodies.find(url);
        if (found == bodies.end()) return done(fail(ErrorCode::kUnavailable, "no route", true));
        done(FetchReply{.status = 200, .body = found->second});
      };
      if (!held) return answer();
      waiting.push_back(std::move(answer));
    };
  }
  void release() {
    for (auto& answer : std::exchange(waiting, {})) answer();
  }
};

class IssuersTest : public ::testing::Test {
 protected:
  IssuersTest() {
    identity.resource = "https://gateway.example/mcp";
    identity.issuers = {
        {.issuer = std::string(kIssuer), .jwks_url = "https://id.example/keys", .algorithms = {"ES256"}}};
    identity.accounts = {{.account = "acme/{sub}"}};
    net.bodies["https://id.example/keys"] = testing::key_set(key);
  }
  void start(bool keep_tokens = false) { issuers.configure(identity, keep_tokens); }

  static boost::json::object claims(std::initializer_list<std::pair<std::string_view, boost::json::value>> more = {}) {
    boost::json::object out{
        {"iss", kIssuer}, {"sub", "ada"}, {"aud", "https://gateway.example/mcp"}, {"exp", kNow + 300}, {"iat", kNow}};
    for (const auto& [name, value] : more) {
      if (value.is_null())
        out.erase(name);
      else
        out[name] = value;
    }
    return out;
  }
  std::optional<TokenFault> fault(std::string_view token) const {
    const auto who = issuers.verify(token);
    return who ? std::nullopt : std::optional(who.error().fault);
  }
  std::optional<TokenFault> fault_of(std::initializer_list<std::pair<std::string_view, boost::json::value>> more) {
    return fault(testing::token(key, claims(more)));
  }

  SimulatedClock clock{wall_from_unix_us(kNow * 1'000'000)};
  SigningKey key{"k1", "ES256"};
  IdentityConfig identity;
  FakeNet net;
  Issuers issuers{clock, net.fetch()};
};

TEST_F(IssuersTest, MakesAPrincipalOfAToken) {
  identity.admin_scope = "root";
  start();
  const auto who = issuers.verify(
      testing::token(key, claims({{"scope", "a b"}, {"groups", boost::json::array{"staff", "research"}}})));
  ASSERT_TRUE(who) << who.error().why;
  EXPECT_EQ(*who, (Principal{.subject = "id.example#ada",
                             .account = "acme/ada",
                             .scopes = {"a", "b"},
                             .groups = {"staff", "research"},
                             .issuer = std::string(kIssuer)}));
  EXPECT_EQ(who->token, nullptr);
  EXPECT_TRUE(issuers.verify(testing::token(key, claims({{"scp", boost::json::array{"x", "root"}}})))->admin);
}

TEST_F(IssuersTest, RefusesByTheClaims) {
  start();
  EXPECT_EQ(fault_of({}), std::nullopt);
  EXPECT_EQ(fault_of({{"aud", boost::json::array{"x", "https://gateway.example/mcp"}}}), std::nullopt);
  EXPECT_EQ(fault_of({{"aud", "https://gateway.example"}}), TokenFault::kAudience);
  EXPECT_EQ(fault_of({{"aud", "https://gateway.example/mcp/"}}), TokenFault::kAudience);
  EXPECT_EQ(fault_of({{"aud", boost::json::array{}}}), TokenFault::kAudience);
  EXPECT_EQ(fault_of({{"aud", nullptr}}), TokenFault::kAudience);
  EXPECT_EQ(fault_of({{"aud", 7}}), TokenFault::kMalformed);
  EXPECT_EQ(fault_of({{"iss", "https://id.example/"}}), TokenFault::kUnknownIssuer);
  EXPECT_EQ(fault_of({{"iss", nullptr}}), TokenFault::kUnknownIssuer);
  EXPECT_EQ(fault_of({{"sub", nullptr}}), TokenFault::kSubject);
  EXPECT_EQ(fault_of({{"sub", ""}}), TokenFault::kSubject);
  EXPECT_EQ(fault_of({{"sub", "a\nb"}}), TokenFault::kSubject);
  EXPECT_EQ(fault_of({{"sub", boost::json::string("a\0b", 3)}}), TokenFault::kSubject);
  EXPECT_EQ(fault_of({{"exp", nullptr}}), TokenFault::kMalformed);
  EXPECT_EQ(fault_of({{"exp", "4000000000"}}), TokenFault::kMalformed);
  EXPECT_EQ(fault_of({{"exp", -1}}), TokenFault::kMalformed);
  EXPECT_EQ(fault_of({{"exp", 1e300}}), TokenFault::kMalformed);
}

TEST_F(IssuersTest, KeepsTimesWithTheSkewItIsGiven) {
  identity.issuers[0].clock_skew = seconds{60};
  start();
  EXPECT_EQ(fault_of({{"exp", kNow - 59}}), std::nullopt);
  EXPECT_EQ(fault_of({{"exp", kNow - 60}}), TokenFault::kExpired);
  EXPECT_EQ(fault_of({{"exp", static_cast<double>(kNow) - 59.5}}), std::nullopt);
  EXPECT_EQ(fault_of({{"nbf", kNow + 60}}), std::nullopt);
  EXPECT_EQ(fault_of({{"nbf", kNow + 61}}), TokenFault::kNotYetValid);
  EXPECT_EQ(fault_of({{"iat", kNow + 61}}), TokenFault::kNotYetValid);
}

TEST_F(IssuersTest, ForgetsAVerifiedTokenWhenItExpires) {
  identity.issuers[0].clock_skew = seconds{0};
  start();
  const std::string token = testing::token(key, claims({{"exp", kNow + 10}}));
  EXPECT_EQ(fault(token), std::nullopt);
  clock.advance(seconds{9});
  EXPECT_EQ(fault(token), std::nullopt);
  clock.advance(seconds{1});
  EXPECT_EQ(fault(token), TokenFault::kExpired);
}

TEST_F(IssuersTest, TakesOnlyAlgorithmsOfTheIssuersList) {
  const SigningKey rsa("r", "RS256");
  net.bodies["https://id.example/keys"] = testing::key_set(key, rsa);
  identity.issuers[0].algorithms = {"ES256", "HS256", "none"};
  start();
  EXPECT_EQ(fault(testing::token(rsa, claims())), TokenFault::kAlgorithm);
  EXPECT_EQ(fault(testing::token(key, claims())), std::nullopt);
}

TEST_F(IssuersTest, TakesATokenFromItsOwnIssuersKeysOnly) {
  const SigningKey other("k1", "ES256");
  identity.issuers.push_back(
      {.issuer = "https://other.example", .jwks_url = "https://other.example/keys", .algorithms = {"ES256"}});
  net.bodies["https://other.example/keys"] = testing::key_set(other);
  start();
  EXPECT_EQ(fault(testing::token(other, claims({{"iss", "https://other.example"}}))), std::nullopt);
  EXPECT_EQ(fault(testing::token(other, claims())), TokenFault::kSignature);
  EXPECT_EQ(fault(testing::token(key, claims({{"iss", "https://other.example"}}))), TokenFault::kSignature);
}

TEST_F(IssuersTest, NeedsTheScopesThatEveryTokenNeeds) {
  identity.scopes = {"mcp", "tools"};
  start();
  EXPECT_EQ(fault_of({{"scope", "mcp"}}), TokenFault::kMissingScope);
  EXPECT_EQ(fault_of({{"scope", "tools x mcp"}}), std::nullopt);
}

TEST_F(IssuersTest, ReadsWhereTheKeysAreFromTheIssuersMetadata) {
  identity.issuers[0] = {.issuer = "https://id.example/realms/a", .jwks_url = {}, .algorithms = {"ES256"}};
  net.bodies["https://id.example/realms/a/.well-known/openid-configuration"] =
      R"({"issuer":"https://id.example/realms/a","jwks_uri":"https://keys.example/a"})";
  net.bodies["https://keys.example/a"] = testing::key_set(key);
  start();
  EXPECT_EQ(net.asked, (std::vector<std::string>{"https://id.example/.well-known/oauth-authorization-server/realms/a",
                                                 "https://id.example/realms/a/.well-known/openid-configuration",
                                                 "https://keys.example/a"}));
  EXPECT_EQ(fault_of({{"iss", "https://id.example/realms/a"}}), std::nullopt);
}

TEST_F(IssuersTest, BelievesNoMetadataOfAnotherIssuerAndNoKeysOverPlainHttp) {
  for (const char* metadata :
       {R"({"issuer":"https://evil.example","jwks_uri":"https://keys.example/a"})",
        R"({"issuer":"https://id.example/","jwks_uri":"https://keys.example/a"})",
        R"({"issuer":"https://id.example","jwks_uri":"http://keys.example/a"})",
        R"({"issuer":"https://id.example","jwks_uri":"file:///etc/passwd"})",
        R"({"jwks_uri":"https://keys.example/a"})", R"({"issuer":"https://id.example"})", "[]", ""}) {
    net = {};
    net.bodies["https://keys.example/a"] = testing::key_set(key);
    net.bodies["https://id.example/.well-known/oauth-authorization-server"] = metadata;
    identity.issuers[0] = {.issuer = std::string(kIssuer), .jwks_url = {}, .algorithms = {"ES256"}};
    Issuers fresh(clock, net.fetch());
    fresh.configure(identity, false);
    EXPECT_EQ(fresh.status()[0].keys, 0u) << metadata;
    EXPECT_EQ(fresh.verify(testing::token(key, claims())).error().fault, TokenFault::kKeysNotAvailable);
  }
}

TEST_F(IssuersTest, ReadsKeysAgainWhenTheirTimeIsOver) {
  identity.issuers[0].jwks_cache = minutes{10};
  start();
  EXPECT_EQ(net.asked.size(), 1u);
  clock.advance(minutes{10} - seconds{1});
  issuers.tick();
  EXPECT_EQ(net.asked.size(), 1u);
  const SigningKey next("k2", "ES256");
  net.bodies["https://id.example/keys"] = testing::key_set(next);
  clock.advance(seconds{1});
  issuers.tick();
  EXPECT_EQ(net.asked.size(), 2u);
  const std::int64_t now = kNow + 600;
  EXPECT_EQ(fault(testing::token(next, claims({{"exp", now + 60}}))), std::nullopt);
  EXPECT_EQ(fault(testing::token(key, claims({{"exp", now + 60}}))), TokenFault::kUnknownKey) << "withdrawn";
}

TEST_F(IssuersTest, ForgetsTokensOfAKeyThatWasWithdrawn) {
  start();
  const std::string token = testing::token(key, claims({{"exp", kNow + 10'000}}));
  EXPECT_EQ(fault(token), std::nullopt);
  net.bodies["https://id.example/keys"] = testing::key_set(SigningKey("k2", "ES256"));
  clock.advance(identity.issuers[0].jwks_cache);
  issuers.tick();
  EXPECT_EQ(fault(token), TokenFault::kUnknownKey);
}

TEST_F(IssuersTest, KeepsKeysWhileTheEndpointIsDownButNotForEver) {
  start();
  const std::string token = testing::token(key, claims({{"exp", kNow + 100'000}}));
  net.bodies.clear();
  const WallTime end = clock.now() + identity.issuers[0].jwks_cache + Issuers::kKeepStale;
  while (clock.now() + seconds{1} < end) {
    clock.advance(seconds{1});
    issuers.tick();
  }
  EXPECT_EQ(fault(token), std::nullopt);
  const std::size_t tries = net.asked.size();
  EXPECT_GE(tries, 100u);
  EXPECT_LE(tries, 140u) << "once in 30 s";
  clock.advance(seconds{2});
  issuers.tick();
  EXPECT_EQ(fault(token), TokenFault::kKeysNotAvailable);
  net.bodies["https://id.example/keys"] = testing::key_set(key);
  clock.advance(seconds{30});
  issuers.tick();
  EXPECT_EQ(fault(token), std::nullopt);
}

TEST_F(IssuersTest, AsksForAnUnknownKeyOnceInAWhileAndLetsTheRequestWait) {
  start();
  const SigningKey next("k2", "ES256");
  const std::string token = testing::token(next, claims());
  EXPECT_EQ(fault(token), TokenFault::kUnknownKey);
  EXPECT_EQ(net.asked.size(), 1u) << "verify() itself asks nobody";
  net.held = true;
  int done = 0;
  EXPECT_TRUE(issuers.wait_for_keys(token, [&] { ++done; }));
  EXPECT_TRUE(issuers.wait_for_keys(token, [&] { ++done; })) << "joins the one that is under way";
  EXPECT_EQ(net.asked.size(), 2u);
  EXPECT_EQ(done, 0);
  net.bodies["https://id.example/keys"] = testing::key_set(key, next);
  net.release();
  EXPECT_EQ(done, 2);
  EXPECT_EQ(fault(token), std::nullopt);

  const std::string stranger = testing::token(SigningKey("k3", "ES256"), claims());
  EXPECT_FALSE(issuers.wait_for_keys(stranger, [&] { ++done; })) << "too soon";
  clock.advance(Issuers::kUnknownKeyPause);
  EXPECT_TRUE(issuers.wait_for_keys(stranger, [&] { ++done; }));
  EXPECT_EQ(net.asked.size(), 3u);
}

TEST_F(IssuersTest, LetsNobodyWaitLongerThanItsPatience) {
  net.held = true;
  start();
  int done = 0;
  EXPECT_TRUE(issuers.wait_for_keys(testing::token(key, claims()), [&] { ++done; }));
  clock.advance(Issuers::kPatience);
  issuers.tick();
  EXPECT_EQ(done, 1);
  EXPECT_FALSE(issuers.wait_for_keys("eyJ", [&] { ++done; }));
  EXPECT_FALSE(issuers.wait_for_keys(testing::token(key, claims({{"iss", "https://evil.example"}})), [&] { ++done; }));
  for (std::size_t i = 0; i < Issuers::kMaxWaiting; ++i) {
    EXPECT_TRUE(issuers.wait_for_keys(testing::token(key, claims()), [&] { ++done; }));
  }
  EXPECT_FALSE(issuers.wait_for_keys(testing::token(key, claims()), [&] { ++done; })) << "a limit on those who wait";
  issuers.stop();
  EXPECT_EQ(done, 1 + static_cast<int>(Issuers::kMaxWaiting)) << "nobody is left behind";
}

TEST_F(IssuersTest, KeepsKeysOverAReloadAndDropsThoseOfAnIssuerThatIsGone) {
  start();
  const std::string token = testing::token(key, claims());
  EXPECT_EQ(fault(token), std::nullopt);
  identity.accounts[0].account = "other/{sub}";
  start();
  EXPECT_EQ(net.asked.size(), 1u);
  EXPECT_EQ(issuers.verify(token)->account, "other/ada") << "a verified token does not outlive the rules";
  identity.issuers.clear();
  start();
  EXPECT_EQ(fault(token), TokenFault::kUnknownIssuer);
  EXPECT_FALSE(issuers.accepts_tokens());
}

TEST_F(IssuersTest, KeepsWhatWasShownOnlyWhereItIsExchanged) {
  start(true);
  const std::string token = testing::token(key, claims());
  for (int i = 0; i < 2; ++i) {
    const auto who = issuers.verify(token);
    ASSERT_TRUE(who && who->token);
    EXPECT_EQ(who->token->reveal(), token);
    EXPECT_EQ(unix_us(who->token->expires()), (kNow + 300) * 1'000'000);
  }
}

TEST_F(IssuersTest, NeverRepeatsATokenInWhatItSays) {
  start();
  const std::string good = testing::token(key, claims({{"sub", "somebody-secret"}}));
  for (std::size_t cut = 1; cut < good.size(); cut += 7) {
    const auto who = issuers.verify(good.substr(0, cut));
    ASSERT_FALSE(who);
    EXPECT_EQ(who.error().why.find(good.substr(0, std::max<std::size_t>(cut, 8))), std::string::npos);
    EXPECT_EQ(who.error().why.find("somebody-secret"), std::string::npos);
  }
}

TEST_F(IssuersTest, VerifiesOnManyThreadsWhileKeysChange) {
  start();
  const std::string token = testing::token(key, claims());
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const auto who = issuers.verify(token);
        EXPECT_TRUE(who);
      }
    });
  }
  for (int i = 0; i < 20; ++i) issuers.configure(identity, i % 2 == 0);
}

TEST(Subject, CannotBeTakenForAnotherOnes) {
  EXPECT_EQ(subject_of("https://id.example/realms/a", "ada"), "id.example/realms/a#ada");
  EXPECT_NE(subject_of("https://id.example", "x#ada"), subject_of("https://id.example/x", "ada"));
  EXPECT_NE(subject_of("https://key:ada", ""), "key:ada");
  EXPECT_NE(subject_of("http://id.example", "ada"), subject_of("https://id.example", "ada"));
}

TEST(SubjectToken, LeavesNothingBehindWhenItIsWiped) {
  std::string text(100, 'x');
  const char* const where = text.data();
  wipe(text);
  EXPECT_TRUE(text.empty());
  // The memory is still the string's own: its capacity.
  ASSERT_GE(text.capacity(), 100u);
  EXPECT_EQ(std::string_view(where, 100).find('x'), std::string_view::npos);
}

}  // namespace
}  // namespace bursar::broker
