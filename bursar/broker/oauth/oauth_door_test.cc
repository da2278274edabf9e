#include "bursar/broker/oauth/oauth_door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/broker/oauth/oauth_testing.h"
#include "bursar/core/json.h"

namespace bursar::broker::oauth {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;

// Everything is answered at once here.
struct Answered final : Exchange {
  Reactor& reactor() override { std::abort(); }
  void always(HttpHeaders) override {}
  void answer(HttpResponse r) override { response = std::move(r); }
  void stream(HttpResponse, std::string) override {}
  void write(std::string) override {}
  void finish() override {}
  void on_closed(std::function<void()>) override {}
  HttpResponse response;
};

class OAuthDoorTest : public ::testing::Test {
 protected:
  OAuthDoorTest() {
    config->upstreams = {{.name = "files", .url = "https://files.example/mcp"}};
    config->upstreams[0].oauth.client_metadata_url = "https://gateway.example/oauth/client-metadata.json";
    (void)accounts.credential(config->upstreams[0]);
    accounts.adopt(config->upstreams);
  }
  HttpResponse ask(const std::string& method, const std::string& target, const std::string& body = "") {
    const auto exchange = std::make_shared<Answered>();
    HttpRequest request{.method = method, .target = target, .path = target.substr(0, target.find('?'))};
    request.headers = {{"Host", "gateway.example"}};
    request.body = body;
    door.handle(request, exchange);
    return exchange->response;
  }
  World world;
  SimulatedClock clock{wall_from_unix_us(1'800'000'000'000'000)};
  std::shared_ptr<Config> config = std::make_shared<Config>();
  Accounts accounts{
      {.clock = &clock,
       .fetch = [this](const FetchRequest& r, const FetchDone& done) { done(world.answer(r)); },
       .redirect_uri = [](const Party& p) { return redirect_uri_of(p, "https://gateway.example/mcp", ""); },
       .signed_in = [](const std::string&) {}}};
  Authentication caller = Principal{.subject = "key:boss", .account = "acme", .admin = true};
  OAuthDoor door{{.authenticate = [this](const HttpRequest&) { return caller; },
                  .accounts = &accounts,
                  .config = [this] { return std::shared_ptr<const Config>(config); }}};
};

TEST_F(OAuthDoorTest, SignsInAndOutAndSaysHowItStands) {
  EXPECT_THAT(ask("GET", "/v1/upstreams").body, HasSubstr(R"("sign_in":"none")"));
  const auto begun = parse_json(ask("POST", "/v1/upstreams/files:login").body);
  ASSERT_TRUE(begun);
  const std::string url(begun->at("authorization_url").as_string());
  EXPECT_THAT(ask("GET", "/v1/upstreams/files").body, HasSubstr("under_way"));
  EXPECT_THAT(ask("POST", "/v1/upstreams/files:callback", R"({"url":"http://x/?state=guess"})").status, 404);
  const HttpResponse page = ask("GET", agreed(url));
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, Not(HasSubstr("c0de")));
  const std::string status = ask("GET", "/v1/upstreams/files").body;
  EXPECT_THAT(status, HasSubstr(R"("sign_in":"signed_in")"));
  EXPECT_THAT(status, Not(HasSubstr("access-1")));
  EXPECT_THAT(ask("POST", "/v1/upstreams/files:logout").body, HasSubstr(R"("sign_in":"none")"));
}

TEST_F(OAuthDoorTest, AnswersNobodyButAdministratorsAndTheBrowser) {
  caller = Principal{.subject = "key:ada", .account = "acme"};
  for (const char* path : {"/v1/upstreams", "/v1/upstreams/files", "/v1/upstreams/files:login"}) {
    EXPECT_EQ(ask("GET", path).status, 403) << path;
  }
  caller = HttpRefusal{.status = 401, .body = "{}"};
  EXPECT_EQ(ask("GET", "/v1/upstreams").status, 401);
  EXPECT_EQ(ask("GET", "/oauth/callback?state=guess").status, 404);
  caller = HttpRefusal{.status = 421, .body = "{}"};
  EXPECT_EQ(ask("GET", "/oauth/callback?state=guess").status, 421) << "a rebound name";
}

TEST_F(OAuthDoorTest, KnowsItsPathsAndMethods) {
  EXPECT_TRUE(OAuthDoor::is_mine("/v1/upstreams/files:login"));
  EXPECT_FALSE(OAuthDoor::is_mine("/v1/upstreamsx"));
  EXPECT_EQ(ask("POST", "/v1/upstreams").status, 405);
  EXPECT_EQ(ask("GET", "/v1/upstreams/files:login").status, 405);
  EXPECT_EQ(ask("POST", "/v1/upstreams/files:elsewhere").status, 404);
  EXPECT_EQ(ask("POST", "/v1/upstreams/nothing:login").status, 404);
  EXPECT_EQ(ask("POST", "/oauth/callback").status, 405);
  EXPECT_EQ(ask("POST", "/v1/upstreams/files:callback", R"({"uri":"x"})").status, 400);
}

TEST_F(OAuthDoorTest, ServesOurClientDocumentUnderItsOwnName) {
  const HttpResponse document = ask("GET", "/oauth/client-metadata.json");
  EXPECT_THAT(document.body, HasSubstr(R"("client_id":"https://gateway.example/oauth/client-metadata.json")"));
  EXPECT_THAT(document.body, HasSubstr(R"("redirect_uris":["https://gateway.example/oauth/callback"])"));
  EXPECT_THAT(document.body, HasSubstr("refresh_token"));
  config->upstreams[0].oauth.client_metadata_url = "https://other.example/oauth/client-metadata.json";
  EXPECT_EQ(ask("GET", "/oauth/client-metadata.json").status, 404);
}

TEST_F(OAuthDoorTest, ShowsWhatServersSayAsText) {
  const auto begun = parse_json(ask("POST", "/v1/upstreams/files:login").body);
  const std::string url(begun->at("authorization_url").as_string());
  const HttpResponse page = ask("GET", agreed(url, "https://evil.example/<script>"));
  EXPECT_EQ(page.status, 400);
  EXPECT_THAT(page.body, Not(HasSubstr("<script>")));
}

}  // namespace
}  // namespace bursar::broker::oauth
