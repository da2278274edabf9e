// Requests of revision 2026-07-28, as bytes, through door, pipeline and ledger to a legacy upstream and back.
#include <algorithm>
#include <gtest/gtest.h>
#include <thread>

#include "bursar/broker/mcp/mcp_testing.h"
#include "bursar/broker/pipeline/raw_json.h"

namespace bursar::broker {
namespace {

using namespace std::chrono_literals;
using testing::eventually;
using testing::RawAnswer;
using testing::RawClient;
using testing::Rig;

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool saw(const testing::FakeUpstream& upstream, std::string_view what) {
  const auto seen = upstream.seen();
  return std::any_of(seen.begin(), seen.end(), [&](const std::string& s) { return contains(s, what); });
}

struct Ask {
  std::string method = "tools/call", name = "one.echo", params = {}, capabilities = "{}", meta = {}, key = {};
  std::string path = "/mcp";
};

std::string bytes(const Ask& ask) {
  std::string params = R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
                       R"("io.modelcontextprotocol/clientCapabilities":)" +
                       ask.capabilities + ask.meta + "}";
  std::string more = "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: " + ask.method + "\r\n";
  const bool named = ask.method == "tools/call" || ask.method == "prompts/get";
  if (named) params += R"(,"name":")" + ask.name + "\"";
  if (ask.method == "resources/read") params += R"(,"uri":")" + ask.name + "\"";
  if (named || ask.method == "resources/read") more += "Mcp-Name: " + ask.name + "\r\n";
  if (!ask.key.empty()) more += "Authorization: Bearer " + ask.key + "\r\n";
  return Rig::request(make_request("1", ask.method, params + ask.params + "}"), "", more, ask.path);
}

RawAnswer send(const Rig& rig, const Ask& ask) {
  RawClient client(rig.port());
  client.send(bytes(ask));
  RawAnswer answer = client.answer();
  if (answer.header("transfer-encoding") == "chunked") answer.body = client.read_until("0\r\n\r\n");
  return answer;
}

constexpr const char* kSampling = R"({"sampling":{}})";

std::string state_of(const RawAnswer& answer) {
  return std::string(raw_member(raw_member(answer.body, "result"), "requestState"));
}

Ask answered(const std::string& state, std::string_view answer = R"({"q1":{"text":"Paris"}})") {
  return {.name = "one.ask",
          .params = R"(,"inputResponses":)" + std::string(answer) + R"(,"requestState":)" + state,
          .capabilities = kSampling};
}

TEST(ModernDoor, DiscoversListsAndCallsWithoutASession) {
  Rig rig;
  const RawAnswer hello = send(rig, {.method = "server/discover"});
  EXPECT_EQ(hello.status, 200);
  EXPECT_TRUE(contains(hello.body, R"("supportedVersions":["2026-07-28","2025-11-25")"));
  EXPECT_TRUE(contains(hello.body, R"("io.modelcontextprotocol/serverInfo":{"name":"bursar")"));
  EXPECT_TRUE(hello.header("mcp-session-id").empty());
  const RawAnswer tools = send(rig, {.method = "tools/list"});
  EXPECT_TRUE(contains(tools.body, R"("one.echo")"));
  EXPECT_TRUE(contains(tools.body, R"("bursar.budget")"));
  EXPECT_TRUE(contains(tools.body, R"("ttlMs":0,)"));  // a legacy server says nothing about it
  EXPECT_TRUE(contains(tools.body, R"("cacheScope":"private")"));
  const RawAnswer echo = send(rig, {.params = R"(,"arguments":{"n":1})", .meta = R"(,"keep":[ 1 ])"});
  EXPECT_EQ(echo.header("content-type"), "application/json");
  EXPECT_TRUE(contains(echo.body, R"("resultType":"complete")"));
  EXPECT_TRUE(contains(echo.body, R"("keep":[ 1 ])"));
  EXPECT_EQ(rig.spent(), 1);
  EXPECT_EQ(rig.held(), 0);
}

