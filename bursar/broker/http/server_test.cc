#include "bursar/broker/http/server.h"

#include <future>
#include <gtest/gtest.h>
#include <thread>

#include "bursar/broker/http/raw_client.h"

namespace bursar::broker {
namespace {

using namespace std::chrono_literals;
using testing::RawAnswer;
using testing::RawClient;

// A server that echoes bodies on /echo, keeps requests to /hold, and streams on /stream.
class ServerTest : public ::testing::Test {
 protected:
  void start(LimitsConfig limits = {}) {
    reactors_.start();
    auto server =
        HttpServer::listen(reactors_, {.limits = limits, .handler = [this](HttpRequest request, auto exchange) {
                                         handle(std::move(request), std::move(exchange));
                                       }});
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  void TearDown() override {
    held_.clear();
    if (server_) server_->close();
    reactors_.finish();
    reactors_.join();
  }

  void handle(HttpRequest request, std::shared_ptr<Exchange> exchange) {
    if (request.path == "/hold") {
      exchange->on_closed([this] { gone_.set_value(); });
      const std::scoped_lock lock(mutex_);
      return held_.push_back(std::move(exchange));
    }
    if (request.path == "/stream") {
      exchange->stream({.content_type = "text/event-stream"}, ": alive\n\n");
      exchange->write("data: 1\n\n");
      const std::scoped_lock lock(mutex_);
      return held_.push_back(std::move(exchange));
    }
    if (request.path == "/where") {
      // Says on which of the two it was answered, and would rather be on the second.
      const bool second = reactors_.at(1).on_this_thread();
      if (!second) exchange->prefer(reactors_.at(1));
      return exchange->answer({.content_type = "text/plain", .body = (second ? "1" : "0") + request.body});
    }
    exchange->answer({.content_type = "text/plain", .body = request.method + " " + request.path + " " + request.body});
  }
  std::shared_ptr<Exchange> held() {
    for (int i = 0; i < 1000; ++i) {
      {
        const std::scoped_lock lock(mutex_);
        if (!held_.empty()) return held_.back();
      }
      std::this_thread::sleep_for(5ms);
    }
    return nullptr;
  }
  RawAnswer ask(std::string_view bytes) {
    RawClient client(server_->port());
    client.send(bytes);
    return client.answer();
  }

  Reactors reactors_{2};
  std::unique_ptr<HttpServer> server_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Exchange>> held_;
  std::promise<void> gone_;
};

constexpr std::string_view kGet = "GET /a?b HTTP/1.1\r\nHost: localhost\r\n\r\n";

std::string post(std::string_view path, std::string_view body, std::string_view more = "") {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(more) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
  start();
  RawClient client(server_->port());
  for (int i = 0; i < 3; ++i) {
    client.send(post("/echo", "hello"));
    const RawAnswer answer = client.answer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "POST /echo hello");
    EXPECT_FALSE(answer.header("x-request-id").empty());
  }
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  start();
  RawClient client(server_->port());
  client.send(post("/1", "a") + std::string(kGet) + post("/3", "c"));
  EXPECT_EQ(client.answer().body, "POST /1 a");
  EXPECT_EQ(client.answer().body, "GET /a ");
  EXPECT_EQ(client.answer().body, "POST /3 c");
}

TEST_F(ServerTest, KeepsWhatIsPipelinedBehindAHeldRequest) {
  start();
  RawClient client(server_->port());
  client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(kGet));
  const auto exchange = held();
  ASSERT_TRUE(exchange);
  exchange->answer({.body = "first"});
  EXPECT_EQ(client.answer().body, "first");
  EXPECT_EQ(client.answer().body, "GET /a ");
}

TEST_F(ServerTest, MovesAConnectionToTheReactorThatTwoOfItsRequestsPreferred) {
  start();
  RawClient first(server_->port());  // connections go to the reactors in turn
  std::string where;
  for (int i = 0; i < 4; ++i) {
    first.send(post("/where", ""));
    where += first.answer().body;
  }
  EXPECT_EQ(where, "0011");
  EXPECT_EQ(server_->connections(), 1U);
  first.close();
  for (int i = 0; i < 1000 && server_->connections() > 0; ++i) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(ServerTest, LosesNoByteWhenAConnectionMovesInTheMiddleOfARequest) {
  start();
  RawClient client(server_->port());
  client.send(post("/where", "a") + post("/where", "b"));
  EXPECT_EQ(client.answer().body, "0a");
  EXPECT_EQ(client.answer().body, "0b");
  const std::string rest = post("/where", "c") + post("/where", "d") + post("/where", "e");
  for (const char c : rest.substr(0, 40)) client.send({&c, 1});  // it moves with the first of these bytes
  client.send(std::string_view(rest).substr(40));
  EXPECT_EQ(client.answer().body, "1c");
  EXPECT_EQ(client.answer().body, "1d");
  EXPECT_EQ(client.answer().body, "1e");
}

TEST_F(ServerTest, ReadsChunkedBodiesByteByByte) {
  start();
  RawClient client(server_->port());
  for (const char c : std::string_view("POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                       "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")) {
    client.send({&c, 1});
  }
  EXPECT_EQ(client.answer().body, "POST /c abcde");
}

TEST_F(ServerTest, InvitesABodyThatWaits) {
  start();
  RawClient client(server_->port());
  client.send("POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_FALSE(client.read_until("100 Continue\r\n\r\n").empty());
  client.send("hi");
  EXPECT_EQ(client.answer().body, "POST /e hi");
}

TEST_F(ServerTest, RefusesWhatCouldBeReadInTwoWays) {
  start();
  const auto status = [&](std::string_view bytes) { return ask(bytes).status; };
  EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            400);
  EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
            400);
  EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), 400);
  EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 501);
  EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\nContent-Length: 1\r\n\r\na"), 400);
  EXPECT_EQ(status("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 501);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status("GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(status("hello\r\n\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost : a\r\n\r\n"), 400);
  EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"), 400);
  EXPECT_EQ(status(kGet), 200);
}

TEST_F(ServerTest, RefusesWhatIsTooLargeBeforeReadingIt) {
  start({.body_bytes = 1000, .header_bytes = 2000});
  const RawAnswer body = ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n");
  EXPECT_EQ(body.status, 413);
  EXPECT_NE(body.body.find("body_too_large"), std::string::npos);
  EXPECT_EQ(
      ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(2000, 'x')).status,
      413);
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(3000, 'x') + "\r\n\r\n").status, 431);
  EXPECT_EQ(ask("GET /" + std::string(200'000, 'x')).status, 431);
  EXPECT_EQ(ask(post("/", std::string(1000, 'x'))).status, 200);
}

TEST_F(ServerTest, CutsOffSlowSendersWithoutHarmToOthers) {
  start({.header_timeout = 300ms, .body_timeout = 300ms});
  RawClient header(server_->port()), body(server_->port()), silent(server_->port());
  header.send("GET / HTTP/1.1\r\nHost: lo");
  body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(ask(kGet).status, 200);
  EXPECT_EQ(header.answer().status, 408);
  EXPECT_EQ(body.answer().status, 408);
  EXPECT_TRUE(header.ended());
  EXPECT_TRUE(silent.ended());
  EXPECT_TRUE(silent.rest().empty());
}

TEST_F(ServerTest, EndsIdleConnections) {
  start({.idle_timeout = 300ms});
  RawClient client(server_->port());
  client.send(kGet);
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_TRUE(client.ended(3s));
}

TEST_F(ServerTest, EndsAReaderThatTakesNothing) {
  start({.write_timeout = 400ms});
  RawClient slow(server_->port(), 4096);
  slow.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto exchange = held();
  ASSERT_TRUE(exchange);
  std::promise<void> closed;
  exchange->on_closed([&] { closed.set_value(); });
  for (int i = 0; i < 100; ++i) exchange->write(std::string(100'000, 'x'));
  EXPECT_EQ(closed.get_future().wait_for(5s), std::future_status::ready);
  EXPECT_EQ(ask(kGet).status, 200);
}

TEST_F(ServerTest, EndsAStreamWhoseQueueIsFull) {
  start({.queue_per_stream = 4});
  RawClient slow(server_->port(), 4096);
  slow.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto exchange = held();
  ASSERT_TRUE(exchange);
  std::promise<void> closed;
  exchange->on_closed([&] { closed.set_value(); });
  for (int i = 0; i < 50; ++i) exchange->write(std::string(1'000'000, 'x'));
  EXPECT_EQ(closed.get_future().wait_for(5s), std::future_status::ready);
}

TEST_F(ServerTest, SaysWhenAReaderHasTakenWhatWaited) {
  start();
  RawClient client(server_->port(), 4096);
  client.send("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto exchange = held();
  ASSERT_TRUE(exchange);
  std::promise<std::size_t> waits;
  std::promise<void> taken;
  exchange->reactor().post([&] {
    exchange->write(std::string(12 << 20, 'x') + "end");
    waits.set_value(exchange->waiting());
    exchange->when_taken([&] { taken.set_value(); });
  });
  EXPECT_GT(waits.get_future().get(), 12U << 20);
  auto done = taken.get_future();
  EXPECT_EQ(done.wait_for(50ms), std::future_status::timeout);
  EXPECT_NE(client.read_until("end"), "");
  EXPECT_EQ(done.wait_for(10s), std::future_status::ready);
}

TEST_F(ServerTest, StreamsInChunksAndGoesOn) {
  start();
  RawClient client(server_->port());
  client.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  const RawAnswer head = client.answer();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(client.read_until("\n\n\r\n"), "9\r\ndata: 1\n\n\r\n");
  const auto exchange = held();
  exchange->write("data: two\n\n");
  exchange->finish();
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "b\r\ndata: two\n\n\r\n0\r\n\r\n");
  client.send(kGet);
  EXPECT_EQ(client.answer().status, 200);
}

TEST_F(ServerTest, NoticesAClientThatGoesAway) {
  start();
  {
    RawClient client(server_->port());
    client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(held());
  }
  EXPECT_EQ(gone_.get_future().wait_for(5s), std::future_status::ready);
  held()->answer({.body = "too late"});  // does nothing
}

TEST_F(ServerTest, RefusesConnectionsPastItsLimit) {
  start({.connections = 2});
  RawClient a(server_->port()), b(server_->port());
  a.send(kGet);
  b.send(kGet);
  EXPECT_EQ(a.answer().status, 200);
  EXPECT_EQ(b.answer().status, 200);
  RawClient c(server_->port());
  EXPECT_EQ(c.answer().status, 503);
  EXPECT_TRUE(c.ended());
}

TEST_F(ServerTest, DrainsByEndingIdleConnectionsAndAnsweringTheOthers) {
  start();
  RawClient idle(server_->port()), busy(server_->port());
  idle.send(kGet);
  EXPECT_EQ(idle.answer().status, 200);
  busy.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto exchange = held();
  ASSERT_TRUE(exchange);
  server_->drain();
  EXPECT_TRUE(idle.ended());
  exchange->answer({.body = "last"});
  const RawAnswer last = busy.answer();
  EXPECT_EQ(last.body, "last");
  EXPECT_EQ(last.header("connection"), "close");
  EXPECT_TRUE(busy.ended());
  RawClient late(server_->port());
  EXPECT_FALSE(late.connected());
}

TEST(HttpServer, SaysWhyItCannotListen) {
  Reactors reactors(1);
  EXPECT_EQ(HttpServer::listen(reactors, {.address = "nowhere"}).error().code, ErrorCode::kInvalidArgument);
  auto first = HttpServer::listen(reactors, {.handler = [](HttpRequest, auto) {}});
  ASSERT_TRUE(first);
  const auto second = HttpServer::listen(reactors, {.port = (*first)->port()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace bursar::broker
