#include "bursar/broker/api/api.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <set>

#include "bursar/broker/api/account_json.h"
#include "bursar/broker/config/values.h"
#include "bursar/core/json.h"
#include "bursar/ledger/sqlite_store.h"

namespace bursar::broker {
namespace {

using namespace std::chrono_literals;

// Accounts acme (10 calls), acme/ada, other; ada is nobody special.
class ApiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        std::filesystem::temp_directory_path() / ("bursar-api-" + std::to_string(::getpid()) + "-" +
                                                  ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(directory_);
    config_->database = (directory_ / "b.db").string();
    config_->accounts = {{.path = "acme"}};
    keys_ = std::move(*KeyStore::open(config_->database, clock_));
    ledger_ = std::move(*ledger::Ledger::open(std::move(*ledger::open_sqlite_store({.path = ":memory:"})), clock_));
    ASSERT_TRUE(ledger_->put_account({.path = "acme", .limits = {{.resource = kCalls, .amount = 10}}}));
    ASSERT_TRUE(ledger_->put_account({.path = "acme/ada"}));
    ASSERT_TRUE(ledger_->put_account({.path = "other"}));
    api_ = std::make_unique<Api>(Api::Dependencies{.ledger = ledger_.get(),
                                                   .keys = keys_.get(),
                                                   .clock = &clock_,
                                                   .config = [this] { return config_; },
                                                   .status = [] { return GatewayStatus{.version = "test"}; }});
  }
  void TearDown() override {
    api_.reset();
    std::filesystem::remove_all(directory_);
  }

  HttpResponse ask(const Principal& who, std::string method, std::string target, std::string body = "") {
    HttpRequest request{.method = std::move(method), .target = std::move(target), .body = std::move(body)};
    request.path = request.target.substr(0, request.target.find('?'));
    return api_->answer(request, who);
  }
  // One text member of an answer.
  static std::string text(const HttpResponse& response, std::string_view member) {
    const auto document = parse_json(response.body);
    if (!document) return "no JSON: " + response.body;
    const auto value = JsonView(*document).string_at(member);
    return value ? std::string(*value) : value.error().message;
  }

