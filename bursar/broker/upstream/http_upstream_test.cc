#include "bursar/broker/upstream/http_upstream.h"

#include <gtest/gtest.h>

#include "bursar/broker/upstream/fake_http_server.h"
#include "bursar/broker/upstream/http_status.h"
#include "bursar/broker/upstream/upstream_testing.h"

namespace bursar::broker {
namespace {

using namespace std::chrono_literals;
using testing::call;
using testing::Events;
using testing::FakeHttpServer;
using testing::FakeRequest;
using testing::FakeResponse;
using testing::Running;
using testing::send;

std::string initialized(const Message& m, const std::string& version = "2025-11-25") {
  return make_result(m.id(), R"({"protocolVersion":")" + version +
                                 R"(","capabilities":{"tools":{}},"serverInfo":{"name":"fake","version":"1"}})");
}

std::string told(const std::string& what) {
  return make_notification("notifications/message", R"({"level":"info","data":")" + what + "\"}");
}

// Speaks the protocol, and lets a test change what one tool or the GET stream does.
class FakeMcp {
 public:
  using OnCall = std::function<void(const Message&, const FakeRequest&, FakeResponse&)>;
  std::map<std::string, OnCall> tools;
  std::function<void(const FakeRequest&, FakeResponse&)> on_get = [](const FakeRequest&, FakeResponse& out) {
    out.full(405, "", "");
  };
  std::atomic<int> sessions{0};
  std::string version = "2025-11-25";

  void operator()(const FakeRequest& request, FakeResponse& out) {
    if (request.verb == "GET") return on_get(request, out);
    if (request.verb == "DELETE") return out.full(200, "", "");
    auto message = Message::parse(request.body);
    if (!message) return out.full(400, "text/plain", "what?");
    if (message->method() == "initialize") {
      return out.json(initialized(*message, version), "Mcp-Session-Id: s-" + std::to_string(++sessions) + "\r\n");
    }
    if (request.header("mcp-session-id") != "s-" + std::to_string(sessions)) return out.full(404, "", "");
    if (message->kind() != MessageKind::kRequest) return out.full(202, "", "");
    if (message->method() == "ping") return out.json(make_result(message->id(), "{}"));
    const auto tool = tools.find(std::string(message->name()));
    if (tool != tools.end()) return tool->second(*message, request, out);
    out.json(make_result(message->id(), R"({"params":)" + std::string(message->params()) + "}"));
  }
};

struct Fixture {
  explicit Fixture(UpstreamLimits limits = {}) : limits_(limits) {}
  ~Fixture() {
    if (upstream) upstream->close();
  }
  std::shared_ptr<UpstreamSession> open(const std::string& key = "ada", std::shared_ptr<Events> events = {}) {
    if (!upstream) {
      config.name = "fake";
      config.url = server.url();
      upstream = *make_upstream(config, running.pool, limits_);
    }
    return *upstream->open({.key = key, .capabilities = R"({"roots":{}})", .events = std::move(events)});
  }
  FakeMcp mcp;
  FakeHttpServer server{[this](const FakeRequest& request, FakeResponse& out) { mcp(request, out); }};
  UpstreamConfig config;
  UpstreamLimits limits_;
  Running running;
  std::shared_ptr<Upstream> upstream;
};

