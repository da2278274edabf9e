#include "bursar/broker/net/http_client.h"

#include <future>
#include <gtest/gtest.h>

#include "bursar/broker/upstream/fake_http_server.h"
#include "bursar/broker/upstream/upstream_testing.h"

namespace bursar::broker {
namespace {

using namespace std::chrono_literals;
using testing::FakeHttpServer;
using testing::FakeRequest;
using testing::FakeResponse;
using testing::Running;

std::shared_ptr<const Endpoint> endpoint(const std::string& url) { return *Endpoint::make({.url = url}); }

Result<HttpAnswer> fetch(Running& running, HttpClient& client, ClientRequest request) {
  std::promise<Result<HttpAnswer>> promise;
  Reactor& reactor = running.pool.at(0);
  reactor.post([&] {
    client.fetch(reactor, std::move(request), [&](Result<HttpAnswer> answer) { promise.set_value(std::move(answer)); });
  });
  return promise.get_future().get();
}

TEST(HttpClient, SendsWhatItIsToldAndKeepsTheConnection) {
  FakeHttpServer server([](const FakeRequest& r, FakeResponse& w) {
    w.full(418, "text/plain", r.verb + " " + r.target + " " + r.header("x-team") + " " + r.body, "X-Id: 7\r\n");
  });
  Running running;
  HttpClient client(endpoint(server.url()));
  for (int i = 0; i < 2; ++i) {
    const auto answer = fetch(running, client,
                              {.method = "POST", .target = "/token?x=1", .headers = {{"X-Team", "a b"}}, .body = "hi"});
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_EQ(answer->status, 418);
    EXPECT_EQ(answer->body, "POST /token?x=1 a b hi");
    EXPECT_EQ(answer->header("x-ID"), "7");
    EXPECT_EQ(answer->header("none"), "");
  }
  EXPECT_EQ(fetch(running, client, {})->body, "GET /mcp  ");
  EXPECT_EQ(server.accepted(), 1);
}

TEST(HttpClient, SendsNothingThatWouldBreakARequest) {
  FakeHttpServer server([](const FakeRequest&, FakeResponse& w) { w.json("{}"); });
  Running running;
  HttpClient client(endpoint(server.url()));
  for (const ClientRequest& bad :
       {ClientRequest{.target = "/a b"}, ClientRequest{.target = "/a\r\nX: y"},
        ClientRequest{.target = "http://elsewhere/"}, ClientRequest{.headers = {{"X", "1\r\nY: 2"}}},
        ClientRequest{.headers = {{"X: y", "1"}}}, ClientRequest{.method = "GET / X"}}) {
    const auto answer = fetch(running, client, bad);
    ASSERT_FALSE(answer.has_value()) << bad.target;
    EXPECT_EQ(answer.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE(server.seen().empty());
}

TEST(HttpClient, EndsAtItsLimits) {
  FakeHttpServer server([](const FakeRequest& r, FakeResponse& w) {
    if (r.target == "/large") return w.json(std::string(5000, 'x'));
    if (r.target == "/broken") {
      w.raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
      return w.hang_up();
    }
    if (r.target == "/noise") {
      w.raw("hello\r\n\r\n");
      return w.hang_up();
    }
    if (r.target == "/half") {
      w.begin_events();
      w.chunk("data: 1");
    }
    w.wait_for_client_to_leave();
    w.hang_up();
  });
  Running running;
  HttpClient client(endpoint(server.url()));
  const auto code = [&](ClientRequest request) { return fetch(running, client, std::move(request)).error().code; };
  EXPECT_EQ(code({.target = "/large", .body_bytes = 1000}), ErrorCode::kExhausted);
  EXPECT_EQ(code({.target = "/broken"}), ErrorCode::kUnavailable);
  EXPECT_EQ(code({.target = "/noise"}), ErrorCode::kUnavailable);
  EXPECT_EQ(code({.target = "/silent", .timeout = 50ms}), ErrorCode::kTimeout);
  EXPECT_EQ(code({.target = "/silent", .stall_timeout = 50ms}), ErrorCode::kTimeout);
  EXPECT_EQ(code({.target = "/half", .stall_timeout = 50ms}), ErrorCode::kTimeout);
}

struct Streamed {
  std::shared_ptr<HttpCall> call;
  testing::Log pieces;
  std::promise<HttpEnd> promise;
};

std::shared_ptr<Streamed> stream(Running& running, HttpClient& client, ClientRequest request) {
  auto streamed = std::make_shared<Streamed>();
  Reactor& reactor = running.pool.at(0);
  std::promise<void> sent;
  reactor.post([&] {
    streamed->call =
        client.send(reactor, std::move(request),
                    {.on_head = [streamed](const HttpHead& h) { streamed->pieces.add(std::to_string(h.status())); },
                     .on_body = [streamed](std::string_view piece) { streamed->pieces.add(std::string(piece)); },
                     .done = [streamed](HttpEnd end) { streamed->promise.set_value(std::move(end)); }});
    sent.set_value();
  });
  sent.get_future().get();
  return streamed;
}

TEST(HttpClient, GivesAStreamAsItComesAndClosesItWhenCancelled) {
  std::promise<void> left;
  FakeHttpServer server([&](const FakeRequest&, FakeResponse& w) {
    w.begin_events();
    w.event("one");
    w.wait_for_client_to_leave();
    w.hang_up();
    left.set_value();
  });
  Running running;
  HttpClient client(endpoint(server.url()));
  auto streamed = stream(running, client, {});
  EXPECT_EQ(streamed->pieces.wait_for("one"), "data: one\n\n");
  running.pool.at(0).post([streamed] { streamed->call->cancel(); });
  const HttpEnd end = streamed->promise.get_future().get();
  EXPECT_EQ(end.failure, Cause::kCancelled);
  EXPECT_TRUE(end.sent);
  EXPECT_TRUE(end.head);
  EXPECT_EQ(left.get_future().wait_for(10s), std::future_status::ready);
}

TEST(HttpClient, ReadsNoFurtherWhilePaused) {
  constexpr std::size_t kMuch = 64 << 20;
  std::atomic<std::size_t> written{0};
  FakeHttpServer server([&](const FakeRequest&, FakeResponse& w) {
    w.begin_events();
    const std::string piece(1 << 20, 'x');
    for (; written < kMuch; written += piece.size()) w.chunk(piece);
    w.end_events();
  });
  Running running;
  HttpClient client(endpoint(server.url()));
  auto streamed = std::make_shared<Streamed>();
  std::atomic<std::size_t> got{0};
  Reactor& reactor = running.pool.at(0);
  reactor.post([&] {
    streamed->call = client.send(reactor, {.stall_timeout = 10s, .body_bytes = 2 * kMuch},
                                 {.on_head = [&](const HttpHead&) { streamed->call->pause(); },
                                  .on_body = [&](std::string_view piece) { got += piece.size(); },
                                  .done = [streamed](HttpEnd end) { streamed->promise.set_value(std::move(end)); }});
  });
  std::size_t before = 1, now = 0;
  while (before != now || now == 0) {  // until the server is stuck
    before = written;
    std::this_thread::sleep_for(50ms);
    now = written;
  }
  EXPECT_LT(now, kMuch / 2);
  EXPECT_EQ(got, 0U);
  reactor.post([&] { streamed->call->resume(); });
  EXPECT_FALSE(streamed->promise.get_future().get().failure.has_value());
  EXPECT_EQ(got, kMuch);
  streamed->call.reset();
}

TEST(HttpClient, LetsNoNameLeadInside) {
  FakeHttpServer server([](const FakeRequest&, FakeResponse& w) { w.json("{}"); });
  std::string port = server.url().substr(17);
  Running running;
  const auto error = [&](bool private_network, std::vector<std::string> addresses) {
    HttpClient client(*Endpoint::make({.url = "http://tools.example.org:" + port,
                                       .private_network = private_network,
                                       .resolve = [=](const std::string&) { return addresses; }}));
    const auto answer = fetch(running, client, {});
    return answer ? std::string() : answer.error().message;
  };
  EXPECT_NE(error(false, {"127.0.0.1"}).find("leads to 127.0.0.1, which is loopback"), std::string::npos);
  EXPECT_NE(error(false, {"8.8.8.8", "169.254.169.254"}).find("link-local"), std::string::npos);
  EXPECT_NE(error(false, {"::ffff:10.0.0.1"}).find("private"), std::string::npos);
  EXPECT_EQ(error(true, {"127.0.0.1"}), "");
  EXPECT_TRUE(server.wait_for([](const FakeRequest& r) { return r.header("host").starts_with("tools.example.org:"); }));
  EXPECT_EQ(server.seen().size(), 1U);
}

// A name that answers with a public address first and a private one next must not be asked again between the look and
// the connection.
TEST(HttpClient, ConnectsToTheAddressItLookedAt) {
  Running running;
  std::atomic<int> asked{0};
  HttpClient client(*Endpoint::make({.url = "http://rebind.example.org:9", .resolve = [&](const std::string&) {
                                       ++asked;
                                       return std::vector<std::string>{"127.0.0.1"};
                                     }}));
  EXPECT_EQ(fetch(running, client, {}).error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace bursar::broker
