#include "bursar/broker/serve.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

#include "bursar/broker/http/raw_client.h"
#include "bursar/broker/identity/keys.h"
#include "bursar/broker/telemetry/log.h"

namespace bursar::broker {
namespace {

using namespace std::chrono_literals;
using testing::RawAnswer;
using testing::RawClient;

class GatewayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    set_log_sink([](std::string_view) {});
    directory_ =
        std::filesystem::temp_directory_path() / ("bursar-gateway-" + std::to_string(::getpid()) + "-" +
                                                  ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override {
    gateway_.reset();
    std::filesystem::remove_all(directory_);
    set_log_sink({});
  }
  void write(std::string_view more) {
    std::ofstream out(directory_ / "bursar.yaml");
    out << "listen: {port: 0, reactors: 1}\ndatabase: " << (directory_ / "b.db").string() << "\n" << more;
  }
  Result<void> start() {
    auto gateway = Gateway::start({.config_path = (directory_ / "bursar.yaml").string(), .watch = false});
    if (!gateway) return tl::unexpected(gateway.error());
    gateway_ = std::move(*gateway);
    return {};
  }
  RawAnswer ask(std::string_view method, std::string_view path, std::string_view body = "",
                std::string_view more = "") {
    RawClient client(gateway_->port());
    client.send(std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(more) +
                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
    return client.answer();
  }

  std::filesystem::path directory_;
  std::unique_ptr<Gateway> gateway_;
};

constexpr std::string_view kAccounts =
    "accounts:\n  - path: acme\n    limits:\n      - 10 calls\n  - path: dev\n    limits:\n      - 5 calls\n";

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

TEST_F(GatewayTest, AnswersAtItsDoors) {
  write(kAccounts);
  const auto started = start();
  ASSERT_TRUE(started) << started.error().message;
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
  EXPECT_EQ(ask("GET", "/readyz").status, 200);
  const RawAnswer metrics = ask("GET", "/metrics");
  EXPECT_TRUE(contains(metrics.body, "bursar_connections"));
  const auto status = parse_status(ask("GET", "/v1/status").body);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ("http://" + status->listen, gateway_->url());
  EXPECT_EQ(status->budgets.size(), 2U);
  EXPECT_TRUE(contains(ask("GET", "/v1/accounts?under=acme").body, R"("account":"acme")"));
  EXPECT_FALSE(contains(ask("GET", "/v1/accounts?under=acme").body, R"("account":"dev")"));
  EXPECT_EQ(ask("GET", "/nothing").status, 404);
  EXPECT_EQ(ask("POST", "/healthz").status, 405);
  EXPECT_EQ(ask("GET", "/mcp/none", "", "Accept: text/event-stream\r\n").status, 404);
}

TEST_F(GatewayTest, FreezesAndUnfreezesAnAccount) {
  write(kAccounts);
  ASSERT_TRUE(start());
  EXPECT_EQ(ask("PATCH", "/v1/accounts/acme", R"({"frozen":true})").status, 200);
  EXPECT_TRUE(contains(ask("GET", "/v1/accounts?under=acme").body, R"("frozen":true)"));
  EXPECT_EQ(ask("PATCH", "/v1/accounts/acme", R"({"frozen":false})").status, 200);
  EXPECT_TRUE(contains(ask("GET", "/v1/accounts?under=acme").body, R"("frozen":false)"));
  EXPECT_EQ(ask("PATCH", "/v1/accounts/nobody", R"({"frozen":true})").status, 404);
  EXPECT_EQ(ask("PATCH", "/v1/accounts/acme", "{").status, 400);
  EXPECT_EQ(ask("POST", "/v1/accounts/acme").status, 405);
}

TEST_F(GatewayTest, KeepsAFreezeThroughReloadsAndRestarts) {
  const auto frozen = [this] { return contains(ask("GET", "/v1/accounts?under=acme").body, R"("frozen":true)"); };
  write(kAccounts);
  ASSERT_TRUE(start());
  EXPECT_EQ(ask("PATCH", "/v1/accounts/acme", R"({"frozen":true})").status, 200);
  write(std::string(kAccounts) + "log_level: error\n");
  ASSERT_TRUE(gateway_->reload());
  EXPECT_TRUE(frozen());
  gateway_.reset();
  ASSERT_TRUE(start());
  EXPECT_TRUE(frozen());
  EXPECT_EQ(ask("PATCH", "/v1/accounts/acme", R"({"frozen":false})").status, 200);
  EXPECT_FALSE(frozen());
  write("accounts: [{path: acme, limits: [10 calls], frozen: true}]\n");
  ASSERT_TRUE(gateway_->reload());
  EXPECT_TRUE(frozen());
  write(kAccounts);
  ASSERT_TRUE(gateway_->reload());
  EXPECT_FALSE(frozen());
}

TEST_F(GatewayTest, LetsOnlyAdministratorsAdminister) {
  write(std::string(kAccounts));
  SystemClock clock;
  ASSERT_TRUE(start());
  auto keys = KeyStore::open((directory_ / "b.db").string(), clock);
  ASSERT_TRUE(keys);
  const auto plain = (*keys)->create({.name = "plain", .account = "acme"});
  const auto admin = (*keys)->create({.name = "boss", .account = "acme", .admin = true});
  keys->reset();
  gateway_.reset();
  ASSERT_TRUE(start());
  const auto as = [](const std::string& secret) { return "Authorization: Bearer " + secret + "\r\n"; };
  EXPECT_EQ(ask("GET", "/v1/status", "", as(plain->secret)).status, 403);
  EXPECT_EQ(ask("GET", "/v1/status", "", as(admin->secret)).status, 200);
  EXPECT_EQ(ask("GET", "/v1/status", "", as("sk-bursar-wrong")).status, 401);
  EXPECT_EQ(ask("GET", "/v1/status").status, 200);  // the development principal
  EXPECT_EQ(ask("GET", "/v1/status", "", "Origin: http://evil.example\r\n").status, 403);
  EXPECT_EQ(ask("GET", "/healthz", "", "Origin: http://evil.example\r\n").status, 403);
}

TEST_F(GatewayTest, AnswersBrowsersOfAllowedOrigins) {
  write("");
  ASSERT_TRUE(start());
  const RawAnswer preflight = ask("OPTIONS", "/mcp", "", "Origin: http://localhost:3000\r\n");
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.header("access-control-allow-origin"), "http://localhost:3000");
  EXPECT_EQ(ask("OPTIONS", "/mcp", "", "Origin: https://evil.example\r\n").status, 403);
}

TEST_F(GatewayTest, LetsPagesSendTheHeadersOfTheSdksAndOfATurn) {
  write("");
  ASSERT_TRUE(start());
  const RawAnswer answer = ask("OPTIONS", "/v1/chat/completions", "",
                               "Origin: http://localhost:3000\r\nAccess-Control-Request-Headers: authorization, "
                               "x-stainless-os,x-stainless-retry-count, mcp-param-region, cookie, x-other, "
                               "x-stainless-a b\r\n");
  const std::string allowed = answer.header("access-control-allow-headers");
  for (const char* name : {"authorization", "x-bursar-turn", "idempotency-key", "traceparent", "x-stainless-os",
                           "x-stainless-retry-count", "mcp-param-region"}) {
    EXPECT_NE((allowed + ",").find(std::string(name) + ","), std::string::npos) << name << " in " << allowed;
  }
  for (const char* name : {"cookie", "x-other", "x-stainless-a"}) EXPECT_EQ(allowed.find(name), std::string::npos);
}

TEST_F(GatewayTest, TakesOverAChangedConfigurationAndKeepsTheLastGoodOne) {
  write(kAccounts);
  ASSERT_TRUE(start());
  write(std::string(kAccounts) + "  - path: acme/new\n    limits:\n      - 1 calls\n");
  ASSERT_TRUE(gateway_->reload());
  EXPECT_EQ(gateway_->status().budgets.size(), 3U);
  write("acounts: []\n");
  const auto refused = gateway_->reload();
  ASSERT_FALSE(refused);
  EXPECT_TRUE(contains(refused.error().message, "acounts"));
  EXPECT_TRUE(contains(gateway_->status().config_error, "acounts"));
  EXPECT_EQ(gateway_->status().budgets.size(), 3U);
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
}

TEST_F(GatewayTest, StopsTwiceAndStartsAgainOnTheSameDatabase) {
  write(kAccounts);
  ASSERT_TRUE(start());
  RawClient idle(gateway_->port());
  gateway_->stop(1s);
  gateway_->stop(1s);
  EXPECT_TRUE(idle.ended());
  EXPECT_TRUE(std::filesystem::exists(directory_ / "b.db.latency.json"));
  gateway_.reset();
  const auto again = start();
  EXPECT_TRUE(again) << again.error().message;
}

TEST_F(GatewayTest, SaysWhyItCannotStart) {
  write("listen: 7\n");
  EXPECT_FALSE(start());
  write(kAccounts);
  ASSERT_TRUE(start());
  const auto second = Gateway::start({.config_path = (directory_ / "bursar.yaml").string()});
  ASSERT_FALSE(second);  // the database is in use
  EXPECT_TRUE(contains(second.error().message, "b.db"));
}

}  // namespace
}  // namespace bursar::broker