TEST(HttpUpstream, ShakesHandsOnceAndKeepsItsConnection) {
  Fixture f;
  f.config.headers = {{"Authorization", "Bearer own"}, {"X-Team", "a"}};
  auto session = f.open();
  for (int i = 0; i < 5; ++i) {
    const UpstreamReply reply = call(*session, "echo").get();
    EXPECT_FALSE(reply.failure) << reply.detail;
    EXPECT_EQ(reply.result, R"({"params":{"name":"echo"}})");
    EXPECT_TRUE(reply.sent);
  }
  EXPECT_EQ(f.mcp.sessions, 1);
  EXPECT_TRUE(f.server.wait_for([](const FakeRequest& r) { return r.verb == "GET"; }));
  EXPECT_LE(f.server.accepted(), 2);  // one for the calls, one for the GET stream
  for (const auto& request : f.server.seen()) {
    EXPECT_EQ(request.header("authorization"), "Bearer own");
    EXPECT_EQ(request.header("x-team"), "a");
    EXPECT_EQ(request.target, "/mcp");
    if (request.body.find("server/discover") != std::string::npos) continue;
    const bool first = request.body.find("\"initialize\"") != std::string::npos;
    EXPECT_EQ(request.header("mcp-session-id"), first ? "" : "s-1");
    EXPECT_EQ(request.header("mcp-protocol-version"), first ? "" : "2025-11-25");
  }
  EXPECT_EQ(f.upstream->status().server_info, R"({"name":"fake","version":"1"})");
  EXPECT_TRUE(f.upstream->status().up);
}

TEST(HttpUpstream, ManyCallsAtOnceShareOneHandshake) {
  Fixture f;
  auto session = f.open();
  std::vector<testing::Pending> calls;
  for (int i = 0; i < 32; ++i) calls.push_back(call(*session, "t" + std::to_string(i)));
  for (int i = 0; i < 32; ++i) {
    const UpstreamReply reply = calls[static_cast<std::size_t>(i)].get();
    EXPECT_EQ(member(member(reply.result, "params"), "name"), "\"t" + std::to_string(i) + "\"") << reply.detail;
  }
  EXPECT_EQ(f.mcp.sessions, 1);
}

TEST(HttpUpstream, EndsASessionThatNobodyHolds) {
  Fixture f;
  f.config.child_idle = 50ms;
  auto session = f.open();
  EXPECT_FALSE(call(*session, "echo").get().failure);
  session.reset();
  EXPECT_TRUE(f.server.wait_for([](const FakeRequest& r) { return r.verb == "DELETE"; }));
  EXPECT_FALSE(call(*f.open(), "echo").get().failure);
  EXPECT_EQ(f.mcp.sessions, 2);
}

TEST(HttpUpstream, SharesUpstreamSessionsAsTheIsolationSays) {
  const std::vector<std::pair<Isolation, int>> cases{
      {Isolation::kShared, 1}, {Isolation::kPrincipal, 2}, {Isolation::kSession, 3}};
  for (const auto& [isolation, sessions] : cases) {
    int opened = 0;
    FakeHttpServer server([&](const FakeRequest& request, FakeResponse& out) {
      auto m = Message::parse(request.body);
      if (m && m->method() == "initialize") return out.json(initialized(*m), "Mcp-Session-Id: s\r\n"), void(++opened);
      if (!m || m->kind() != MessageKind::kRequest) return out.full(202, "", "");
      out.json(make_result(m->id(), "{}"));
    });
    Running running;
    UpstreamConfig config;
    config.url = server.url();
    config.isolation = isolation;
    auto upstream = *make_upstream(config, running.pool);
    std::vector<std::shared_ptr<UpstreamSession>> open;
    for (const char* key : {"ada", "ada", "bob"}) open.push_back(*upstream->open({.key = key}));
    for (auto& session : open) EXPECT_FALSE(call(*session, "x").get().failure);
    EXPECT_EQ(opened, sessions);
    upstream->close();
  }
}

