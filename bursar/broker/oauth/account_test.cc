#include "bursar/broker/oauth/account.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

#include "bursar/broker/oauth/accounts.h"
#include "bursar/broker/oauth/oauth_testing.h"

namespace bursar::broker::oauth {
namespace {

using namespace testing;
using std::chrono::minutes, std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kToken = "https://id.example/token";

class AccountTest : public ::testing::Test {
 protected:
  std::shared_ptr<AccountServices> services() {
    return std::make_shared<AccountServices>(AccountServices{
        .clock = clock,
        .fetch =
            [this](FetchRequest request, FetchDone done) {
              if (holds) return held.push_back([this, request, done] { done(world.answer(request)); });
              done(down ? Result<FetchReply>(fail(ErrorCode::kUnavailable, "down", true)) : world.answer(request));
            },
        .random = [this](std::size_t n) { return std::string(n, ++random); },
        .redirect_uri = [](const Party&) { return std::string("http://127.0.0.1:8484/oauth/callback"); },
        .keep = [this](const Party&, const std::optional<SignedIn>& s) { kept = s; },
        .signed_in = [this](const std::string& name) { announced.push_back(name); }});
  }
  // Refused with the header of now, or with another; what came of it: "again", or the error, or "waiting".
  std::shared_ptr<std::string> refused(int status, const std::string& challenge) {
    const auto header = account->header();
    return refused_with(header ? *header : "", status, challenge);
  }
  std::shared_ptr<std::string> refused_with(const std::string& used, int status, const std::string& challenge) {
    auto out = std::make_shared<std::string>("waiting");
    account->refused({.status = status, .challenge = challenge, .used = used}, [out](const Result<void>& again) {
      EXPECT_EQ(*out, "waiting") << "answered once";
      *out = again ? "again" : again.error().message;
    });
    return out;
  }
  std::string log_in() {
    std::string url = "nothing";
    account->log_in([&](const Result<LogIn>& begun) { url = begun ? begun->url : "error: " + begun.error().message; });
    return url;
  }
  std::string come_back(const std::string& target) {
    std::string out = "nothing";
    account->come_back(target, [&](const Result<void>& over) { out = over ? "signed in" : over.error().message; });
    return out;
  }
  void sign_in() { ASSERT_EQ(come_back(agreed(log_in())), "signed in"); }
  void release() {
    holds = false;
    for (const auto& answer : std::exchange(held, {})) answer();
  }
  SignInState state() const { return account->status().state; }