TEST(ModernDoor, RefusesWithTheStatusThatTheRevisionWants) {
  Rig rig;
  EXPECT_EQ(send(rig, {.method = "ping"}).status, 404);
  EXPECT_EQ(send(rig, {.method = "initialize"}).status, 404);
  EXPECT_EQ(send(rig, {.method = "tasks/get"}).status, 400);
  const RawAnswer bare = rig.post(make_request("5", "tools/list", ""), "", "MCP-Protocol-Version: 2026-07-28\r\n");
  EXPECT_EQ(bare.status, 400);
  EXPECT_TRUE(contains(bare.body, "-32602"));
  EXPECT_TRUE(contains(bare.body, R"("id":5)"));
  const RawAnswer unknown = send(rig, {.name = "one.nothing"});
  EXPECT_EQ(unknown.status, 200);
  EXPECT_TRUE(contains(unknown.body, "Unknown tool"));
  EXPECT_EQ(send(rig, {.key = "sk-wrong"}).status, 401);
  EXPECT_EQ(send(rig, {.path = "/mcp/three"}).status, 404);
}

TEST(ModernDoor, ParksACallWhoseServerAsksAndGoesOnWithTheAnswer) {
  Rig rig;
  const RawAnswer asked = send(rig, {.name = "one.ask", .capabilities = kSampling});
  EXPECT_TRUE(contains(asked.body, R"("resultType":"input_required")")) << asked.body;
  EXPECT_TRUE(contains(asked.body, R"("q1":{"method":"sampling/createMessage","params":{"x":1}})"));
  EXPECT_GT(rig.held(), 0);
  EXPECT_EQ(rig.door->modern().calls().parked(), 1U);
  const RawAnswer done = send(rig, answered(state_of(asked)));
  EXPECT_TRUE(contains(done.body, R"("answer":{"jsonrpc":"2.0","id":77,"result":{"text":"Paris"}})")) << done.body;
  EXPECT_EQ(rig.door->modern().calls().parked(), 0U);
  EXPECT_EQ(rig.spent(), 1);
  EXPECT_EQ(rig.held(), 0);
}

TEST(ModernDoor, TakesAStateOnceAndFromItsOwnerForItsRequestOnly) {
  Rig rig;
  const std::string state = state_of(send(rig, {.name = "one.ask", .capabilities = kSampling}));
  const auto refused = [&](const Ask& ask) {
    const RawAnswer answer = send(rig, ask);
    return contains(answer.body, "-32602") && contains(answer.body, "requestState") && !contains(answer.body, "Paris");
  };
  std::string forged = state;
  forged[10] = forged[10] == 'A' ? 'B' : 'A';
  EXPECT_TRUE(refused(answered(forged)));
  Ask other = answered(state);
  other.key = "sk-ada";
  EXPECT_TRUE(refused(other));
  Ask elsewhere = answered(state);
  elsewhere.name = "two.ask";
  EXPECT_TRUE(refused(elsewhere));
  Ask different = answered(state);
  different.params += R"(,"arguments":{"n":2})";
  EXPECT_TRUE(refused(different));
  EXPECT_TRUE(contains(send(rig, answered(state)).body, "Paris"));
  EXPECT_TRUE(refused(answered(state)));
}

TEST(ModernDoor, AsksAgainForWhatWasNotAnswered) {
  Rig rig;
  const std::string first = state_of(send(rig, {.name = "one.ask", .capabilities = kSampling}));
  const RawAnswer again = send(rig, answered(first, R"({"other":{},"q1":7})"));
  EXPECT_TRUE(contains(again.body, R"("resultType":"input_required")"));
  EXPECT_TRUE(contains(again.body, R"("q1":{)"));
  EXPECT_TRUE(contains(send(rig, answered(state_of(again))).body, "Paris"));
}

TEST(ModernDoor, AsksNobodyWhoCannotBeAsked) {
  Rig rig;
  const RawAnswer done = send(rig, {.name = "one.ask", .capabilities = R"({"elicitation":{}})"});
  EXPECT_TRUE(contains(done.body, R"("error":{"code":-32601)")) << done.body;
  EXPECT_TRUE(contains(done.body, R"("resultType":"complete")"));
}