TEST(HttpUpstream, ReadsAnEventStreamWithProgressAndLogs) {
  Fixture f;
  f.mcp.tools["slow"] = [](const Message& m, const FakeRequest&, FakeResponse& out) {
    out.begin_events();
    out.chunk(": hello\n\n");
    out.event(told("one"));
    const std::string progress = make_notification(
        "notifications/progress", R"({"progressToken":)" + std::string(m.progress_token()) + R"(,"progress":1})");
    for (int i = 0; i < 4; ++i) {
      std::this_thread::sleep_for(150ms);
      out.event(progress);
    }
    out.event("not json");
    out.event(make_result(m.id(), R"({"ok":true})"));
    out.end_events();
  };
  auto session = f.open();
  (void)call(*session, "echo").get();
  auto slow = send(*session, {.method = "tools/call",
                              .params = R"({"name":"slow","_meta":{"progressToken":"p"}})",
                              .deadline = 400ms,
                              .deadline_max = 5s});
  const UpstreamReply reply = slow.get();
  EXPECT_EQ(reply.result, R"({"ok":true})") << reply.detail;
  ASSERT_EQ(slow.sunk->all().size(), 5U);
  EXPECT_NE(slow.sunk->all()[4].find(R"("progressToken":"p")"), std::string::npos);
}

TEST(HttpUpstream, ResumesAStreamThatTheServerClosed) {
  Fixture f;
  Ticket asked = 0;
  f.mcp.tools["poll"] = [&](const Message& m, const FakeRequest&, FakeResponse& out) {
    asked = std::stoull(std::string(m.id()));
    out.begin_events();
    out.event("", "id: e-1\nretry: 10\n");
    out.end_events();
  };
  std::atomic<int> resumed{0};
  f.mcp.on_get = [&](const FakeRequest& request, FakeResponse& out) {
    if (request.header("last-event-id").empty()) return out.full(405, "", "");
    out.begin_events();
    if (++resumed == 1) {
      out.event("", "id: e-2\n");
    } else {
      EXPECT_EQ(request.header("last-event-id"), "e-2");
      out.event(make_result(std::to_string(asked), R"({"late":true})"));
    }
    out.end_events();
  };
  const UpstreamReply reply = call(*f.open(), "poll").get();
  EXPECT_EQ(reply.result, R"({"late":true})") << reply.detail;
  EXPECT_EQ(resumed, 2);
}

TEST(HttpUpstream, FailsWithResetWhereAStreamBreaksOff) {
  Fixture f;
  f.mcp.tools["half"] = [](const Message&, const FakeRequest&, FakeResponse& out) {
    out.begin_events();
    out.chunk("data: {\"jsonrpc\":\"2.0\",");
    out.hang_up();
  };
  f.mcp.tools["early"] = [](const Message&, const FakeRequest&, FakeResponse& out) { out.hang_up(); };
  f.mcp.tools["short"] = [](const Message&, const FakeRequest&, FakeResponse& out) {
    out.raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"json");
    out.hang_up();
  };
  f.mcp.tools["clean"] = [](const Message&, const FakeRequest&, FakeResponse& out) {
    out.begin_events();
    out.event(told("bye"));
    out.end_events();
  };
  auto session = f.open();
  for (const char* tool : {"half", "early", "short", "clean"}) {
    const UpstreamReply reply = call(*session, tool).get();
    EXPECT_EQ(reply.failure, Cause::kReset) << tool;
    EXPECT_TRUE(reply.sent) << tool;
  }
  EXPECT_FALSE(call(*session, "echo").get().failure);
}

