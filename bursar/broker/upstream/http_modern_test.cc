// HTTP upstreams of revision 2026-07-28, and those whose era is to be found out.
#include <gtest/gtest.h>

#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/upstream/fake_http_server.h"
#include "bursar/broker/upstream/modern.h"
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

constexpr std::string_view kDiscovery =
    R"({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true},"logging":{}},"instructions":"be kind","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"fake","version":"2"}},"ttlMs":1000,"cacheScope":"public"})";

std::string_view meta(const Message& m, std::string_view key) {
  return raw_member(m.meta(), "io.modelcontextprotocol/" + std::string(key));
}

std::string of_subscription(std::string_view id, std::string_view more = {}) {
  return R"({"_meta":{"io.modelcontextprotocol/subscriptionId":)" + std::string(id) + "}" + std::string(more) + "}";
}

// A server of the modern era, as strict as one should be; a test changes what a tool or a method does. May turn into
// one of the legacy era.
class FakeModern {
 public:
  using OnCall = std::function<void(const Message&, const FakeRequest&, FakeResponse&)>;
  std::map<std::string, OnCall> tools, methods;
  std::atomic<bool> legacy{false};
  testing::Log listens;

  void operator()(const FakeRequest& request, FakeResponse& out) {
    auto message = Message::parse(request.body);
    if (legacy) return as_legacy(request, message, out);
    if (request.verb != "POST" || !message) return out.full(405, "", "");
    const Message& m = *message;
    if (meta(m, "protocolVersion") != R"("2026-07-28")" || request.header("mcp-protocol-version") != kModernVersion) {
      return refuse(m, -32022, R"({"supported":["2026-07-28"],"requested":"?"})", out);
    }
    if (meta(m, "clientCapabilities").empty()) return refuse(m, -32602, {}, out);
    if (request.header("mcp-method") != m.method()) return refuse(m, -32020, {}, out);
    if (m.method() == "tools/call" && request.header("mcp-name") != m.name()) return refuse(m, -32020, {}, out);
    if (!request.header("mcp-session-id").empty()) return refuse(m, -32600, {}, out);
    if (const auto method = methods.find(std::string(m.method())); method != methods.end())
      return method->second(m, request, out);
    if (m.method() == "server/discover") return out.json(make_result(m.id(), kDiscovery));
    if (m.method() == "subscriptions/listen") return listen(m, out);
    if (m.method() != "tools/call") {
      return out.full(404, "application/json", make_error(m.id(), -32601, "Method not found"));
    }
    if (const auto tool = tools.find(std::string(m.name())); tool != tools.end()) return tool->second(m, request, out);
    out.json(make_result(m.id(), R"({"resultType":"complete","params":)" + std::string(m.params()) + "}"));
  }

  void refuse(const Message& m, int code, std::string_view data, FakeResponse& out) {
    out.full(400, "application/json", make_error(m.id(), code, "refused", data));
  }

  // Acknowledges, says that the tools changed, and stays open.
  void listen(const Message& m, FakeResponse& out) {
    listens.add(std::string(m.params()));
    out.begin_events();
    out.event(make_notification("notifications/subscriptions/acknowledged",
                                of_subscription(m.id(), ",\"notifications\":{}")));
    out.event(make_notification("notifications/tools/list_changed", of_subscription(m.id())));
    out.wait_for_client_to_leave();
    out.hang_up();
  }

 private:
  static void as_legacy(const FakeRequest& request, const Result<Message>& m, FakeResponse& out) {
    if (request.verb == "GET") return out.full(405, "", "");
    if (!m || m->kind() != MessageKind::kRequest) return out.full(202, "", "");
    if (m->method() == "initialize") {
      return out.json(make_result(
          m->id(), R"({"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"old","version":"1"}})"));
    }
    if (request.header("mcp-protocol-version") != "2025-11-25") {
      return out.full(400, "application/json",
                      make_error("", -32000, "Bad Request: Unsupported protocol version (supported: 2025-11-25)"));
    }
    out.json(make_result(m->id(), R"({"old":)" + std::string(m->params()) + "}"));
  }
};