  SimulatedClock clock{wall_from_unix_us(1'800'000'000'000'000)};
  World world;
  char random = 'a';
  bool holds = false, down = false;
  std::vector<std::function<void()>> held;
  std::optional<SignedIn> kept;
  std::vector<std::string> announced;
  Party party = party_of_files();
  std::shared_ptr<UpstreamAccount> account = UpstreamAccount::make(party, services());
};

TEST_F(AccountTest, AsksForAnAdministratorAndThenCallsWithHisToken) {
  EXPECT_EQ(state(), SignInState::kNone);
  EXPECT_EQ(account->header(), nullptr);
  EXPECT_THAT(*refused(401, world.challenge), HasSubstr("`bursar upstream login files`"));
  EXPECT_EQ(state(), SignInState::kNeeded);
  const std::string url = log_in();
  EXPECT_EQ(world.times(party.url), 0U) << "the challenge is known already";
  EXPECT_EQ(state(), SignInState::kUnderWay);
  EXPECT_EQ(come_back(agreed(url)), "signed in");
  EXPECT_EQ(state(), SignInState::kSignedIn);
  EXPECT_EQ(*account->header(), "Bearer access-1");
  EXPECT_EQ(announced, std::vector<std::string>{"files"});
  EXPECT_EQ(kept->grant.refresh_token, "refresh-1");
  EXPECT_THAT(come_back(agreed(url)), HasSubstr("not known")) << "good once";
}

TEST_F(AccountTest, IsNotConcernedByRefusalsThatAreNoOAuth) {
  EXPECT_EQ(*refused(401, "Basic realm=\"x\""), "");
  EXPECT_EQ(*refused(403, ""), "");
  EXPECT_EQ(state(), SignInState::kNone);
}

TEST_F(AccountTest, RenewsARefusedTokenOnceForAllWhoWait) {
  sign_in();
  clock.advance(minutes{1});
  holds = true;
  std::vector<std::shared_ptr<std::string>> answers;
  for (int i = 0; i < 10; ++i) answers.push_back(refused(401, world.challenge));
  EXPECT_EQ(held.size(), 1U);
  release();
  for (const auto& answer : answers) EXPECT_EQ(*answer, "again");
  EXPECT_EQ(field(world.asked.back(), "grant_type"), "refresh_token");
  EXPECT_EQ(field(world.asked.back(), "refresh_token"), "refresh-1");
  EXPECT_EQ(field(world.asked.back(), "resource"), "https://files.example/mcp");
  EXPECT_EQ(*account->header(), "Bearer access-2");
  EXPECT_EQ(kept->grant.refresh_token, "refresh-2") << "each is good once, so it is kept";
  EXPECT_EQ(*refused_with("Bearer access-1", 401, world.challenge), "again") << "who was late uses the new one";
}

TEST_F(AccountTest, DoesNotRenewAgainAndAgainWhatIsRefusedAtOnce) {
  sign_in();
  clock.advance(minutes{1});
  EXPECT_EQ(*refused(401, world.challenge), "again");
  EXPECT_THAT(*refused(401, world.challenge), HasSubstr("bursar upstream login"));
  EXPECT_EQ(state(), SignInState::kNeeded);
  EXPECT_EQ(account->header(), nullptr) << "what was refused is not shown again";
}

TEST_F(AccountTest, RenewsWhatEndedHoweverShortItsLife) {
  world.lifetime = 5;
  sign_in();
  clock.advance(seconds{6});
  EXPECT_EQ(*refused(401, world.challenge), "again");
  EXPECT_EQ(state(), SignInState::kSignedIn);
}

TEST_F(AccountTest, RenewsBeforeTheTokenEnds) {
  sign_in();
  clock.advance(seconds{239});
  account->tick();
  EXPECT_EQ(world.tokens, 1);
  clock.advance(seconds{1});
  account->tick();
  EXPECT_EQ(*account->header(), "Bearer access-2");
  account->tick();
  EXPECT_EQ(world.tokens, 2);
}

TEST_F(AccountTest, GoesOnWithItsTokenWhileTheServerIsDown) {
  sign_in();
  clock.advance(seconds{240});
  down = true;
  account->tick();
  EXPECT_EQ(*account->header(), "Bearer access-1");
  EXPECT_EQ(state(), SignInState::kSignedIn);
  EXPECT_THAT(account->status().why, HasSubstr("could not be renewed"));
  down = false;
  account->tick();
  EXPECT_EQ(world.tokens, 1) << "not at once";
  clock.advance(seconds{15});
  account->tick();
  EXPECT_EQ(world.tokens, 2);
}

TEST_F(AccountTest, NeedsASignInWhereTheRefreshTokenIsRefused) {
  sign_in();
  clock.advance(seconds{240});
  world.token = [](World&, const FetchRequest&) {
    return FetchReply{.status = 400, .body = R"({"error":"invalid_grant"})"};
  };
  account->tick();
  EXPECT_EQ(state(), SignInState::kNeeded);
  EXPECT_THAT(account->status().why, HasSubstr("invalid_grant"));
  EXPECT_EQ(kept->grant.refresh_token, "");
}

TEST_F(AccountTest, NeedsAWiderSignInForFurtherScopesAndKeepsTheOldOnes) {
  sign_in();
  const std::string wider = R"(Bearer error="insufficient_scope", scope="write")";
  EXPECT_THAT(*refused(403, wider), HasSubstr("further scopes: write"));
  EXPECT_EQ(state(), SignInState::kNeeded);
  EXPECT_EQ(*account->header(), "Bearer access-1") << "good for other calls";
  const std::string url = log_in();
  EXPECT_EQ(parameter(url, "scope"), "read write");
  EXPECT_EQ(come_back(agreed(url)), "signed in");
  EXPECT_THAT(*refused(403, wider), HasSubstr("would not help"));
  EXPECT_EQ(state(), SignInState::kSignedIn) << "asking for what was asked for would go on for ever";
}

TEST_F(AccountTest, ForgetsASignInThatNobodyFinishes) {
  const std::string url = log_in();
  clock.advance(minutes{10});
  account->tick();
  EXPECT_EQ(state(), SignInState::kNone);
  EXPECT_THAT(come_back(agreed(url)), HasSubstr("not known"));
}

TEST_F(AccountTest, KnowsOnlyItsLastSignIn) {
  const std::string first = log_in(), second = log_in();
  EXPECT_THAT(come_back(agreed(first)), HasSubstr("not known"));
  EXPECT_EQ(come_back(agreed(second)), "signed in");
}

TEST_F(AccountTest, AnswersWhoeverBeganBeforeWhenAnotherBegins) {
  holds = true;
  std::string first = "waiting";
  account->log_in([&](const Result<LogIn>& begun) { first = begun ? begun->url : begun.error().message; });
  account->log_in([](const Result<LogIn>&) {});
  EXPECT_EQ(first, "another sign-in began");
  release();
}

TEST_F(AccountTest, SaysWhyASignInFailed) {
  EXPECT_THAT(come_back(agreed(log_in(), "https://evil.example")), HasSubstr("another issuer"));
  EXPECT_THAT(account->status().why, HasSubstr("another issuer"));
  EXPECT_EQ(account->header(), nullptr);
}

TEST_F(AccountTest, GoesOnWithWhatWasKept) {
  sign_in();
  account = UpstreamAccount::make(party, services(), kept);
  EXPECT_EQ(state(), SignInState::kSignedIn);
  EXPECT_EQ(*account->header(), "Bearer access-1");
  clock.advance(seconds{240});
  account->tick();
  EXPECT_EQ(*account->header(), "Bearer access-2");
}

TEST_F(AccountTest, ForgetsEverythingWhenSignedOut) {
  sign_in();
  account->log_out();
  EXPECT_EQ(account->header(), nullptr);
  EXPECT_EQ(state(), SignInState::kNone);
  EXPECT_FALSE(kept);
}

class OwnAccountTest : public AccountTest {
 protected:
  OwnAccountTest() {
    party.oauth = {.issuer = "https://id.example",
                   .client_id = "bursar",
                   .client_secret = "s",
                   .grant = OAuthGrant::kClientCredentials};
    world.refreshes = false;
    account = UpstreamAccount::make(party, services());
  }
};

TEST_F(OwnAccountTest, FetchesItsTokenWhenTheServerAsksAndAgainBeforeItEnds) {
  EXPECT_EQ(*refused(401, world.challenge), "again");
  EXPECT_EQ(*account->header(), "Bearer access-1");
  clock.advance(seconds{240});
  account->tick();
  EXPECT_EQ(*account->header(), "Bearer access-2");
}

TEST_F(OwnAccountTest, TriesThriceAMinuteWhereNoTokenHelps) {
  int again = 0;
  for (int i = 0; i < 10; ++i) again += *refused(401, world.challenge) == "again" ? 1 : 0;
  EXPECT_EQ(again, 3);
  EXPECT_EQ(world.times(kToken), 3U);
  clock.advance(minutes{1});
  EXPECT_EQ(*refused(401, world.challenge), "again");
}

TEST_F(OwnAccountTest, WidensItsScopesByItself) {
  (void)refused(401, world.challenge);
  const std::string wider = R"(Bearer error="insufficient_scope", scope="write")";
  EXPECT_EQ(*refused(403, wider), "again");
  EXPECT_EQ(field(world.asked.back(), "scope"), "read write");
  EXPECT_THAT(*refused(403, wider), HasSubstr("would not help"));
}

TEST_F(OwnAccountTest, SaysWhichKeyFileCannotBeRead) {
  party.oauth.client_secret.clear();
  party.oauth.private_key = "/nowhere/key.pem";
  account = UpstreamAccount::make(party, services());
  EXPECT_THAT(*refused(401, world.challenge), HasSubstr("/nowhere/key.pem cannot be read"));
  EXPECT_THAT(log_in(), HasSubstr("/nowhere/key.pem"));
}

// --- All of them
// ------------------------------------------------------------------------------------------------------

TEST(Accounts, KeepWhatAnUpstreamHadUntilItsPartOfTheConfigurationChanges) {
  const std::string folder =
      (std::filesystem::temp_directory_path() / ("bursar-accounts-" + std::to_string(::getpid()))).string();
  const SimulatedClock clock{wall_from_unix_us(1'800'000'000'000'000)};
  World world;
  const Accounts::Dependencies dependencies{
      .clock = &clock,
      .fetch = [&](const FetchRequest& request, const FetchDone& done) { done(world.answer(request)); },
      .redirect_uri = [](const Party& p) { return redirect_uri_of(p, "", "http://0.0.0.0:8484"); },
      .signed_in = [](const std::string&) {}};
  UpstreamConfig files{.name = "files", .url = "https://files.example/mcp"};
  {
    Accounts accounts(dependencies);
    accounts.open(Vault(Handles("0123456789abcdef"), folder));
    const auto credential = accounts.credential(files);
    EXPECT_EQ(accounts.find("files"), nullptr) << "not taken over yet";
    accounts.adopt({files});
    EXPECT_EQ(accounts.credential(files), credential);
    std::string url;
    accounts.find("files")->log_in([&](const Result<LogIn>& begun) { url = begun->url; });
    EXPECT_EQ(parameter(url, "redirect_uri"), "http://127.0.0.1:8484/oauth/callback");
    std::string over;
    accounts.come_back("/oauth/callback?state=guess", [&](const Result<std::string>& r) { over = r ? *r : "none"; });
    EXPECT_EQ(over, "none");
    accounts.come_back(agreed(url), [&](const Result<std::string>& r) { over = r ? *r : r.error().message; });
    EXPECT_EQ(over, "files");
    UpstreamConfig moved = files;
    moved.oauth.scopes = {"other"};
    EXPECT_NE(accounts.credential(moved), credential);
  }
  Accounts later(dependencies);
  later.open(Vault(Handles("0123456789abcdef"), folder));
  EXPECT_EQ(*later.credential(files)->header(), "Bearer access-1") << "written at the end, if not before";
  files.url = "https://evil.example/mcp";
  EXPECT_EQ(later.credential(files)->header(), nullptr);
  files.headers = {{"Authorization", "Bearer own"}};
  EXPECT_EQ(later.credential(files), nullptr);
  std::filesystem::remove_all(folder);
}

TEST(Accounts, FindTheAddressForTheBrowser) {
  const Party party = party_of_files();
  EXPECT_EQ(redirect_uri_of(party, "https://gateway.example/mcp", "http://127.0.0.1:1"),
            "https://gateway.example/oauth/callback");
  Party own = party;
  own.oauth.redirect_url = "https://x.example/oauth/callback";
  EXPECT_EQ(redirect_uri_of(own, "https://gateway.example/mcp", ""), "https://x.example/oauth/callback");
}

}  // namespace
}  // namespace bursar::broker::oauth