TEST(HttpUpstream, RefusesGarbageAndWhatIsTooLarge) {
  Fixture f({.message_bytes = 10'000});
  const auto body = [](const std::string& type, const std::string& text) {
    return [=](const Message&, const FakeRequest&, FakeResponse& out) { out.full(200, type, text); };
  };
  f.mcp.tools["garbage"] = body("application/json", "<html>");
  f.mcp.tools["html"] = body("text/html", "<html>");
  f.mcp.tools["other"] = body("application/json", make_result("999999", "{}"));
  f.mcp.tools["batch"] = body("application/json", "[]");
  f.mcp.tools["nohttp"] = [](const Message&, const FakeRequest&, FakeResponse& out) {
    out.raw("SSH-2.0-OpenSSH\r\n\r\n");
    out.hang_up();
  };
  f.mcp.tools["huge"] = body("application/json", std::string(20'000, ' '));
  f.mcp.tools["hugeevent"] = [](const Message&, const FakeRequest&, FakeResponse& out) {
    out.begin_events();
    out.event(std::string(20'000, 'x'));
    out.wait_for_client_to_leave();
    out.hang_up();
  };
  f.mcp.tools["hugehead"] = [](const Message&, const FakeRequest&, FakeResponse& out) {
    out.raw("HTTP/1.1 200 OK\r\nX-Long: " + std::string(40'000, 'x') + "\r\n\r\n");
    out.hang_up();
  };
  auto session = f.open();
  for (const char* tool : {"garbage", "html", "other", "batch"}) {
    EXPECT_EQ(call(*session, tool).get().failure, Cause::kUpstreamProtocol) << tool;
  }
  EXPECT_EQ(call(*session, "nohttp").get().failure, Cause::kUpstreamProtocol);
  EXPECT_EQ(call(*session, "huge").get().failure, Cause::kTooLarge);
  EXPECT_EQ(call(*session, "hugeevent").get().failure, Cause::kTooLarge);
  EXPECT_EQ(call(*session, "hugehead").get().failure, Cause::kTooLarge);
  EXPECT_FALSE(call(*session, "echo").get().failure);
}

TEST(HttpUpstream, OpensANewSessionOnceWhereTheServerForgotTheOldOne) {
  Fixture f;
  auto session = f.open();
  EXPECT_FALSE(call(*session, "echo").get().failure);
  f.mcp.sessions += 1;  // the server now knows another session only
  std::vector<testing::Pending> calls;
  for (int i = 0; i < 8; ++i) calls.push_back(call(*session, "echo"));
  for (auto& pending : calls) {
    const UpstreamReply reply = pending.get();
    EXPECT_FALSE(reply.failure) << reply.detail;
  }
  EXPECT_EQ(f.mcp.sessions, 3);
  f.mcp.tools["never"] = [](const Message&, const FakeRequest&, FakeResponse& out) { out.full(404, "", ""); };
  EXPECT_EQ(call(*session, "never").get().failure, Cause::kUpstreamProtocol);
  f.mcp.tools["restarted"] = [n = 0](const Message& m, const FakeRequest&, FakeResponse& out) mutable {
    if (n++ > 0) return out.json(make_result(m.id(), "{}"));
    out.full(400, "application/json", make_error("", -32000, "Bad Request: No valid session ID provided"));
  };
  EXPECT_FALSE(call(*session, "restarted").get().failure);
}

TEST(HttpUpstream, NamesTheCauseOfEveryRefusal) {
  Fixture f;
  const std::map<int, Cause> causes{
      {401, Cause::kUnauthorised},     {403, Cause::kForbidden},       {413, Cause::kTooLarge},
      {429, Cause::kRateLimited},      {500, Cause::kUpstreamBug},     {502, Cause::kBadGateway},
      {503, Cause::kBadGateway},       {504, Cause::kBadGateway},      {400, Cause::kBadRequest},
      {302, Cause::kUpstreamProtocol}, {202, Cause::kUpstreamProtocol}};
  for (const auto& [status, cause] : causes) {
    f.mcp.tools[std::to_string(status)] = [status = status](const Message&, const FakeRequest&, FakeResponse& out) {
      out.full(status, "text/plain", "sorry", "Retry-After: 7\r\nLocation: http://127.0.0.1:1/\r\n");
    };
  }
  f.mcp.tools["rpc"] = [](const Message& m, const FakeRequest&, FakeResponse& out) {
    out.full(400, "application/json", make_error(m.id(), -32602, "bad cursor"));
  };
  auto session = f.open();
  for (const auto& [status, cause] : causes) {
    const UpstreamReply reply = call(*session, std::to_string(status)).get();
    EXPECT_EQ(reply.failure, cause) << status;
    EXPECT_EQ(reply.http_status, status);
    EXPECT_EQ(reply.retry_after, 7s);
  }
  const UpstreamReply rpc = call(*session, "rpc").get();
  EXPECT_FALSE(rpc.failure);
  EXPECT_EQ(rpc.error, R"({"code":-32602,"message":"bad cursor"})");
}

TEST(HttpUpstream, TimesOutAndTellsTheServer) {
  Fixture f;
  f.mcp.tools["hang"] = [](const Message&, const FakeRequest&, FakeResponse& out) {
    out.wait_for_client_to_leave();
    out.hang_up();
  };
  f.mcp.tools["hangevents"] = [](const Message&, const FakeRequest&, FakeResponse& out) {
    out.begin_events();
    out.wait_for_client_to_leave();
    out.hang_up();
  };
  auto session = f.open();
  (void)call(*session, "echo").get();
  for (const char* tool : {"hang", "hangevents"}) {
    auto hung = call(*session, tool, 300ms);
    const UpstreamReply reply = hung.get();
    EXPECT_EQ(reply.failure, Cause::kTimeout);
    EXPECT_TRUE(reply.sent);
    EXPECT_TRUE(f.server.wait_for([&](const FakeRequest& r) {
      return r.body.find(R"("requestId":)" + std::to_string(hung.ticket)) != std::string::npos;
    }));
  }
  auto cancelled = call(*session, "hang");
  EXPECT_TRUE(f.server.wait_for([&](const FakeRequest& r) {
    return r.body.find(R"("id":)" + std::to_string(cancelled.ticket)) != std::string::npos;
  }));
  session->cancel(cancelled.ticket, "enough");
  EXPECT_EQ(cancelled.get().failure, Cause::kCancelled);
  EXPECT_FALSE(call(*session, "echo").get().failure);
}

TEST(HttpUpstream, ReportsWhatCannotBeReached) {
  Running running;
  UpstreamConfig config;
  {
    FakeHttpServer gone([](const FakeRequest&, FakeResponse&) {});
    config.url = gone.url();
  }
  auto upstream = *make_upstream(config, running.pool);
  auto session = *upstream->open({.key = "ada"});
  const UpstreamReply reply = call(*session, "echo").get();
  EXPECT_EQ(reply.failure, Cause::kConnect);
  EXPECT_FALSE(reply.sent);
  std::promise<Result<UpstreamStatus>> probed;
  upstream->probe([&](Result<UpstreamStatus> status) { probed.set_value(std::move(status)); });
  EXPECT_EQ(probed.get_future().get().error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(upstream->status().up);
  upstream->close();
}

TEST(HttpUpstream, GivesUpOnAServerThatDoesNotShakeHands) {
  Running running;
  FakeHttpServer silent([](const FakeRequest&, FakeResponse& out) {
    out.wait_for_client_to_leave();
    out.hang_up();
  });
  UpstreamConfig config;
  config.url = silent.url();
  config.start_timeout = 100ms;
  auto upstream = *make_upstream(config, running.pool);
  auto session = *upstream->open({.key = "ada"});
  const UpstreamReply reply = call(*session, "echo").get();
  EXPECT_EQ(reply.failure, Cause::kStarting) << reply.detail;
  EXPECT_FALSE(reply.sent);
  upstream->close();
  Fixture old;
  old.mcp.version = "1999-01-01";
  EXPECT_EQ(call(*old.open(), "echo").get().failure, Cause::kUpstreamProtocol);
}

TEST(HttpUpstream, ListensForWhatTheServerSaysByItself) {
  Fixture f;
  std::atomic<int> gets{0};
  f.mcp.on_get = [&](const FakeRequest& request, FakeResponse& out) {
    out.begin_events();
    if (++gets == 1) {
      out.event(make_notification("notifications/tools/list_changed", {}), "id: g-1\nretry: 10\n");
      out.end_events();
    } else {
      EXPECT_EQ(request.header("last-event-id"), "g-1");
      out.event(make_request("\"q-1\"", "roots/list", {}));
      out.wait_for_client_to_leave();
      out.hang_up();
    }
  };
  auto events = std::make_shared<Events>();
  auto session = f.open("ada", events);
  (void)call(*session, "echo").get();
  EXPECT_NE(events->notifications.wait_for("list_changed"), "");
  EXPECT_NE(events->requests.wait_for("roots/list"), "");
  session->respond(make_result("\"q-1\"", R"({"roots":[]})"));
  EXPECT_TRUE(
      f.server.wait_for([](const FakeRequest& r) { return r.body.find(R"("roots":[])") != std::string::npos; }));
}

TEST(HttpUpstream, DeletesItsSessionWhenItCloses) {
  auto events = std::make_shared<Events>();
  Fixture f;
  f.config.isolation = Isolation::kSession;
  auto session = f.open("ada", events);
  (void)call(*session, "echo").get();
  session.reset();
  const auto deleted = [](const std::string& id) {
    return [id](const FakeRequest& r) { return r.verb == "DELETE" && r.header("mcp-session-id") == id; };
  };
  EXPECT_TRUE(f.server.wait_for(deleted("s-1")));
  auto other = f.open("bob", events);
  (void)call(*other, "echo").get();
  f.upstream->close();
  EXPECT_NE(events->closed.wait_for("closed"), "");
  EXPECT_TRUE(f.server.wait_for(deleted("s-2")));
  EXPECT_EQ(call(*other, "echo").get().failure, Cause::kShutdown);
}

TEST(HttpUpstream, WorksFromManyThreadsAtOnce) {
  FakeHttpServer server([](const FakeRequest& request, FakeResponse& out) {
    auto m = Message::parse(request.body);
    if (!m || m->kind() != MessageKind::kRequest) return out.full(request.verb == "GET" ? 405 : 202, "", "");
    out.json(m->method() == "initialize" ? initialized(*m) : make_result(m->id(), std::string(m->params())));
  });
  Running running(2);
  UpstreamConfig config;
  config.url = server.url();
  auto upstream = *make_upstream(config, running.pool);
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      auto session = *upstream->open({.key = std::to_string(t % 2)});
      for (int i = 0; i < 25; ++i) {
        const std::string name = std::to_string(t) + "-" + std::to_string(i);
        good += member(call(*session, name).get().result, "name") == "\"" + name + "\"";
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 100);
  upstream->close();
}

TEST(HttpUpstream, RefusesHeadersThatWouldBreakItsRequests) {
  Running running;
  UpstreamConfig config;
  config.url = "http://127.0.0.1:1/";
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"X-A", "b\r\nEvil: 1"}, {"X A", "b"}, {"", "b"}, {"Content-Length", "3"}, {"mcp-session-id", "x"}}) {
    config.headers = {{name, value}};
    EXPECT_FALSE(make_upstream(config, running.pool).has_value()) << name;
  }
  config.headers = {};
  config.url = "ftp://x";
  EXPECT_FALSE(make_upstream(config, running.pool).has_value());
  config.command = "also";
  EXPECT_FALSE(make_upstream(config, running.pool).has_value());
}

TEST(HttpStatus, KnowsMediaTypesAndSessionIds) {
  EXPECT_TRUE(is_media_type("Text/Event-Stream ; charset=utf-8", "text/event-stream"));
  EXPECT_FALSE(is_media_type("text/event-streams", "text/event-stream"));
  EXPECT_TRUE(valid_session_id("abc-1"));
  EXPECT_FALSE(valid_session_id(""));
  EXPECT_FALSE(valid_session_id("a b"));
  EXPECT_FALSE(valid_session_id(std::string(1025, 'a')));
  EXPECT_FALSE(says_session_is_gone(400, make_error("1", -32602, "bad cursor")));
}

}  // namespace
}  // namespace bursar::broker