struct Fixture {
  ~Fixture() {
    if (upstream) upstream->close();
  }
  std::shared_ptr<UpstreamSession> open(std::shared_ptr<Events> events = {}, const std::string& key = "ada",
                                        const std::string& capabilities = R"({"roots":{}})") {
    if (!upstream) {
      config.name = "fake";
      config.url = server.url();
      upstream = *make_upstream(config, running.pool, limits);
    }
    return *upstream->open({.key = key,
                            .capabilities = capabilities,
                            .client_info = R"({"name":"agent","version":"3"})",
                            .events = std::move(events)});
  }
  std::size_t count(std::string_view method) const {
    const auto all = server.seen();
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const FakeRequest& r) {
      return r.body.find("\"method\":\"" + std::string(method) + "\"") != std::string::npos;
    }));
  }
  FakeModern mcp;
  FakeHttpServer server{[this](const FakeRequest& request, FakeResponse& out) { mcp(request, out); }};
  UpstreamConfig config;
  UpstreamLimits limits;
  Running running;
  std::shared_ptr<Upstream> upstream;
};

TEST(ModernHttpUpstream, AsksOnceAndThenSaysAllInEveryRequest) {
  Fixture f;
  auto session = f.open();
  for (int i = 0; i < 3; ++i) {
    const UpstreamReply reply = call(*session, "echo").get();
    ASSERT_FALSE(reply.failure) << reply.detail;
    const std::string params(raw_member(reply.result, "params"));
    EXPECT_EQ(raw_member(reply.result, "resultType"), R"("complete")");
    EXPECT_EQ(raw_member(raw_member(params, "_meta"), kMetaCapabilities), R"({"roots":{}})");
    EXPECT_EQ(raw_member(raw_member(params, "_meta"), kMetaClientInfo), R"({"name":"agent","version":"3"})");
    EXPECT_EQ(raw_member(raw_member(params, "_meta"), kMetaLogLevel), "");
  }
  EXPECT_EQ(f.count("server/discover"), 1U);
  EXPECT_EQ(f.count("initialize"), 0U);
  const UpstreamStatus status = f.upstream->status();
  EXPECT_EQ(status.era, Era::kModern);
  EXPECT_TRUE(status.up);
  EXPECT_EQ(status.protocol_version, "2026-07-28");
  EXPECT_EQ(status.server_info, R"({"name":"fake","version":"2"})");
  EXPECT_EQ(status.instructions, R"("be kind")");
  // Another session needs no handshake at all.
  auto other = f.open({}, "bob", R"({"sampling":{}})");
  EXPECT_NE(call(*other, "echo").get().result.find(R"("io.modelcontextprotocol/clientCapabilities":{"sampling":{}})"),
            std::string::npos);
  EXPECT_EQ(f.count("server/discover"), 1U);
}

TEST(ModernHttpUpstream, IsProbedByDiscovery) {
  Fixture f;
  f.open();
  for (int i = 0; i < 2; ++i) {
    std::promise<Result<UpstreamStatus>> promise;
    f.upstream->probe([&](Result<UpstreamStatus> status) { promise.set_value(std::move(status)); });
    const auto status = promise.get_future().get();
    ASSERT_TRUE(status.has_value()) << status.error().message;
    EXPECT_EQ(status->era, Era::kModern);
    EXPECT_EQ(status->capabilities, raw_member(kDiscovery, "capabilities"));
  }
}

TEST(ModernHttpUpstream, TriesAgainWhereItsVersionIsNamedInTheRefusal) {
  Fixture f;
  std::atomic<int> refused{0};
  f.mcp.methods["server/discover"] = [&](const Message& m, const FakeRequest&, FakeResponse& out) {
    if (refused++ == 0) return f.mcp.refuse(m, -32022, R"({"supported":["2026-07-28"]})", out);
    out.json(make_result(m.id(), kDiscovery));
  };
  EXPECT_FALSE(call(*f.open(), "echo").get().failure);
  EXPECT_EQ(refused, 2);
}

TEST(ModernHttpUpstream, IsForcedByTheConfiguration) {
  for (const EraChoice era : {EraChoice::kModern, EraChoice::kLegacy}) {
    Fixture f;
    f.mcp.legacy = era == EraChoice::kModern;
    f.config.era = era;
    const UpstreamReply reply = call(*f.open(), "echo").get();
    EXPECT_EQ(reply.failure, Cause::kUpstreamProtocol);
    EXPECT_EQ(f.count("server/discover"), era == EraChoice::kModern ? 1U : 0U);
    EXPECT_EQ(f.count("initialize"), era == EraChoice::kLegacy ? 1U : 0U);
  }
}