TEST(ModernDoor, SettlesAParkedCallWhoseAgentNeverComesBack) {
  Rig rig;
  rig.services->state_lifetime = 50ms;
  const std::string state = state_of(send(rig, {.name = "one.ask", .capabilities = kSampling}));
  EXPECT_TRUE(eventually([&] {
    rig.door->sweep(1h);
    return rig.held() == 0;
  }));
  EXPECT_EQ(rig.spent(), 1);  // the server saw it
  EXPECT_TRUE(eventually([&] { return saw(*rig.upstream, "cancelled"); }));
  EXPECT_TRUE(contains(send(rig, answered(state)).body, "begin anew"));
}

TEST(ModernDoor, BoundsWhatWaitsForOneAgent) {
  Rig rig;
  for (std::size_t i = 0; i < ModernCalls::kMaxParkedPerPrincipal; ++i) {
    ASSERT_TRUE(contains(send(rig, {.name = "one.ask", .capabilities = kSampling}).body, "input_required")) << i;
  }
  EXPECT_TRUE(contains(send(rig, {.name = "one.ask", .capabilities = kSampling}).body, "too many calls wait"));
  EXPECT_TRUE(
      contains(send(rig, {.name = "one.ask", .capabilities = kSampling, .key = "sk-ada"}).body, "input_required"));
}

TEST(ModernDoor, StreamsProgressAndCancelsWhenTheConnectionCloses) {
  Rig rig;
  {
    RawClient client(rig.port());
    client.send(bytes({.name = "one.progress", .meta = R"(,"progressToken":"t")"}));
    EXPECT_TRUE(contains(client.read_until(R"("progress":2})"), "text/event-stream"));
    EXPECT_GT(rig.held(), 0);
  }
  EXPECT_TRUE(eventually([&] { return saw(*rig.upstream, "cancelled") && rig.held() == 0; }));
}

TEST(ModernDoor, ReadsAResourceForItsOwnAgentOnly) {
  Rig rig;
  const RawAnswer read = send(rig, {.method = "resources/read", .name = "mem://a"});
  EXPECT_TRUE(contains(read.body, R"("ttlMs":0)"));
  EXPECT_TRUE(contains(read.body, R"("cacheScope":"private")"));
}

