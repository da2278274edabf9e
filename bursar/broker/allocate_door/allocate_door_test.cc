#include "bursar/broker/allocate_door/allocate_door.h"

#include <condition_variable>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class FakeExchange : public Exchange {
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
  void on_closed(std::function<void()> closed) override { closed_ = std::move(closed); }

  void leave() { closed_(); }
  bool answered() {
    const std::scoped_lock lock(mutex_);
    return response_.has_value();
  }
  HttpResponse wait() {
    std::unique_lock lock(mutex_);
    answered_.wait_for(lock, 20s, [this] { return response_.has_value(); });
    return response_.value_or(HttpResponse{.status = 0});
  }

 private:
  std::mutex mutex_;
  std::condition_variable answered_;
  std::optional<HttpResponse> response_;
  std::function<void()> closed_;
};

Authentication as_ada(const HttpRequest&) { return Principal{.subject = "key:ada", .account = "acme/ada"}; }

std::shared_ptr<FakeExchange> post(AllocateDoor& door, std::string body, std::string method = "POST") {
  auto exchange = std::make_shared<FakeExchange>();
  door.handle({.method = std::move(method), .path = "/v1/allocate", .body = std::move(body)}, exchange);
  return exchange;
}

constexpr const char* kSmall =
    R"({"budget": 7, "explain": ["index"], "items": [{"name": "cache", "value": 5, "cost": 2}, {"name": "index", "value": 9, "cost": 6}]})";

// Strong correlation, even costs and an odd budget: a search that uses up its states.
std::string hard(std::string_view time_limit_s) {
  std::string items;
  std::uint64_t x = 88172645463325252;
  for (int i = 0; i < 400; ++i) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    const std::uint64_t cost = 2 * (1'000'000 + x % 100'000'000);
    items += (i == 0 ? "" : ",") + ("{\"value\":" + std::to_string(cost + 10'000'000)) +
             ",\"cost\":" + std::to_string(cost) + "}";
  }
  return R"({"budget":10000000001,"gap":0,"time_limit_s":)" + std::string(time_limit_s) + R"(,"items":[)" + items +
         "]}";
}

// Its answer is held until release(), and the worker with it.
class HeldExchange final : public FakeExchange {
 public:
  void answer(HttpResponse response) override {
    std::unique_lock lock(gate_);
    held_ = true;
    turn_.notify_all();
    turn_.wait(lock, [this] { return released_; });
    FakeExchange::answer(std::move(response));
  }
  void wait_until_held() {
    std::unique_lock lock(gate_);
    turn_.wait(lock, [this] { return held_; });
  }
  void release() {
    const std::scoped_lock lock(gate_);
    released_ = true;
    turn_.notify_all();
  }

 private:
  std::mutex gate_;
  std::condition_variable turn_;
  bool held_ = false, released_ = false;
};

TEST(AllocateDoor, AnswersWithChoiceBoundAndReason) {
  AllocateDoor door({.authenticate = as_ada});
  const HttpResponse answer = post(door, kSmall)->wait();
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto json = parse_json(answer.body);
  ASSERT_TRUE(json);
  EXPECT_EQ(*JsonView(*json).double_at("value", 0, 100), 9);
  EXPECT_EQ(*JsonView(*json).double_at("bound", 0, 100), 9);
  EXPECT_EQ(*JsonView(*json).string_at("stop"), "optimal");
  EXPECT_THAT(answer.body, HasSubstr(R"("explanations":[{"item":"index")"));
}

TEST(AllocateDoor, NamesTheFieldOfWhatItRefuses) {
  AllocateDoor door({.authenticate = as_ada, .limits = {.max_options = 10}});
  const auto refusal = [&](std::string body, int status, std::string_view part) {
    const HttpResponse answer = post(door, std::move(body))->wait();
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr(part));
  };
  refusal("{", 400, "JSON");
  refusal(R"({"budget": 1, "items": [{"value": 1, "cost": -2}]})", 400,
          "$.items[0].cost: is -2; it must be at least 0");
  refusal(R"({"items": [{"value": 1, "cost": 2}]})", 400, "lacks budget");
  refusal(R"({"budget": 1, "explain": ["x"], "items": [{"value": 1, "cost": 2}]})", 404, "no item 'x'");
  refusal(R"({"budget": 1, "items": [{"value": 1, "cost": 2, "copies": 50}]})", 413, "more than 10 options");
  refusal(R"({"budget": 1, "items": [{"name": "a", "options": [{"value": 1, "cost": 3}]}]})", 422, "2 short");
  EXPECT_EQ(post(door, "", "GET")->wait().status, 405);
}

TEST(AllocateDoor, IsForPrincipalsOnly) {
  AllocateDoor door(
      {.authenticate = [](const HttpRequest&) -> Authentication { return HttpRefusal{.status = 401, .body = "{}"}; }});
  EXPECT_EQ(post(door, kSmall)->wait().status, 401);
}

TEST(AllocateDoor, EndsAtTheTimeLimitWithTheBestSoFarAndItsBound) {
  AllocateDoor door({.authenticate = as_ada});
  const HttpResponse answer = post(door, hard("1e-9"))->wait();
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto json = parse_json(answer.body);
  const JsonView root(*json);
  EXPECT_EQ(*root.string_at("stop"), "cancelled");
  EXPECT_GE(*root.double_at("bound", 0, 1e18), *root.double_at("value", 0, 1e18));
  // The server's limit holds for whoever asks for more.
  AllocateDoor strict({.authenticate = as_ada, .limits = {.time_limit_most = std::chrono::duration<double>{1e-9}}});
  EXPECT_THAT(post(strict, hard("1000"))->wait().body, HasSubstr(R"("stop":"cancelled")"));
}

TEST(AllocateDoor, IsBoundedForOneAccountAndForAll) {
  int who = 0;
  AllocateDoor door({.authenticate = [&](const HttpRequest&) -> Authentication {
                       return Principal{.subject = "s", .account = "a" + std::to_string(who)};
                     },
                     .limits = {.threads = 1, .waiting = 1, .max_per_account = 1}});
  const auto first = std::make_shared<HeldExchange>();
  door.handle({.method = "POST", .path = "/v1/allocate", .body = kSmall}, first);
  first->wait_until_held();
  who = 1;
  const auto waiting = post(door, kSmall);
  const HttpResponse again = post(door, kSmall)->wait();
  EXPECT_EQ(again.status, 429);
  EXPECT_THAT(again.body, HasSubstr("The account a1 has 1 problems under way"));
  who = 2;
  const HttpResponse full = post(door, kSmall)->wait();
  EXPECT_EQ(full.status, 503);
  EXPECT_THAT(full.body, HasSubstr("Too many problems"));
  first->release();
  EXPECT_EQ(first->wait().status, 200);
  EXPECT_EQ(waiting->wait().status, 200);
  who = 1;  // the place that was given back
  EXPECT_EQ(post(door, kSmall)->wait().status, 200);
}

TEST(AllocateDoor, DropsWhatNobodyWaitsFor) {
  AllocateDoor door({.authenticate = as_ada, .limits = {.threads = 1, .waiting = 2}});
  const auto first = std::make_shared<HeldExchange>();
  door.handle({.method = "POST", .path = "/v1/allocate", .body = kSmall}, first);
  first->wait_until_held();
  const auto gone = post(door, kSmall);
  const auto next = post(door, kSmall);
  gone->leave();
  first->release();
  EXPECT_EQ(next->wait().status, 200);
  EXPECT_FALSE(gone->answered());
}

}  // namespace
}  // namespace bursar::broker
