// A ledger in memory, a door with the policies of a test, and callers; for tests of this folder only.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

#include "bursar/broker/decide_door/decide_check.h"
#include "bursar/broker/decide_door/decide_door.h"
#include "bursar/core/json.h"
#include "bursar/ledger/sqlite_store.h"

namespace bursar::broker {

class DecideExchange final : public Exchange {
 public:
  Reactor& reactor() override { std::abort(); }
  void always(HttpHeaders) override {}
  void answer(HttpResponse response) override {
    const std::scoped_lock lock(mutex_);
    response_ = std::move(response);
    answered_.notify_all();
  }
  void stream(HttpResponse, std::string) override {}
  void write(std::string) override {}
  void finish() override {}
  void on_closed(std::function<void()>) override {}

  HttpResponse wait() {
    std::unique_lock lock(mutex_);
    answered_.wait_for(lock, std::chrono::seconds{20}, [this] { return response_.has_value(); });
    return response_.value_or(HttpResponse{.status = 0});
  }

 private:
  std::mutex mutex_;
  std::condition_variable answered_;
  std::optional<HttpResponse> response_;
};

// Accounts acme, acme/ads (of `limit`), acme/ads/ada and other. The policy "pacing" of acme/ads.
class DecideTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        std::filesystem::temp_directory_path() / ("bursar-decide-" + std::to_string(::getpid()) + "-" +
                                                  ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(directory_);
    config_.database = (directory_ / "b.db").string();
    config_.policies = {pacing()};
    ledger_ = std::move(*ledger::Ledger::open(std::move(*ledger::open_sqlite_store({.path = ":memory:"})), clock_));
    for (const char* path : {"acme", "acme/ads", "acme/ads/ada", "other"}) {
      ASSERT_TRUE(ledger_->put_account({.path = path}));
    }
    limit("acme/ads", "1000 usd");
    open();
  }
  void TearDown() override {
    door_.reset();
    ledger_.reset();
    std::filesystem::remove_all(directory_);
  }

  static DecideConfig pacing() {
    return {.name = "pacing",
            .policy = "dual-mirror-descent",
            .account = "acme/ads",
            .budget = *parse_amounts("100 usd"),
            .horizon = 1000};
  }
  void limit(const std::string& account, std::string_view amount) {
    const Amount most = *parse_amount(amount);
    ASSERT_TRUE(ledger_->put_account(
        {.path = account, .limits = {{.resource = most.resource, .amount = most.units, .window = {}}}}));
  }
  void open() {
    auto door = DecideDoor::open(
        {.authenticate = [this](const HttpRequest& r) { return who(r); }, .ledger = ledger_.get(), .clock = &clock_},
        config_);
    ASSERT_TRUE(door) << door.error().message;
    door_ = std::move(*door);
  }
  // By the header "who": ads (the default), ada, acme, other, boss.
  static Authentication who(const HttpRequest& request) {
    const std::string_view name = request.header("who");
    if (name == "nobody") return HttpRefusal{.status = 401, .body = "{}"};
    if (name == "ada") return Principal{.subject = "key:ada", .account = "acme/ads/ada"};
    if (name == "acme") return Principal{.subject = "key:acme", .account = "acme"};
    if (name == "other") return Principal{.subject = "key:other", .account = "other"};
    if (name == "boss") return Principal{.subject = "key:boss", .account = "other", .admin = true};
    return Principal{.subject = "key:ads", .account = "acme/ads"};
  }

  HttpResponse post(const std::string& path, const std::string& body, const std::string& who = "ads") {
    auto exchange = std::make_shared<DecideExchange>();
    door_->handle({.method = "POST", .target = path, .path = path, .headers = {{"who", who}}, .body = body}, exchange);
    return exchange->wait();
  }
  HttpResponse decide(const std::string& options, const std::string& more = "", const std::string& who = "ads") {
    return post("/v1/decide", R"({"policy":"pacing","options":)" + options + more + "}", who);
  }
  HttpResponse observe(const std::string& decision, const std::string& more = "", const std::string& who = "ads") {
    return post("/v1/observe", "{\"decision\":\"" + decision + "\"" + more + "}", who);
  }
  static boost::json::value json(const HttpResponse& response) {
    auto document = parse_json(response.body);
    EXPECT_TRUE(document) << response.body;
    return document.value_or(boost::json::value());
  }
  static std::string text(const HttpResponse& response, std::string_view member) {
    const auto document = json(response);
    const auto found = JsonView(document).string_at(member);
    return found ? std::string(*found) : found.error().message + ": " + response.body;
  }
  static double number(const HttpResponse& response, std::string_view member, std::string_view resource) {
    const auto document = json(response);
    const auto found =
        JsonView(document).at(member).and_then([&](const JsonView& v) { return v.double_at(resource, -1e18, 1e18); });
    return found.value_or(-1);
  }
  [[nodiscard]] ledger::Standing standing(const std::string& account = "acme/ads") const {
    for (const ledger::Standing& one : ledger_->standing(account)) {
      if (one.account == account) return one;
    }
    return {};
  }

  std::filesystem::path directory_;
  SimulatedClock clock_{wall_from_unix_us(1'764'000'000'000'000)};
  Config config_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<DecideDoor> door_;
};

}  // namespace bursar::broker