TEST(ModernDoor, TellsWhatChangedToThoseWhoListen) {
  Rig rig;
  RawClient client(rig.port());
  client.send(bytes({.method = "subscriptions/listen",
                     .params = R"(,"notifications":{"toolsListChanged":true,"resourceSubscriptions":["mem://a"]})"}));
  const std::string opening = client.read_until("\n\n");
  EXPECT_TRUE(contains(opening + client.read_until("\n\n"), "notifications/subscriptions/acknowledged"));
  EXPECT_TRUE(eventually([&] { return saw(*rig.upstream, "resources/subscribe"); }));
  rig.upstream->say(make_notification("notifications/prompts/list_changed", ""));
  rig.upstream->say(make_notification("notifications/resources/updated", R"({"uri":"mem://b"})"));
  rig.upstream->say(make_notification("notifications/resources/updated", R"({"uri":"mem://a"})"));
  const std::string updated = client.read_until("\n\n");
  EXPECT_TRUE(contains(updated, R"("uri":"mem://a")")) << updated;
  EXPECT_TRUE(contains(updated, R"("io.modelcontextprotocol/subscriptionId":1)")) << updated;
  rig.upstream->say(make_notification("notifications/tools/list_changed", ""));
  EXPECT_TRUE(contains(client.read_until("\n\n"), "notifications/tools/list_changed"));
  rig.door->close_all(Cause::kShutdown);
  EXPECT_TRUE(contains(client.read_until("0\r\n\r\n"), R"("id":1,"result")"));
}

TEST(ModernDoor, EndsASubscriptionWhenTheTokenThatOpenedItHasExpired) {
  Rig rig;
  RawClient brief(rig.port()), lasting(rig.port());
  Ask ask{.method = "subscriptions/listen", .params = R"(,"notifications":{"toolsListChanged":true})", .key = "sk-ada"};
  lasting.send(bytes(ask));
  EXPECT_FALSE(lasting.read_until("notifications/subscriptions/acknowledged").empty());
  ask.key = "sk-brief";
  brief.send(bytes(ask));
  EXPECT_FALSE(brief.read_until("notifications/subscriptions/acknowledged").empty());
  std::this_thread::sleep_for(200ms);
  rig.door->sweep(std::chrono::hours{1});
  const std::string rest = brief.read_until("0\r\n\r\n");
  EXPECT_TRUE(contains(rest, R"("id":1,"error")") && contains(rest, "has expired")) << rest;
  rig.upstream->say(make_notification("notifications/tools/list_changed", ""));
  EXPECT_FALSE(lasting.read_until("notifications/tools/list_changed").empty());
}

TEST(ModernDoor, TellsALegacyServerHowMuchOfItsLogIsWanted) {
  Rig rig;
  RawClient client(rig.port());  // one connection stays on one reactor, and with it the session of the server
  for (const char* level : {"", "warning", "error", "debug", "debug"}) {  // "error" is heard once "warning" is
    const std::string meta = std::string(R"(,"io.modelcontextprotocol/logLevel":")") + level + "\"";
    client.send(bytes({.meta = *level == 0 ? "" : meta}));
    EXPECT_EQ(client.answer().status, 200);
  }
  const auto levels = [&] {
    std::vector<std::string> out;
    for (const std::string& seen : rig.upstream->seen()) {
      if (seen.starts_with("logging/setLevel")) out.push_back(seen);
    }
    return out;
  };
  EXPECT_TRUE(eventually([&] { return levels().size() >= 2; }));
  EXPECT_EQ(levels(), (std::vector<std::string>{R"(logging/setLevel {"level":"warning"})",
                                                R"(logging/setLevel {"level":"debug"})"}));
}

TEST(ModernDoor, AnswersWhatIsLeftFreeOfCharge) {
  Rig rig;
  (void)send(rig, {});
  const RawAnswer budget = send(rig, {.name = "bursar.budget"});
  const std::string_view result = raw_member(budget.body, "result");
  const std::string_view structured = raw_member(result, "structuredContent");
  EXPECT_EQ(raw_member(structured, "account"), R"("dev")") << budget.body;
  EXPECT_TRUE(contains(structured, R"("resource":"calls","window":"total","limit":1000,"spent":1)")) << structured;
  EXPECT_EQ(rig.spent(), 1);
}

TEST(SessionTable, OpensASessionAnewThatAnotherProcessGaveOut) {
  const auto same = [](Config& config) { config.listen.port = 0; };
  std::string session, deleted;
  const std::string ada = "Authorization: Bearer sk-ada\r\n";
  const std::string tools = make_request("2", "tools/list", "");
  {
    Rig before(same);
    before.services->handles = Handles("one secret");
    session = before.open(R"({"sampling":{}})", ada);
  }
  Rig after(same);
  after.services->handles = Handles("one secret");
  EXPECT_EQ(after.post(tools, session, "Authorization: Bearer sk-bob\r\n").status, 404);
  EXPECT_EQ(after.post(tools, session).status, 404);
  EXPECT_EQ(after.post(tools, session + "A", ada).status, 404);
  EXPECT_EQ(after.sessions->size(), 0U);
  EXPECT_EQ(after.post(tools, session, ada).status, 200);
  EXPECT_EQ(after.sessions->size(), 1U);
  RawClient client(after.port());
  client.send("DELETE /mcp HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: " + session + "\r\n" + ada + "\r\n");
  EXPECT_EQ(client.answer().status, 204);
  EXPECT_EQ(after.post(tools, session, ada).status, 404);
  EXPECT_EQ(after.sessions->size(), 0U);
}

}  // namespace
}  // namespace bursar::broker