  const Principal boss_{.subject = "key:boss", .account = "acme", .admin = true};
  const Principal ada_{.subject = "key:ada", .account = "acme/ada"};
  const Principal bob_{.subject = "key:bob", .account = "other"};
  std::filesystem::path directory_;
  SimulatedClock clock_{wall_from_unix_us(1'764'000'000'000'000)};
  std::shared_ptr<Config> config_ = std::make_shared<Config>();
  std::unique_ptr<KeyStore> keys_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<Api> api_;
};

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

TEST_F(ApiTest, MakesAndChangesAccounts) {
  const HttpResponse made = ask(boss_, "PUT", "/v1/accounts/acme%2Fbob", R"({"limits":["5 usd day","3 calls"]})");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_TRUE(contains(made.body, R"("limit":"5.00 usd","window":"day")")) << made.body;
  EXPECT_EQ(ask(boss_, "PUT", "/v1/accounts/acme/bob", R"({"limits":["6 usd day"]})").status, 200);
  EXPECT_EQ(ledger_->account("acme/bob")->limits.size(), 1U);
  EXPECT_EQ(ask(boss_, "PATCH", "/v1/accounts/acme/bob", R"({"frozen":true})").status, 200);
  EXPECT_TRUE(ledger_->account("acme/bob")->frozen);
  EXPECT_EQ(ledger_->account("acme/bob")->limits.size(), 1U);  // what was not named stays
  EXPECT_EQ(ask(boss_, "PUT", "/v1/accounts/nobody/bob", "{}").status, 404);
  EXPECT_EQ(ask(boss_, "PATCH", "/v1/accounts/nobody", "{}").status, 404);
}

TEST_F(ApiTest, RefusesWhatIsNoAccount) {
  const auto message = [&](std::string body) {
    const HttpResponse response = ask(boss_, "PUT", "/v1/accounts/acme/x", std::move(body));
    EXPECT_EQ(response.status, 400) << response.body;
    return response.body;
  };
  EXPECT_TRUE(contains(message(R"({"limits":["5 usd", "many calls"]})"), "$.limits[1]"));
  EXPECT_TRUE(contains(message(R"({"limit":["5 usd"]})"), "limit"));
  EXPECT_TRUE(contains(message(R"({"frozen":"yes"})"), "$.frozen"));
  EXPECT_TRUE(contains(message("[]"), "object"));
  EXPECT_TRUE(contains(message("{"), ""));
  EXPECT_EQ(ask(boss_, "PUT", "/v1/accounts/acme/b%20b", "{}").status, 400);
  EXPECT_FALSE(ledger_->account("acme/x"));
}

TEST_F(ApiTest, LeavesLimitsThatTheFileDecidesToTheFile) {
  EXPECT_EQ(ask(boss_, "PUT", "/v1/accounts/acme", R"({"limits":["1 usd"]})").status, 409);
  EXPECT_EQ(ask(boss_, "PATCH", "/v1/accounts/acme", R"({"limits":[]})").status, 409);
  EXPECT_EQ(ask(boss_, "PATCH", "/v1/accounts/acme", R"({"frozen":true})").status, 200);
  EXPECT_EQ(ledger_->account("acme")->limits.size(), 1U);
}

TEST_F(ApiTest, ShowsCallersTheirOwnAccountsOnly) {
  EXPECT_EQ(ask(ada_, "GET", "/v1/accounts/acme/ada").status, 200);
  EXPECT_EQ(ask(ada_, "GET", "/v1/accounts/acme").status, 403);
  EXPECT_EQ(ask(ada_, "GET", "/v1/accounts?under=other").status, 403);
  EXPECT_EQ(ask(ada_, "GET", "/v1/receipts?under=acme").status, 403);
  const std::string mine = ask(ada_, "GET", "/v1/accounts").body;
  EXPECT_TRUE(contains(mine, R"("acme/ada")"));
  EXPECT_FALSE(contains(mine, R"("other")"));
  EXPECT_EQ(ask({.subject = "k", .account = "acme/a"}, "GET", "/v1/accounts/acme/ada").status, 403);
  for (const char* path : {"/v1/keys", "/v1/audit", "/v1/status", "/v1/audit:verify"}) {
    EXPECT_EQ(ask(ada_, "GET", path).status, 403) << path;
  }
  EXPECT_EQ(ask(ada_, "PATCH", "/v1/accounts/acme/ada", R"({"frozen":false})").status, 403);
}

TEST_F(ApiTest, MakesShowsAndRevokesKeys) {
  const HttpResponse made = ask(boss_, "POST", "/v1/keys", R"({"name":"laptop","account":"acme/ada","scopes":["s"]})");
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string secret = text(made, "secret");
  EXPECT_EQ(keys_->verify(secret)->account, "acme/ada");
  EXPECT_EQ(text(ask(boss_, "GET", "/v1/keys/laptop"), "account"), "acme/ada");
  EXPECT_FALSE(contains(ask(boss_, "GET", "/v1/keys").body, secret));
  EXPECT_EQ(ask(boss_, "POST", "/v1/keys", R"({"name":"laptop","account":"acme/ada"})").status, 409);
  EXPECT_EQ(ask(boss_, "POST", "/v1/keys", R"({"name":"x","account":"acme/none"})").status, 400);
  EXPECT_EQ(ask(boss_, "POST", "/v1/keys", R"({"name":"x","account":"acme","expires":"2020-01-01"})").status, 400);
  EXPECT_EQ(ask(boss_, "DELETE", "/v1/keys/laptop").status, 200);
  EXPECT_FALSE(keys_->verify(secret));
  EXPECT_EQ(ask(boss_, "DELETE", "/v1/keys/none").status, 404);
}

TEST_F(ApiTest, ReservesSettlesAndKeepsReceipts) {
  const HttpResponse held =
      ask(ada_, "POST", "/v1/reservations", R"({"amounts":"4 calls","ttl":"60 s","idempotency_key":"one"})");
  ASSERT_EQ(held.status, 201) << held.body;
  const std::string id = text(held, "id");
  EXPECT_EQ(text(held, "account"), "acme/ada");
  EXPECT_EQ(text(ask(ada_, "POST", "/v1/reservations", R"({"amounts":"4 calls","idempotency_key":"one"})"), "id"), id);
  EXPECT_EQ(ledger_->standing("acme")[0].held, 4);
  const HttpResponse refused = ask(ada_, "POST", "/v1/reservations", R"({"amounts":"7 calls"})");
  EXPECT_EQ(refused.status, 402);
  EXPECT_TRUE(contains(refused.body, "6 calls left of 10 calls")) << refused.body;
  const std::string settle = "/v1/reservations/" + id + ":settle";
  EXPECT_EQ(ask(bob_, "POST", settle, R"({"actual":"1 calls"})").status, 404);  // not bob's: it does not exist for him
  EXPECT_EQ(text(ask(ada_, "POST", settle, R"({"actual":"3 calls","memo":"m"})"), "state"), "settled");
  const std::string again = ask(ada_, "POST", settle, R"({"actual":"1 calls"})").body;
  EXPECT_TRUE(contains(again, R"("actual":"3 calls")")) << again;
  EXPECT_EQ(ask(ada_, "POST", "/v1/reservations/" + id + ":release").status, 409);
  EXPECT_EQ(ledger_->standing("acme")[0].spent, 3);
  EXPECT_EQ(ledger_->standing("acme")[0].held, 0);
  ASSERT_TRUE(ledger_->flush());
  EXPECT_TRUE(contains(ask(ada_, "GET", "/v1/receipts").body, R"("memo":"m")"));
}

TEST_F(ApiTest, ReleasesExtendsExpiresAndForgets) {
  const auto reserve = [&] {
    return text(ask(ada_, "POST", "/v1/reservations", R"({"amounts":"2 calls","ttl":"10 s"})"), "id");
  };
  const std::string first = "/v1/reservations/" + reserve(), second = "/v1/reservations/" + reserve();
  EXPECT_EQ(text(ask(ada_, "POST", first + ":release"), "state"), "released");
  EXPECT_EQ(ask(ada_, "POST", first + ":settle", R"({"actual":"1 calls"})").status, 409);
  EXPECT_EQ(ask(ada_, "POST", second + ":extend", R"({"ttl":"30 s"})").status, 200);
  clock_.advance(20s);
  ledger_->expire();
  EXPECT_EQ(text(ask(ada_, "GET", second), "state"), "held");
  clock_.advance(11s);
  ledger_->expire();
  EXPECT_EQ(text(ask(ada_, "GET", second), "state"), "expired");
  EXPECT_EQ(ledger_->standing("acme")[0].held, 0);
  EXPECT_EQ(ask(ada_, "POST", second + ":extend", R"({"ttl":"30 s"})").status, 409);
  // The truth is recorded even now, above the limit if need be.
  EXPECT_EQ(text(ask(ada_, "POST", second + ":settle", R"({"actual":"1 calls"})"), "state"), "settled");
  EXPECT_EQ(ledger_->standing("acme")[0].spent, 1);
  clock_.advance(11min);
  api_->sweep();
  EXPECT_EQ(ask(ada_, "GET", second).status, 404);
  EXPECT_TRUE(contains(ask(boss_, "GET", "/v1/reservations").body, R"("reservations":[])"));
}

TEST_F(ApiTest, DoesNotMixUpTheKeysOfTwoPrincipals) {
  const Principal eve{.subject = "key:eve", .account = "acme/ada"};
  const std::string body = R"({"amounts":"1 calls","idempotency_key":"k"})";
  EXPECT_NE(text(ask(ada_, "POST", "/v1/reservations", body), "id"),
            text(ask(eve, "POST", "/v1/reservations", body), "id"));
}

TEST_F(ApiTest, SaysWhichMethodsAndDoorsThereAre) {
  EXPECT_EQ(ask(boss_, "DELETE", "/v1/accounts").status, 405);
  EXPECT_EQ(ask(boss_, "GET", "/v1/accounts/acme:forgive").status, 405);
  EXPECT_EQ(ask(boss_, "GET", "/v1/accounts/acme:nothing").status, 404);
  EXPECT_EQ(ask(boss_, "GET", "/v1/receipts?limit=0").status, 400);
  EXPECT_EQ(ask(boss_, "GET", "/v1/receipts?from=yesterday").status, 400);
  EXPECT_TRUE(Api::is_mine("/v1/accounts/acme"));
  EXPECT_TRUE(Api::is_mine("/v1/audit:verify"));
  EXPECT_FALSE(Api::is_mine("/v1/accountsx"));
  EXPECT_FALSE(Api::is_mine("/v1/chat/completions"));
}

// Every operation of the document is answered, and every refusal of a wrong method names only documented ones.
TEST_F(ApiTest, IsWhatTheDocumentDescribes) {
  const auto document = parse_json(openapi_document());
  ASSERT_TRUE(document) << document.error().message;
  const auto& paths = document->as_object().at("paths").as_object();
  std::size_t operations = 0;
  for (const auto& [pattern, methods] : paths) {
    std::string path(pattern);
    if (const auto open = path.find('{'); open != std::string::npos)
      path.replace(open, path.find('}') - open + 1, "none");
    if (!Api::is_mine(path)) continue;  // doors beside this one, described for the sake of completeness
    std::set<std::string> documented;
    for (const auto& [method, operation] : methods.as_object()) {
      std::string name(method);
      std::ranges::transform(name, name.begin(), [](char c) { return static_cast<char>(std::toupper(c)); });
      documented.insert(name);
      EXPECT_NE(ask(boss_, name, path, "{}").status, 405) << name << ' ' << path;
      ++operations;
    }
    const HttpResponse wrong = ask(boss_, "TRACE", path);
    ASSERT_EQ(wrong.status, 405) << path;
    std::set<std::string> allowed;
    for (std::string_view rest = wrong.headers.front().second; !rest.empty();) {
      allowed.emplace(rest.substr(0, rest.find(", ")));
      rest.remove_prefix(
          std::min(rest.size(), rest.find(", ") == std::string_view::npos ? rest.size() : rest.find(", ") + 2));
    }
    EXPECT_EQ(allowed, documented) << path;
  }
  EXPECT_EQ(operations, 19U);
}

RC_GTEST_PROP(AccountJson, ReadsBackWhatItWrote, ()) {
  const auto units = [] { return *rc::gen::inRange<std::int64_t>(0, 1'000'000'000'000); };
  ledger::AccountSpec account{.path = "acme/ada", .frozen = *rc::gen::arbitrary<bool>()};
  std::vector<ledger::Standing> standings;
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
    const Resource resource = *rc::gen::element(kUsd, kTokens, kCalls, kMs);
    ledger::Standing s{.account = account.path,
                       .limit = {.resource = resource, .amount = units(), .window = *ledger::parse_window("day")},
                       .spent = units(),
                       .held = units(),
                       .overrun = units(),
                       .left = units(),
                       .stranded = units(),
                       .frozen = account.frozen};
    if (*rc::gen::arbitrary<bool>()) s.refills_at = wall_from_unix_us(units() * 1000 / 1'000'000 * 1'000'000);
    standings.push_back(s);
  }
  const auto read = parse_accounts("{\"accounts\":[" + account_json(account, standings) + "]}");
  RC_ASSERT(read);
  RC_ASSERT(read->size() == standings.size());
  for (std::size_t i = 0; i < standings.size(); ++i) {
    RC_ASSERT((*read)[i].account == standings[i].account);
    RC_ASSERT((*read)[i].limit == standings[i].limit);
    RC_ASSERT((*read)[i].spent == standings[i].spent && (*read)[i].held == standings[i].held);
    RC_ASSERT((*read)[i].left == standings[i].left && (*read)[i].overrun == standings[i].overrun);
    RC_ASSERT((*read)[i].stranded == standings[i].stranded && (*read)[i].frozen == standings[i].frozen);
    RC_ASSERT((*read)[i].refills_at == standings[i].refills_at);
  }
}

}  // namespace
}  // namespace bursar::broker
