#include "bursar/broker/strategies/feedback_door.h"

#include <cstdlib>
#include <gtest/gtest.h>

namespace bursar::broker {
namespace {

class Kept final : public Exchange {
 public:
  HttpResponse response;
  Reactor& reactor() override { std::abort(); }
  void always(HttpHeaders /*headers*/) override {}
  void answer(HttpResponse given) override { response = std::move(given); }
  void stream(HttpResponse /*head*/, std::string /*heartbeat*/) override {}
  void write(std::string /*piece*/) override {}
  void finish() override {}
  void on_closed(std::function<void()> /*closed*/) override {}
};

int status_of(std::string body, std::string method = "POST", bool known = true) {
  const auto store = std::move(*BeliefStore::open("/nonexistent/beliefs.json"));
  store->learn({.id = "j1", .strategy = "pets", .model = "m", .answer = "42"}, "key:ada");
  const FeedbackDoor door({.authenticate = [&](const HttpRequest&) -> Authentication {
                             if (!known) return HttpRefusal{.status = 401, .www_authenticate = "Bearer"};
                             return Principal{.subject = "key:ada", .account = "a"};
                           },
                           .beliefs = store.get()});
  const auto exchange = std::make_shared<Kept>();
  door.handle({.method = std::move(method), .body = std::move(body)}, exchange);
  return exchange->response.status;
}

TEST(FeedbackDoor, TakesWhatCameOfAnAnswer) {
  EXPECT_EQ(status_of(R"({"id":"j1","correct":true})"), 200);
  EXPECT_EQ(status_of(R"({"id":"j1","reward":0.5})"), 200);
  EXPECT_EQ(status_of(R"({"id":"j1","truth":"42"})"), 200);
}

TEST(FeedbackDoor, RefusesEverythingElse) {
  for (const char* body : {"", "[]", "{}", R"({"id":"j1"})", R"({"id":7,"correct":true})", R"({"id":"j1","reward":2})",
                           R"({"id":"j1","correct":"yes"})", R"({"id":"j1","correct":true,"more":1})"}) {
    EXPECT_EQ(status_of(body), 400) << body;
  }
  EXPECT_EQ(status_of(R"({"id":"j2","correct":true})"), 404);
  EXPECT_EQ(status_of(R"({"id":"j1","correct":true})", "GET"), 405);
  EXPECT_EQ(status_of(R"({"id":"j1","correct":true})", "POST", false), 401);
}

}  // namespace
}  // namespace bursar::broker
