// Requests that one reader takes for one and another for two, and answers that somebody tries to write into.
#include <atomic>
#include <gtest/gtest.h>

#include "bursar/broker/http/raw_client.h"
#include "bursar/broker/http/server.h"

namespace bursar::broker {
namespace {

using testing::RawAnswer;
using testing::RawClient;

class SmugglingTest : public ::testing::Test {
 protected:
  SmugglingTest() {
    reactors_.start();
    LimitsConfig limits;
    limits.header_timeout = limits.body_timeout = std::chrono::milliseconds{400};
    auto server =
        HttpServer::listen(reactors_, {.limits = limits, .handler = [this](HttpRequest request, auto exchange) {
                                         seen_ += 1;
                                         if (request.path == "/smuggled") smuggled_ += 1;
                                         bodies_ += request.body.size();
                                         exchange->answer({.headers = injected_, .body = "{}"});
                                       }});
    EXPECT_TRUE(server);
    server_ = std::move(*server);
  }
  ~SmugglingTest() override {
    server_->close();
    reactors_.finish();
    reactors_.join();
  }

  // Everything that came back until the server ended the connection, or nothing more came.
  std::string exchange(std::string_view bytes) {
    RawClient client(server_->port());
    client.send(bytes);
    (void)client.ended(std::chrono::seconds{5});
    return client.rest();
  }

  Reactors reactors_{1};
  std::atomic<int> seen_{0}, smuggled_{0};
  std::atomic<std::size_t> bodies_{0};
  HttpHeaders injected_;
  std::unique_ptr<HttpServer> server_;
};

constexpr std::string_view kInside = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

TEST_F(SmugglingTest, NothingInsideABodyIsARequest) {
  const std::string length = std::to_string(kInside.size());
  const std::string hex = "23";  // of kInside
  ASSERT_EQ(kInside.size(), 0x23u);
  const std::string inside(kInside);
  // Each of these is one request to one reader and two to another.
  const std::string attacks[] = {
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + length + "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
          inside,
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + hex + "\r\n" + inside +
          "\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: " + length + "\r\n\r\n" + inside,
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + length + ", 0\r\n\r\n" + inside,
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n" + inside,
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x0\r\n\r\n" + inside,
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0 0\r\n\r\n" + inside,
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999999\r\n\r\n" + inside,
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 0\r\n\r\n" + inside,
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + inside,
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + inside,
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0b"
      "chunked\r\n\r\n0\r\n\r\n" +
          inside,
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" +
          inside,
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
          inside,
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + inside,
      "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inside,
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n" + inside,
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + inside,
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n" + inside,
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n" + inside,
      "POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n Transfer-Encoding: chunked\r\nContent-Length: " + length + "\r\n\r\n" +
          inside,
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: " + length + "\r\n\r\n" + inside,
      "POST / HTTP/1.1\r\nHost: a\r\nX: " + std::string(1, '\0') + "\r\nContent-Length: 0\r\n\r\n" + inside,
      "POST / HTTP/1.1\r\nHost: a\r\nX: a\rContent-Length: 0\r\n\r\n" + inside,
  };
  for (const std::string& attack : attacks) {
    smuggled_ = 0;
    const std::string answers = exchange(attack);
    EXPECT_EQ(smuggled_.load(), 0) << attack;
    const std::size_t first = answers.find("x-request-id: ");
    EXPECT_EQ(answers.find("x-request-id: ", first == std::string::npos ? 0 : first + 1), std::string::npos)
        << "one answer at most: " << attack;
  }
}

TEST_F(SmugglingTest, NothingIsReadBehindARequestThatWasRefused) {
  const std::string answers =
      exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n" + std::string(kInside));
  EXPECT_TRUE(answers.starts_with("HTTP/1.1 400 ")) << answers;
  EXPECT_NE(answers.find("connection: close"), std::string::npos);
  EXPECT_EQ(seen_.load(), 0);
}

TEST_F(SmugglingTest, APipelinedRequestIsOne) {
  const std::string answers =
      exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi" + std::string(kInside));
  EXPECT_EQ(seen_.load(), 2);
  EXPECT_EQ(smuggled_.load(), 1) << "this one is meant";
  EXPECT_EQ(bodies_.load(), 2u);
}

TEST_F(SmugglingTest, NoHeaderOfAnAnswerCanBeginAnother) {
  injected_ = {{"x-good", "1"},
               {"x-bad", "1\r\nset-cookie: a=b"},
               {"x-worse\r\nset-cookie", "a=b"},
               {"x-nl", "1\nset-cookie: a=b"},
               {"x-cr", "1\rset-cookie: a=b"},
               {"x-nul", std::string("1\0set", 5)}};
  RawClient client(server_->port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const RawAnswer answer = client.answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("x-good"), "1");
  for (const char* bad : {"set-cookie", "x-bad", "x-nl", "x-cr", "x-nul", "x-worse"}) {
    EXPECT_EQ(answer.head.find(bad), std::string::npos) << bad;
  }
}

TEST_F(SmugglingTest, NothingOfARequestIsWrittenIntoTheHeadOfItsAnswer) {
  RawClient client(server_->port());
  client.send("GET /%0d%0aset-cookie:%20a=b?x=%0d%0aset-cookie: HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n\r\n");
  const RawAnswer answer = client.answer();
  EXPECT_EQ(answer.head.find("set-cookie"), std::string::npos);
  EXPECT_EQ(answer.header("x-request-id").substr(0, 2), "r-");
}

}  // namespace
}  // namespace bursar::broker