TEST(ModernHttpUpstream, FollowsAServerThatIsUpgradedOrDowngraded) {
  Fixture f;
  f.mcp.legacy = true;
  auto session = f.open();
  EXPECT_EQ(call(*session, "echo").get().result, R"({"old":{"name":"echo"}})");
  EXPECT_EQ(f.upstream->status().era, Era::kLegacy);
  f.mcp.legacy = false;
  const UpstreamReply reply = call(*session, "echo").get();
  EXPECT_EQ(raw_member(reply.result, "resultType"), R"("complete")") << reply.detail << reply.error;
  EXPECT_EQ(f.upstream->status().era, Era::kModern);
  f.mcp.legacy = true;
  EXPECT_EQ(call(*session, "echo").get().result, R"({"old":{"name":"echo"}})");
  EXPECT_EQ(f.upstream->status().era, Era::kLegacy);
}

// --- Input rounds

void ask(const Message& m, FakeResponse& out, const std::string& more) {
  out.json(make_result(m.id(), R"({"resultType":"input_required",)" + more + "}"));
}

TEST(ModernHttpUpstream, AsksTheAgentAndRepeatsTheRequestWithTheAnswers) {
  Fixture f;
  f.mcp.tools["ask"] = [](const Message& m, const FakeRequest&, FakeResponse& out) {
    if (raw_member(m.params(), "inputResponses").empty())
      return ask(
          m, out,
          R"("inputRequests":{"a":{"method":"roots/list"},"b":{"method":"elicitation/create","params":{"message":"?"}}},"requestState":"s\u0020")");
    out.json(make_result(m.id(), R"({"id":)" + std::string(m.id()) + R"(,"params":)" + std::string(m.params()) + "}"));
  };
  auto session = f.open();
  auto pending = call(*session, "ask", 500ms);
  const auto first = Message::parse(pending.sunk->wait_for("roots/list"));
  const auto second = Message::parse(pending.sunk->wait_for("elicitation/create"));
  ASSERT_TRUE(first && second);
  std::this_thread::sleep_for(600ms);  // longer than the server may take
  session->respond(make_result(second->id(), R"({"action":"accept"})"));
  session->respond(make_result(first->id(), R"({"roots":[]})"));
  session->respond(make_result(first->id(), R"({"roots":["again"]})"));
  const UpstreamReply reply = pending.get();
  ASSERT_FALSE(reply.failure) << reply.detail;
  const std::string params(raw_member(reply.result, "params"));
  EXPECT_EQ(raw_member(raw_member(params, "inputResponses"), "a"), R"({"roots":[]})");
  EXPECT_EQ(raw_member(raw_member(params, "inputResponses"), "b"), R"({"action":"accept"})");
  EXPECT_EQ(raw_member(params, "requestState"), R"("s\u0020")");
  EXPECT_NE(raw_member(reply.result, "id"), std::to_string(pending.ticket));
}

TEST(ModernHttpUpstream, HandsARoundBackToACallerThatTakesIt) {
  Fixture f;
  f.mcp.tools["ask"] = [](const Message& m, const FakeRequest&, FakeResponse& out) {
    if (raw_member(m.params(), "inputResponses").empty())
      return ask(m, out, R"("inputRequests":{"a":{"method":"roots/list"}},"requestState":"s")");
    out.json(make_result(m.id(), std::string(m.params())));
  };
  auto session = f.open();
  auto pending =
      send(*session, {.method = "tools/call", .params = R"({"name":"ask"})", .accepts_input_required = true});
  EXPECT_EQ(pending.get().result,
            R"({"resultType":"input_required","inputRequests":{"a":{"method":"roots/list"}},"requestState":"s"})");
  EXPECT_TRUE(pending.sunk->all().empty());
  const UpstreamReply reply =
      send(*session, {.method = "tools/call",
                      .params = R"({"name":"ask","inputResponses":{"a":{}},"requestState":"s"})",
                      .accepts_input_required = true})
          .get();
  EXPECT_EQ(raw_member(reply.result, "requestState"), R"("s")");
}

