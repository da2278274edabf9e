#include "bursar/broker/upstream/stdio_upstream.h"

#include <csignal>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "bursar/broker/upstream/upstream_testing.h"

namespace bursar::broker {
namespace {

using namespace std::chrono_literals;
using testing::call;
using testing::Events;
using testing::Running;
using testing::send;

UpstreamConfig fake(const std::string& mode = "") {
  UpstreamConfig config;
  config.name = "fake";
  config.command = "/proc/self/exe";
  config.args = {"fake-mcp-server", mode};
  return config;
}

// A fake server behind an upstream, closed at the end of the test.
struct Fixture {
  explicit Fixture(const UpstreamConfig& config, const UpstreamLimits& limits = {})
      : upstream(*make_upstream(config, running.pool, limits)) {}
  ~Fixture() { upstream->close(); }
  std::shared_ptr<UpstreamSession> open(const std::string& key = "ada", std::shared_ptr<Events> events = {}) {
    auto session = upstream->open({.key = key, .capabilities = R"({"roots":{}})", .events = std::move(events)});
    EXPECT_TRUE(session.has_value()) << session.error().message;
    return session ? *session : nullptr;
  }
  Running running;
  std::shared_ptr<Upstream> upstream;
};

pid_t pid_of(const UpstreamReply& reply) {
  const auto raw = member(reply.result, "pid");
  return raw.empty() ? -1 : static_cast<pid_t>(std::stol(std::string(raw)));
}

bool gone_soon(pid_t pid) {
  for (int i = 0; i < 1000 && ::kill(pid, 0) == 0; ++i) std::this_thread::sleep_for(10ms);
  return ::kill(pid, 0) != 0;
}

TEST(StdioUpstream, StartsAChildAtItsFirstRequestAndShakesHands) {
  Fixture f(fake());
  auto session = f.open();
  EXPECT_EQ(f.upstream->status().children, 0U);
  const UpstreamReply reply = call(*session, "echo").get();
  EXPECT_FALSE(reply.failure) << reply.detail;
  EXPECT_TRUE(reply.sent);
  EXPECT_EQ(member(reply.result, "initialized"), "true");
  EXPECT_EQ(member(reply.result, "params"), R"({"name":"echo"})");
  const UpstreamStatus status = f.upstream->status();
  EXPECT_TRUE(status.up);
  EXPECT_EQ(status.children, 1U);
  EXPECT_EQ(status.protocol_version, "2025-06-18");
  EXPECT_EQ(status.server_info, R"({"name":"fake","version":"1"})");
  EXPECT_EQ(status.capabilities, R"({"tools":{}})");
}

TEST(StdioUpstream, PassesErrorsOfTheServerOn) {
  Fixture f(fake());
  const UpstreamReply reply = call(*f.open(), "fail").get();
  EXPECT_FALSE(reply.failure);
  EXPECT_EQ(reply.error, R"({"code":-32602,"message":"no such thing"})");
}

TEST(StdioUpstream, SharesChildrenAsTheIsolationSays) {
  const std::vector<std::pair<Isolation, std::size_t>> cases{
      {Isolation::kShared, 1}, {Isolation::kPrincipal, 2}, {Isolation::kSession, 3}};
  for (const auto& [isolation, children] : cases) {
    UpstreamConfig config = fake();
    config.isolation = isolation;
    Fixture f(config);
    const auto a = f.open("ada"), b = f.open("ada"), c = f.open("bob");
    std::set<pid_t> pids;
    for (const auto& session : {a, b, c}) pids.insert(pid_of(call(*session, "echo").get()));
    EXPECT_EQ(pids.size(), children);
    EXPECT_EQ(f.upstream->status().children, children);
    EXPECT_EQ(f.upstream->status().sessions, 3U);
  }
}

TEST(StdioUpstream, RewritesProgressTokensAndExtendsTheDeadlineByProgress) {
  Fixture f(fake());
  auto session = f.open();
  (void)call(*session, "echo").get();
  const std::string params = R"({"name":"progress","_meta":{"progressToken":"mine","x":1}})";
  auto extended = send(*session, {.method = "tools/call", .params = params, .deadline = 500ms, .deadline_max = 10s});
  const UpstreamReply reply = extended.get();
  EXPECT_FALSE(reply.failure) << reply.detail;
  ASSERT_EQ(extended.sunk->all().size(), 5U);
  EXPECT_NE(extended.sunk->all()[4].find(R"("progressToken":"mine")"), std::string::npos);
  EXPECT_EQ(member(member(member(reply.result, "params"), "_meta"), "x"), "1");
  EXPECT_EQ(member(member(member(reply.result, "params"), "_meta"), "progressToken"), std::to_string(extended.ticket));
  EXPECT_EQ(send(*session, {.method = "tools/call", .params = params, .deadline = 100ms, .deadline_max = 200ms})
                .get()
                .failure,
            Cause::kTimeout);
}

TEST(StdioUpstream, TimesOutAndCancelsDownstream) {
  Fixture f(fake());
  auto events = std::make_shared<Events>();
  auto session = f.open("ada", events);
  (void)call(*session, "echo").get();
  auto hung = call(*session, "hang", 50ms);
  const UpstreamReply reply = hung.get();
  EXPECT_EQ(reply.failure, Cause::kTimeout);
  EXPECT_TRUE(reply.sent);
  const std::string seen = events->notifications.wait_for("requestId");
  EXPECT_NE(seen.find(R"("requestId":)" + std::to_string(hung.ticket)), std::string::npos) << seen;
  EXPECT_FALSE(call(*session, "echo").get().failure);
}

TEST(StdioUpstream, CancelsOnDemandWithTheReason) {
  Fixture f(fake());
  auto events = std::make_shared<Events>();
  auto session = f.open("ada", events);
  (void)call(*session, "echo").get();
  auto hung = call(*session, "hang");
  session->cancel(hung.ticket, "the \"user\" left");
  EXPECT_EQ(hung.get().failure, Cause::kCancelled);
  EXPECT_NE(events->notifications.wait_for(R"(the \"user\" left)"), "");
  session->cancel(hung.ticket, "again");
  session->cancel(424242, "unknown");
  EXPECT_FALSE(call(*session, "echo").get().failure);
}

TEST(StdioUpstream, FailsCallsInFlightWhenTheChildCrashesAndStartsItAnew) {
  Fixture f(fake());
  auto session = f.open();
  const pid_t first = pid_of(call(*session, "echo").get());
  auto hung = call(*session, "hang");
  auto crashed = call(*session, "crash");
  EXPECT_EQ(hung.get().failure, Cause::kChildExited);
  const UpstreamReply reply = crashed.get();
  EXPECT_EQ(reply.failure, Cause::kChildExited);
  EXPECT_TRUE(reply.sent);
  EXPECT_NE(reply.detail.find("status 9"), std::string::npos) << reply.detail;
  const UpstreamReply again = call(*session, "echo").get();
  EXPECT_FALSE(again.failure) << again.detail;
  EXPECT_NE(pid_of(again), first);
  EXPECT_EQ(f.upstream->status().restarts, 1U);
  EXPECT_EQ(f.upstream->status().children, 1U);
}

TEST(StdioUpstream, BacksOffAChildThatKeepsCrashing) {
  Fixture f(fake("exit-at-start"));
  auto session = f.open();
  const UpstreamReply first = call(*session, "echo").get();
  EXPECT_EQ(first.failure, Cause::kChildExited);
  EXPECT_FALSE(first.sent);
  EXPECT_NE(first.detail.find("no licence found"), std::string::npos) << first.detail;
  UpstreamReply last;
  for (int i = 0; i < 8 && last.failure != Cause::kStarting; ++i) last = call(*session, "echo").get();
  EXPECT_EQ(last.failure, Cause::kStarting);
  ASSERT_TRUE(last.retry_after.has_value());
  EXPECT_GT(*last.retry_after, 900ms);
  EXPECT_FALSE(f.upstream->status().up);
}

TEST(StdioUpstream, GivesUpOnAServerThatDoesNotShakeHands) {
  UpstreamConfig config = fake("silent");
  config.start_timeout = 100ms;
  Fixture silent(config);
  EXPECT_EQ(call(*silent.open(), "echo").get().failure, Cause::kStarting);
  EXPECT_EQ(call(*silent.open("bob"), "echo", 20ms).get().failure, Cause::kStarting);
  Fixture old(fake("old"));
  EXPECT_EQ(call(*old.open(), "echo").get().failure, Cause::kUpstreamProtocol);
  UpstreamConfig unknown = fake();
  unknown.command = "/no/such/program";
  Fixture missing(unknown);
  const UpstreamReply reply = call(*missing.open(), "echo").get();
  EXPECT_EQ(reply.failure, Cause::kChildExited);
  EXPECT_NE(reply.detail.find("No such file"), std::string::npos) << reply.detail;
}

TEST(StdioUpstream, StepsOverGarbageAndRefusesHugeLines) {
  Fixture f(fake(), {.message_bytes = 100'000});
  auto session = f.open();
  const UpstreamReply garbage = call(*session, "garbage").get();
  EXPECT_FALSE(garbage.failure) << garbage.detail;
  EXPECT_EQ(call(*session, "huge").get().failure, Cause::kTooLarge);
  EXPECT_FALSE(call(*session, "echo").get().failure);
  auto other = call(*session, "hang");
  auto huge = call(*session, "huge");
  EXPECT_EQ(other.get().failure, Cause::kTooLarge);
  EXPECT_EQ(huge.get().failure, Cause::kTooLarge);
}

TEST(StdioUpstream, FlattensLineBreaksOfAPrettyPrintedRequest) {
  Fixture f(fake());
  const UpstreamReply reply = send(*f.open(), {.method = "tools/call", .params = "{\r\n \"name\":\n\"echo\"}"}).get();
  EXPECT_FALSE(reply.failure) << reply.detail;
  EXPECT_EQ(member(member(reply.result, "params"), "name"), "\"echo\"");
}

TEST(StdioUpstream, TellsEverySessionWhatConcernsAllAndTheCallWhatConcernsIt) {
  UpstreamConfig config = fake();
  config.isolation = Isolation::kShared;
  Fixture f(config);
  auto ada = std::make_shared<Events>(), bob = std::make_shared<Events>();
  auto a = f.open("ada", ada), b = f.open("bob", bob);
  (void)call(*a, "changed").get();
  EXPECT_NE(ada->notifications.wait_for("list_changed"), "");
  EXPECT_NE(bob->notifications.wait_for("list_changed"), "");
  auto logged = call(*a, "log");
  (void)logged.get();
  EXPECT_NE(logged.sunk->wait_for("working"), "");
  EXPECT_EQ(bob->notifications.all().size(), 1U);
}

TEST(StdioUpstream, AsksTheAgentWhoseCallItIs) {
  UpstreamConfig config = fake();
  config.isolation = Isolation::kShared;
  Fixture f(config);
  auto a = f.open("ada"), b = f.open("bob");
  auto asking = call(*a, "ask");
  ASSERT_NE(asking.sunk->wait_for("roots/list"), "");
  b->respond(make_result("\"s-1\"", R"({"from":"bob"})"));  // not asked
  a->respond(make_result("\"other\"", R"({"from":"nobody"})"));
  a->respond(make_result("\"s-1\"", R"({"from":"ada"})"));
  EXPECT_EQ(asking.get().result, R"({"answer":{"from":"ada"}})");
}

TEST(StdioUpstream, RefusesAQuestionThatCouldBeMeantForTwo) {
  UpstreamConfig config = fake();
  config.isolation = Isolation::kShared;
  Fixture f(config);
  auto ada = std::make_shared<Events>(), bob = std::make_shared<Events>();
  auto a = f.open("ada", ada), b = f.open("bob", bob);
  (void)call(*a, "echo").get();
  auto hung = call(*b, "hang");
  auto asking = call(*a, "ask", 300ms);
  EXPECT_EQ(asking.get().failure, Cause::kTimeout);  // the fake waits for a result, and got an error
  EXPECT_TRUE(asking.sunk->all().empty());
  EXPECT_TRUE(ada->requests.all().empty() && bob->requests.all().empty());
  b->cancel(hung.ticket, "done");
}

TEST(StdioUpstream, HoldsMaxChildrenAndMaxConcurrent) {
  UpstreamConfig config = fake();
  config.max_children = 1;
  config.max_concurrent = 2;
  Fixture f(config);
  auto ada = f.open("ada");
  const auto refused = f.upstream->open({.key = "bob"});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  auto one = call(*ada, "hang"), two = call(*ada, "hang");
  const UpstreamReply third = call(*ada, "echo").get();
  EXPECT_EQ(third.failure, Cause::kConcurrency);
  EXPECT_FALSE(third.sent);
  ada->cancel(one.ticket, "done");
  ada->cancel(two.ticket, "done");
  (void)two.get();
  const pid_t pid = pid_of(call(*ada, "echo").get());
  ada.reset();
  auto bob = f.open("bob");  // takes the place of the child that nobody holds
  EXPECT_NE(pid_of(call(*bob, "echo").get()), pid);
  EXPECT_TRUE(gone_soon(pid));
}

TEST(StdioUpstream, StopsAChildThatNobodyHolds) {
  UpstreamConfig config = fake();
  config.child_idle = 50ms;
  Fixture f(config);
  auto session = f.open();
  const pid_t pid = pid_of(call(*session, "echo").get());
  session.reset();
  EXPECT_TRUE(gone_soon(pid));
  EXPECT_EQ(f.upstream->status().children, 0U);
  EXPECT_NE(pid_of(call(*f.open(), "echo").get()), pid);
}

TEST(StdioUpstream, CloseEndsEverything) {
  auto events = std::make_shared<Events>();
  pid_t pid = -1;
  testing::Pending hung;
  std::shared_ptr<UpstreamSession> session;
  {
    Fixture f(fake());
    session = f.open("ada", events);
    pid = pid_of(call(*session, "echo").get());
    hung = call(*session, "hang");
    f.upstream->close();
    EXPECT_EQ(hung.get().failure, Cause::kShutdown);
    EXPECT_EQ(f.upstream->open({.key = "bob"}).error().code, ErrorCode::kCancelled);
    EXPECT_EQ(call(*session, "echo").get().failure, Cause::kShutdown);
    EXPECT_NE(events->closed.wait_for("closed"), "");
    session.reset();
  }  // the reactor has run dry
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST(StdioUpstream, ProbesThroughASessionOfItsOwn) {
  Fixture f(fake());
  std::promise<Result<UpstreamStatus>> promise;
  f.upstream->probe([&](Result<UpstreamStatus> status) { promise.set_value(std::move(status)); });
  auto status = promise.get_future().get();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->protocol_version, "2025-06-18");
  Fixture broken(fake("exit-at-start"));
  std::promise<Result<UpstreamStatus>> failed;
  broken.upstream->probe([&](Result<UpstreamStatus> s) { failed.set_value(std::move(s)); });
  EXPECT_EQ(failed.get_future().get().error().code, ErrorCode::kUnavailable);
}

// --- Eras

TEST(StdioUpstream, GreetsALegacyChildThatDoesNotKnowDiscovery) {
  for (const char* mode : {"", "mute-at-discover", "exit-at-discover"}) {
    Fixture f(fake(mode));
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_FALSE(call(*f.open(), "echo").get().failure) << mode;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s) << mode;
    EXPECT_EQ(f.upstream->status().era, Era::kLegacy);
    EXPECT_EQ(f.upstream->status().restarts, 0U);
    const auto again = std::chrono::steady_clock::now();
    EXPECT_FALSE(call(*f.open("bob"), "echo").get().failure) << mode;
    EXPECT_LT(std::chrono::steady_clock::now() - again, 1s) << "remembered; " << mode;
  }
}

TEST(StdioUpstream, SpeaksToAModernChildWithoutAHandshake) {
  for (const char* mode : {"modern", "modern-slow"}) {
    Fixture f(fake(mode));
    auto session = f.open();
    const UpstreamReply reply = call(*session, "echo").get();
    ASSERT_FALSE(reply.failure) << reply.detail;
    EXPECT_NE(member(reply.result, "params").find(R"("io.modelcontextprotocol/clientCapabilities":{"roots":{}})"),
              std::string::npos);
    EXPECT_EQ(member(reply.result, "said"), "[]");
    const UpstreamStatus status = f.upstream->status();
    EXPECT_EQ(status.era, Era::kModern);
    EXPECT_EQ(status.protocol_version, "2026-07-28");
    EXPECT_EQ(status.server_info, R"({"name":"fake","version":"2"})");
    EXPECT_EQ(send(*session, {.method = "ping", .deadline = 5s}).get().result, "{}");
    EXPECT_EQ(send(*session, {.method = "tasks/get", .deadline = 5s}).get().error,
              R"({"code":-32601,"message":"Method not found"})");
  }
}

TEST(StdioUpstream, IsForcedIntoAnEraByTheConfiguration) {
  UpstreamConfig config = fake();
  config.era = EraChoice::kModern;
  const UpstreamReply modern = call(*Fixture(config).open(), "echo").get();
  EXPECT_EQ(modern.failure, Cause::kUpstreamProtocol);
  config = fake("exit-at-discover");
  config.era = EraChoice::kLegacy;
  EXPECT_FALSE(call(*Fixture(config).open(), "echo").get().failure);
}

TEST(StdioUpstream, TakesAModernChildsQuestionsToTheAgent) {
  Fixture f(fake("modern"));
  auto session = f.open();
  auto pending = call(*session, "ask");
  const auto question = Message::parse(pending.sunk->wait_for("roots/list"));
  ASSERT_TRUE(question.has_value());
  session->respond(make_result(question->id(), R"({"roots":[]})"));
  const UpstreamReply reply = pending.get();
  const std::string params(member(reply.result, "params"));
  EXPECT_EQ(member(params, "inputResponses"), R"({"r":{"roots":[]}})") << reply.detail;
  EXPECT_EQ(member(params, "requestState"), R"("s")");
  EXPECT_NE(member(reply.result, "id"), std::to_string(pending.ticket));
  // One that hangs is told so by its present id.
  auto hangs = call(*session, "hang", 100ms);
  EXPECT_EQ(hangs.get().failure, Cause::kTimeout);
  EXPECT_NE(call(*session, "echo").get().result.find("\"requestId\":" + std::to_string(hangs.ticket)),
            std::string::npos);
}

TEST(StdioUpstream, ListensToAModernChild) {
  Fixture f(fake("modern"));
  auto events = std::make_shared<Events>();
  auto session = f.open("ada", events);
  EXPECT_FALSE(call(*session, "changed").get().failure);
  EXPECT_EQ(events->notifications.wait_for("tools/list_changed"),
            R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{}})");
  const auto watch = [&](const char* method) {
    return send(*session, {.method = method, .params = R"({"uri":"a://1"})", .deadline = 5s}).get().result;
  };
  EXPECT_EQ(watch("resources/subscribe"), "{}");
  EXPECT_FALSE(call(*session, "updated").get().failure);
  EXPECT_NE(events->notifications.wait_for("resources/updated").find("a://1"), std::string::npos);
  EXPECT_EQ(watch("resources/unsubscribe"), "{}");
  const UpstreamReply reply = call(*session, "echo").get();
  EXPECT_NE(member(reply.result, "said").find("notifications/cancelled"), std::string::npos) << "the older ones ended";
  // A subscription that the child ends is opened again.
  const std::string before(member(reply.result, "subscription"));
  EXPECT_FALSE(call(*session, "end-subscription").get().failure);
  std::string now = before;
  for (int i = 0; i < 100 && now == before; ++i) {
    std::this_thread::sleep_for(50ms);
    now = member(call(*session, "echo").get().result, "subscription");
  }
  EXPECT_NE(now, before);
}

}  // namespace
}  // namespace bursar::broker
