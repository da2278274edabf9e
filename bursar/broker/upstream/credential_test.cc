#include "bursar/broker/upstream/credential.h"

#include <gtest/gtest.h>

#include "bursar/broker/upstream/fake_http_server.h"
#include "bursar/broker/upstream/upstream_testing.h"

namespace bursar::broker {
namespace {

using testing::call;
using testing::FakeHttpServer;
using testing::FakeRequest;
using testing::FakeResponse;
using testing::Running;

constexpr const char* kInitialized =
    R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"fake","version":"1"}})";

// Gives `next` away when the one before was refused; none left: an error.
struct FakeCredential final : UpstreamCredential {
  std::shared_ptr<const std::string> header() override {
    const std::scoped_lock lock(mutex);
    return current;
  }
  void refused(CredentialRefusal refusal, std::function<void(Result<void>)> done) override {
    std::unique_lock lock(mutex);
    refusals.push_back(std::move(refusal));
    if (next.empty()) {
      lock.unlock();
      return done(fail(ErrorCode::kPermissionDenied, "somebody has to sign in"));
    }
    current = std::make_shared<const std::string>(next.front());
    next.erase(next.begin());
    lock.unlock();
    done({});
  }
  std::mutex mutex;
  std::shared_ptr<const std::string> current;
  std::vector<std::string> next;
  std::vector<CredentialRefusal> refusals;
};

// A server that wants one very credential.
struct Fixture {
  ~Fixture() {
    if (upstream) upstream->close();
  }
  std::shared_ptr<UpstreamSession> open() {
    config.name = "guarded";
    config.url = server.url();
    upstream = *make_upstream(config, running.pool, {}, credential);
    return *upstream->open({.key = "ada"});
  }
  std::atomic<int> served{0};
  FakeHttpServer server{[this](const FakeRequest& request, FakeResponse& out) {
    if (request.header("authorization") != "Bearer good") {
      return out.full(401, "application/json", "{}",
                      "WWW-Authenticate: Basic\r\nWWW-Authenticate: Bearer scope=\"a\"\r\n");
    }
    ++served;
    const auto message = Message::parse(request.body);
    if (!message || message->kind() != MessageKind::kRequest) return out.full(202, "", "");
    if (message->method() == "initialize") return out.json(make_result(message->id(), kInitialized));
    if (message->method() == "server/discover") return out.json(make_error(message->id(), -32601, "no such method"));
    out.json(make_result(message->id(), "{}"));
  }};
  UpstreamConfig config;
  std::shared_ptr<FakeCredential> credential = std::make_shared<FakeCredential>();
  Running running;
  std::shared_ptr<Upstream> upstream;
};

TEST(Credential, SendsARequestAgainWithTheCredentialThatTookThePlaceOfTheRefusedOne) {
  Fixture f;
  f.credential->current = std::make_shared<const std::string>("Bearer old");
  f.credential->next = {"Bearer good"};
  auto session = f.open();
  const UpstreamReply reply = call(*session, "echo").get();
  EXPECT_FALSE(reply.failure) << reply.detail;
  ASSERT_EQ(f.credential->refusals.size(), 1U);
  EXPECT_EQ(f.credential->refusals[0].used, "Bearer old");
  EXPECT_EQ(f.credential->refusals[0].challenge, "Basic, Bearer scope=\"a\"");
}

TEST(Credential, StopsAfterTwoFurtherCredentialsAndSaysWhatSomebodyHasToDo) {
  Fixture f;
  f.credential->next = {"Bearer 1", "Bearer 2", "Bearer 3", "Bearer 4"};
  auto session = f.open();
  const UpstreamReply many = call(*session, "echo").get();
  EXPECT_EQ(many.failure, Cause::kUnauthorised);
  EXPECT_EQ(f.credential->refusals.size(), 2U) << "of the first request of the handshake";
  f.credential->next.clear();
  const UpstreamReply none = call(*session, "echo").get();
  EXPECT_EQ(none.failure, Cause::kUnauthorised);
  EXPECT_NE(none.detail.find("somebody has to sign in"), std::string::npos) << none.detail;
  EXPECT_EQ(f.served, 0);
}

}  // namespace
}  // namespace bursar::broker