TEST(ModernHttpUpstream, EndsRoundsThatLeadNowhere) {
  Fixture f;
  f.mcp.tools["busy"] = [](const Message& m, const FakeRequest&, FakeResponse& out) {
    if (raw_member(m.params(), "requestState").empty()) return ask(m, out, R"("requestState":"later")");
    out.json(make_result(m.id(), R"({"done":true})"));
  };
  f.mcp.tools["asks-on"] = [](const Message& m, const FakeRequest&, FakeResponse& out) {
    ask(m, out, R"("inputRequests":{"a":{"method":"roots/list"}})");
  };
  f.mcp.tools["nothing"] = [](const Message& m, const FakeRequest&, FakeResponse& out) {
    ask(m, out, R"("inputRequests":{})");
  };
  auto session = f.open();
  EXPECT_EQ(call(*session, "busy").get().result, R"({"done":true})");
  EXPECT_EQ(call(*session, "nothing").get().failure, Cause::kUpstreamProtocol);
  auto promise = std::make_shared<std::promise<UpstreamReply>>();
  session->request(
      {.method = "tools/call", .params = R"({"name":"asks-on"})", .deadline = 10s},
      [&](const Message& m) { session->respond(make_result(m.id(), "{}")); },
      [promise](UpstreamReply reply) { promise->set_value(std::move(reply)); });
  const UpstreamReply reply = promise->get_future().get();
  EXPECT_EQ(reply.failure, Cause::kUpstreamProtocol);
  EXPECT_NE(reply.detail.find("after 10 rounds"), std::string::npos) << reply.detail;
  // An agent that cannot answer ends the call with what it said.
  auto refused = call(*session, "asks-on");
  const auto question = Message::parse(refused.sunk->wait_for("roots/list"));
  session->respond(make_error(question->id(), -32601, "no roots here"));
  EXPECT_EQ(refused.get().error, R"({"code":-32601,"message":"no roots here"})");
}

// --- What the era has no method for

TEST(ModernHttpUpstream, DoesItselfWhatTheServerNoLongerKnows) {
  Fixture f;
  auto session = f.open();
  const auto result = [&](const std::string& method, const std::string& params) {
    return send(*session, {.method = method, .params = params, .deadline = 5s}).get();
  };
  EXPECT_EQ(result("ping", "").result, "{}");
  EXPECT_EQ(result("logging/setLevel", R"({"level":"warning"})").result, "{}");
  EXPECT_EQ(error_code_of(result("logging/setLevel", R"({"level":"loud"})").error), -32602);
  const UpstreamReply reply = call(*session, "echo").get();
  EXPECT_NE(reply.result.find(R"("io.modelcontextprotocol/logLevel":"warning")"), std::string::npos);
  session->notify("notifications/roots/list_changed", "{}");
  EXPECT_FALSE(call(*session, "echo").get().failure);
  for (const char* method : {"ping", "logging/setLevel", "notifications/roots/list_changed"})
    EXPECT_EQ(f.count(method), 0U);
}

