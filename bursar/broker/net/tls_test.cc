// Calls to servers over TLS, with a certificate authority of the test's own.
#include <future>
#include <gtest/gtest.h>

#include "bursar/broker/net/http_client.h"
#include "bursar/broker/net/tls_testing.h"
#include "bursar/broker/upstream/fake_http_server.h"
#include "bursar/broker/upstream/upstream_testing.h"

namespace bursar::broker {
namespace {

using testing::FakeHttpServer;
using testing::FakeRequest;
using testing::FakeResponse;
using testing::Running;
using testing::TestAuthority;
using testing::TestCertificate;
using testing::TlsFront;

struct TlsTest : ::testing::Test {
  TestAuthority authority;
  FakeHttpServer plain{[](const FakeRequest& r, FakeResponse& w) { w.json("\"hello " + r.header("host") + "\""); }};
  Running running;

  [[nodiscard]] std::uint16_t plain_port() const {
    return static_cast<std::uint16_t>(std::stoi(plain.url().substr(17)));
  }
  // The answer's body, or the error.
  std::string fetch(const TlsFront& front, const std::string& host, TlsClientConfig tls) {
    auto endpoint =
        Endpoint::make({.url = "https://" + host + ":" + std::to_string(front.port()) + "/",
                        .tls = std::move(tls),
                        .private_network = true,
                        .resolve = [](const std::string&) { return std::vector<std::string>{"127.0.0.1"}; }});
    if (!endpoint) return endpoint.error().message;
    HttpClient client(*endpoint);
    std::promise<Result<HttpAnswer>> promise;
    Reactor& reactor = running.pool.at(0);
    reactor.post([&] { client.fetch(reactor, {}, [&](Result<HttpAnswer> a) { promise.set_value(std::move(a)); }); });
    const auto answer = promise.get_future().get();
    if (!answer) {
      EXPECT_EQ(answer.error().code == ErrorCode::kPermissionDenied, !answer.error().retryable);
    }
    return answer ? answer->body : answer.error().message;
  }
};

TEST_F(TlsTest, TrustsTheConfiguredAuthorityAndNamesTheHost) {
  const TlsFront front(plain_port(), authority.issue("tools.test", "DNS:tools.test"));
  EXPECT_EQ(fetch(front, "tools.test", {.ca = authority.ca()}),
            "\"hello tools.test:" + std::to_string(front.port()) + "\"");
  EXPECT_EQ(front.last_name(), "tools.test");
  EXPECT_NE(fetch(front, "tools.test", {}).find("certificate is not accepted"), std::string::npos);
  EXPECT_NE(fetch(front, "tools.test", {.ca = TestAuthority().ca()}).find("certificate"), std::string::npos);
}

TEST_F(TlsTest, RefusesACertificateOfAnotherNameOrTime) {
  const TlsFront other(plain_port(), authority.issue("tools.test", "DNS:tools.test"));
  EXPECT_NE(fetch(other, "models.test", {.ca = authority.ca()}).find("not accepted"), std::string::npos);
  EXPECT_NE(fetch(other, "127.0.0.1", {.ca = authority.ca()}).find("not accepted"), std::string::npos);
  const TlsFront expired(plain_port(), authority.issue("tools.test", "DNS:tools.test", -1));
  EXPECT_NE(fetch(expired, "tools.test", {.ca = authority.ca()}).find("expired"), std::string::npos);
  const TlsFront wild(plain_port(), authority.issue("x", "DNS:*.tools.test"));
  EXPECT_EQ(fetch(wild, "a.tools.test", {.ca = authority.ca()}).find("\"hello"), 0U);
  EXPECT_NE(fetch(wild, "a.b.tools.test", {.ca = authority.ca()}).find("not accepted"), std::string::npos);
  EXPECT_TRUE(plain.seen().size() == 1);
}

TEST_F(TlsTest, TakesAddressesThatTheCertificateNames) {
  const TlsFront front(plain_port(), authority.issue("x", "IP:127.0.0.1"));
  EXPECT_EQ(fetch(front, "127.0.0.1", {.ca = authority.ca()}).find("\"hello"), 0U);
  EXPECT_EQ(front.last_name(), "") << "an address is no server name";
}

TEST_F(TlsTest, ShowsACertificateOfItsOwnWhereOneIsConfigured) {
  const TlsFront front(plain_port(), authority.issue("tools.test", "DNS:tools.test"), authority.ca());
  const TestCertificate own = authority.issue("bursar", "");
  EXPECT_EQ(fetch(front, "tools.test", {.ca = authority.ca(), .certificate = own.certificate, .key = own.key})
                .find("\"hello"),
            0U);
  EXPECT_NE(fetch(front, "tools.test", {.ca = authority.ca()}).find("\"hello"), 0U);
  const TestCertificate another = authority.issue("other", "");
  EXPECT_NE(fetch(front, "tools.test", {.ca = authority.ca(), .certificate = own.certificate, .key = another.key})
                .find("tls.key"),
            std::string::npos);
}

TEST_F(TlsTest, FailsAsTlsWhereTheServerSpeaksNone) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  (void)!::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address);
  (void)!::listen(listener, 1);
  socklen_t size = sizeof address;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::thread plainly([&] {
    const int fd = ::accept(listener, nullptr, nullptr);
    char piece[4096];
    (void)!::recv(fd, piece, sizeof piece, 0);
    const std::string answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    (void)!::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
    ::close(fd);
  });
  auto endpoint = Endpoint::make({.url = "https://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/"});
  HttpClient client(*endpoint);
  std::promise<HttpEnd> promise;
  Reactor& reactor = running.pool.at(0);
  reactor.post([&] { client.send(reactor, {}, {.done = [&](HttpEnd end) { promise.set_value(std::move(end)); }}); });
  const HttpEnd end = promise.get_future().get();
  EXPECT_EQ(end.failure, Cause::kTls) << end.detail;
  EXPECT_FALSE(end.sent);
  plainly.join();
  ::close(listener);
}

// The MCP side goes through the same door.
TEST_F(TlsTest, CarriesAnUpstream) {
  FakeHttpServer mcp([](const FakeRequest& r, FakeResponse& w) {
    const auto m = Message::parse(r.body);
    if (m->method() == "server/discover")
      return w.json(make_result(m->id(), R"({"supportedVersions":["2026-07-28"],"capabilities":{}})"));
    w.json(make_result(m->id(), R"({"resultType":"complete"})"));
  });
  const auto port = static_cast<std::uint16_t>(std::stoi(mcp.url().substr(17)));
  const TlsFront front(port, authority.issue("localhost", "DNS:localhost"));
  UpstreamConfig config;
  config.name = "secure";
  config.url = "https://localhost:" + std::to_string(front.port()) + "/mcp";
  config.tls.ca = authority.ca();
  for (const bool trusted : {true, false}) {
    if (!trusted) config.tls = {};
    auto upstream = *make_upstream(config, running.pool);
    auto session = *upstream->open({.key = "ada"});
    const UpstreamReply reply = testing::call(*session, "t").get();
    EXPECT_EQ(reply.failure, trusted ? std::nullopt : std::optional(Cause::kTls)) << reply.detail;
    upstream->close();
  }
}

}  // namespace
}  // namespace bursar::broker