TEST(ModernHttpUpstream, ListensForWhatItsSessionsWatch) {
  Fixture f;
  auto events = std::make_shared<Events>();
  auto session = f.open(events);
  EXPECT_FALSE(call(*session, "echo").get().failure);
  EXPECT_EQ(events->notifications.wait_for("tools/list_changed"),
            R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{}})");
  EXPECT_NE(f.mcp.listens.wait_for("toolsListChanged").find(R"("notifications":{"toolsListChanged":true})"),
            std::string::npos);
  const auto watch = [&](const char* method, const char* uri) {
    return send(*session, {.method = method, .params = R"({"uri":")" + std::string(uri) + "\"}", .deadline = 5s}).get();
  };
  EXPECT_EQ(watch("resources/subscribe", "a://1").result, "{}");
  EXPECT_EQ(watch("resources/subscribe", "a://1").result, "{}");
  EXPECT_EQ(watch("resources/subscribe", "a://2").result, "{}");
  EXPECT_NE(f.mcp.listens.wait_for("a://2").find(R"("resourceSubscriptions":["a://1","a://2"])"), std::string::npos);
  EXPECT_EQ(watch("resources/unsubscribe", "a://1").result, "{}");
  EXPECT_EQ(f.mcp.listens.all().size(), 4U);
  EXPECT_NE(f.mcp.listens.all().back().find(R"("resourceSubscriptions":["a://2"])"), std::string::npos);
  EXPECT_EQ(f.count("resources/subscribe"), 0U);
}

TEST(ModernHttpUpstream, ListensAgainWhenTheStreamBreaks) {
  Fixture f;
  std::atomic<int> opened{0};
  f.mcp.methods["subscriptions/listen"] = [&](const Message& m, const FakeRequest&, FakeResponse& out) {
    if (++opened > 1) return f.mcp.listen(m, out);
    out.begin_events();
    out.event(make_notification("notifications/subscriptions/acknowledged", of_subscription(m.id())));
    out.hang_up();
  };
  auto events = std::make_shared<Events>();
  auto session = f.open(events);
  EXPECT_FALSE(call(*session, "echo").get().failure);
  EXPECT_FALSE(events->notifications.wait_for("tools/list_changed").empty());
  EXPECT_EQ(opened, 2);
}

TEST(ModernHttpUpstream, TellsWhoWatchesThatTheServerRefused) {
  Fixture f;
  std::atomic<int> opened{0};
  f.mcp.methods["subscriptions/listen"] = [&](const Message& m, const FakeRequest&, FakeResponse& out) {
    ++opened;
    out.full(404, "application/json", make_error(m.id(), -32601, "Method not found"));
  };
  auto session = f.open(std::make_shared<Events>());
  const auto reply =
      send(*session, {.method = "resources/subscribe", .params = R"({"uri":"a://1"})", .deadline = 5s}).get();
  EXPECT_EQ(error_code_of(reply.error), -32601);
  EXPECT_FALSE(call(*session, "echo").get().failure);
  EXPECT_LE(opened, 2);  // one for the lists, one for the resource; none again
}

// --- Cancelling, streams and faults

TEST(ModernHttpUpstream, CancelsByClosingTheAnswer) {
  Fixture f;
  std::promise<void> left;
  f.mcp.tools["hang"] = [&](const Message&, const FakeRequest&, FakeResponse& out) {
    out.begin_events();
    out.wait_for_client_to_leave();
    out.hang_up();
    left.set_value();
  };
  auto session = f.open();
  auto pending = call(*session, "hang");
  ASSERT_TRUE(f.server.wait_for([](const FakeRequest& r) { return r.header("mcp-name") == "hang"; }));
  session->cancel(pending.ticket, "enough");
  EXPECT_EQ(pending.get().failure, Cause::kCancelled);
  EXPECT_EQ(left.get_future().wait_for(10s), std::future_status::ready);
  EXPECT_EQ(f.count("notifications/cancelled"), 0U);
}

TEST(ModernHttpUpstream, PassesProgressAndLogsOfItsCallOn) {
  Fixture f;
  f.mcp.tools["work"] = [](const Message& m, const FakeRequest&, FakeResponse& out) {
    out.begin_events();
    out.event(make_notification("notifications/progress",
                                R"({"progressToken":)" + std::string(m.progress_token()) + R"(,"progress":1})"));
    out.event(make_notification("notifications/message", R"({"level":"info","data":"line"})"));
    out.event(make_result(m.id(), R"({"done":true})"));
    out.end_events();
  };
  auto session = f.open();
  auto pending = send(
      *session, {.method = "tools/call", .params = R"({"name":"work","_meta":{"progressToken":"p"}})", .deadline = 5s});
  EXPECT_EQ(pending.get().result, R"({"done":true})");
  const auto sunk = pending.sunk->all();
  ASSERT_EQ(sunk.size(), 2U);
  EXPECT_NE(sunk[0].find(R"("progressToken":"p")"), std::string::npos) << sunk[0];
  EXPECT_NE(sunk[1].find("line"), std::string::npos);
}

TEST(ModernHttpUpstream, TellsWhatWentWrongWithAStream) {
  Fixture f;
  f.limits.message_bytes = 100'000;
  f.mcp.tools["stall"] = [](const Message&, const FakeRequest&, FakeResponse& out) {
    out.begin_events();
    out.chunk("data: {\"jsonrpc\"");
    out.wait_for_client_to_leave();
    out.hang_up();
  };
  f.mcp.tools["half"] = [](const Message&, const FakeRequest&, FakeResponse& out) {
    out.begin_events("X: y\r\n");
    out.chunk("id: 7\ndata: {\"jsonrpc\"");
    out.hang_up();
  };
  f.mcp.tools["no-answer"] = [](const Message&, const FakeRequest&, FakeResponse& out) {
    out.begin_events();
    out.event(make_notification("notifications/message", "{}"), "id: 9\n");
    out.end_events();
  };
  f.mcp.tools["flood"] = [](const Message&, const FakeRequest&, FakeResponse& out) {
    out.begin_events();
    const std::string piece(64 << 10, 'x');
    out.chunk("data: ");
    for (int i = 0; i < 400; ++i) out.chunk(piece);
    out.hang_up();
  };
  f.mcp.tools["asks-over-http"] = [](const Message& m, const FakeRequest&, FakeResponse& out) {
    out.begin_events();
    out.event(make_request("5", "roots/list", {}));
    out.event(make_result(m.id(), R"({"done":true})"));
    out.end_events();
  };
  auto session = f.open();
  EXPECT_EQ(call(*session, "stall", 200ms).get().failure, Cause::kTimeout);
  EXPECT_EQ(call(*session, "half").get().failure, Cause::kReset);
  EXPECT_EQ(call(*session, "no-answer").get().failure, Cause::kReset);
  EXPECT_EQ(call(*session, "flood").get().failure, Cause::kTooLarge);
  auto asks = call(*session, "asks-over-http");
  EXPECT_EQ(asks.get().result, R"({"done":true})");
  EXPECT_TRUE(asks.sunk->all().empty());
  for (const FakeRequest& r : f.server.seen()) EXPECT_EQ(r.verb, "POST");  // nothing is resumed
}

TEST(ModernHttpUpstream, PassesErrorsOnThatTheAgentCanMendAndNoOthers) {
  Fixture f;
  f.mcp.tools["needs-sampling"] = [&](const Message& m, const FakeRequest&, FakeResponse& out) {
    f.mcp.refuse(m, -32021, R"({"requiredCapabilities":{"sampling":{}}})", out);
  };
  f.mcp.tools["dislikes-headers"] = [&](const Message& m, const FakeRequest&, FakeResponse& out) {
    f.mcp.refuse(m, -32020, {}, out);
  };
  auto session = f.open();
  const UpstreamReply capability = call(*session, "needs-sampling").get();
  EXPECT_FALSE(capability.failure);
  EXPECT_EQ(raw_member(capability.error, "data"), R"({"requiredCapabilities":{"sampling":{}}})");
  const UpstreamReply headers = call(*session, "dislikes-headers").get();
  EXPECT_EQ(headers.failure, Cause::kUpstreamProtocol);
  EXPECT_EQ(f.count("server/discover"), 1U);
}

// --- Headers of arguments

TEST(ModernHttpUpstream, RepeatsArgumentsInHeadersAndLearnsWhichWhenRefused) {
  Fixture f;
  f.mcp.methods["tools/list"] = [](const Message& m, const FakeRequest&, FakeResponse& out) {
    const bool second = raw_member(m.params(), "cursor") == R"("2")";
    const std::string tool =
        second ? R"({"name":"t","inputSchema":{"properties":{"r":{"type":"string","x-mcp-header":"R"}}}})"
               : R"({"name":"bad","inputSchema":{"properties":{"r":{"type":"string","x-mcp-header":"R R"}}}})";
    out.json(make_result(
        m.id(), R"({"resultType":"complete","tools":[)" + tool + "]" + (second ? "" : R"(,"nextCursor":"2")") + "}"));
  };
  f.mcp.tools["t"] = [&](const Message& m, const FakeRequest& r, FakeResponse& out) {
    if (r.header("mcp-param-r") != "here") return f.mcp.refuse(m, -32020, {}, out);
    out.json(make_result(m.id(), R"({"done":true})"));
  };
  auto session = f.open();
  for (int i = 0; i < 2; ++i) {
    const auto reply =
        send(*session, {.method = "tools/call", .params = R"({"name":"t","arguments":{"r":"here"}})", .deadline = 5s})
            .get();
    EXPECT_EQ(reply.result, R"({"done":true})") << reply.detail;
  }
  EXPECT_EQ(f.count("tools/list"), 2U);
  const auto listed = send(*session, {.method = "tools/list", .deadline = 5s}).get();
  EXPECT_EQ(raw_member(listed.result, "tools"), "[]");
  EXPECT_EQ(raw_member(listed.result, "nextCursor"), R"("2")");
}

TEST(ModernHttpUpstream, SurvivesManyCallsAtOnce) {
  Fixture f;
  auto session = f.open(std::make_shared<Events>());
  std::vector<testing::Pending> calls;
  for (int i = 0; i < 32; ++i) calls.push_back(call(*session, "t" + std::to_string(i)));
  for (int i = 0; i < 32; ++i) {
    const UpstreamReply reply = calls[static_cast<std::size_t>(i)].get();
    EXPECT_EQ(raw_member(raw_member(reply.result, "params"), "name"), "\"t" + std::to_string(i) + "\"") << reply.detail;
  }
  EXPECT_EQ(f.count("server/discover"), 1U);
}

}  // namespace
}  // namespace bursar::broker
