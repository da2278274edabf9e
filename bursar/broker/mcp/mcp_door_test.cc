// An agent's requests, as bytes, through door, sessions, pipeline and ledger to an upstream and back.
#include "bursar/broker/mcp/mcp_door.h"

#include <algorithm>
#include <atomic>
#include <gtest/gtest.h>
#include <thread>

#include "bursar/broker/mcp/mcp_testing.h"

namespace bursar::broker {
namespace {

using namespace std::chrono_literals;
using testing::eventually;
using testing::RawAnswer;
using testing::RawClient;
using testing::Rig;

std::string call(std::string_view id, std::string_view tool, std::string_view more = "") {
  return make_request(id, "tools/call", R"({"name":")" + std::string(tool) + "\"" + std::string(more) + "}");
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool saw(const testing::FakeUpstream& upstream, std::string_view what) {
  const auto seen = upstream.seen();
  return std::any_of(seen.begin(), seen.end(), [&](const std::string& s) { return contains(s, what); });
}

TEST(NegotiatedVersion, IsTheClientsWhereKnownAndTheNewestOtherwise) {
  EXPECT_EQ(negotiated_version("2025-03-26"), "2025-03-26");
  EXPECT_EQ(negotiated_version("2099-01-01"), "2025-11-25");
  EXPECT_TRUE(is_known_version("2024-11-05"));
  EXPECT_FALSE(is_known_version("2026-07-28"));
}

TEST(McpDoor, InitialisesListsAndCalls) {
  Rig rig;
  const RawAnswer hello = rig.post(
      make_request("1", "initialize",
                   R"({"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}})"));
  EXPECT_EQ(hello.status, 200);
  EXPECT_TRUE(contains(hello.body, R"("protocolVersion":"2025-06-18")"));
  EXPECT_TRUE(contains(hello.body, "Use one"));
  const std::string session = hello.header("mcp-session-id");
  ASSERT_GT(session.size(), 80U);
  EXPECT_EQ(rig.post(make_notification("notifications/initialized", ""), session).status, 202);
  EXPECT_EQ(rig.post(make_request("2", "ping", ""), session).body, R"({"jsonrpc":"2.0","id":2,"result":{}})");
  const RawAnswer tools = rig.post(make_request("3", "tools/list", ""), session);
  EXPECT_TRUE(contains(tools.body, R"("one.echo")"));
  EXPECT_TRUE(contains(tools.body, R"("two.echo")"));
  const RawAnswer echo =
      rig.post(call("\"four\"", "one.echo", R"(,"arguments":{"n":1},"_meta":{"keep":[ 1 ]})"), session);
  EXPECT_EQ(echo.status, 200);
  EXPECT_EQ(echo.header("content-type"), "application/json");
  EXPECT_TRUE(contains(echo.body, R"("id":"four")"));
  EXPECT_TRUE(contains(echo.body, R"("name":"echo")"));
  EXPECT_TRUE(contains(echo.body, R"("keep":[ 1 ])"));
  EXPECT_EQ(rig.spent(), 1);
  EXPECT_EQ(rig.held(), 0);
}

TEST(McpDoor, ServesOneUpstreamWithoutPrefixes) {
  Rig rig;
  const auto at = [&](std::string_view path, std::string_view body, std::string_view session = "") {
    RawClient client(rig.port());
    client.send(Rig::request(body, session, "", path));
    return client.answer();
  };
  const std::string hello =
      make_request("1", "initialize", R"({"protocolVersion":"x","capabilities":{},"clientInfo":{"name":"t"}})");
  EXPECT_EQ(at("/mcp/three", hello).status, 404);
  const RawAnswer opened = at("/mcp/two", hello);
  EXPECT_TRUE(contains(opened.body, R"("instructions":"Use two")"));
  const std::string session = opened.header("mcp-session-id");
  EXPECT_TRUE(contains(at("/mcp/two", make_request("2", "tools/list", ""), session).body, R"("name":"echo")"));
  EXPECT_TRUE(contains(at("/mcp/two", call("3", "echo"), session).body, R"("method":"tools/call")"));
  EXPECT_EQ(at("/mcp", call("3", "echo"), session).status, 404);
  EXPECT_EQ(at("/mcp/one", call("3", "echo"), session).status, 404);
}

TEST(McpDoor, RefusesWhatTheTransportForbids) {
  Rig rig;
  const std::string session = rig.open();
  const auto raw = [&](std::string_view bytes) {
    RawClient client(rig.port());
    client.send(bytes);
    return client.answer().status;
  };
  const std::string body = make_request("1", "ping", "");
  const std::string tail =
      "Mcp-Session-Id: " + session + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  const std::string post = "POST /mcp HTTP/1.1\r\nHost: localhost\r\n";
  const std::string both = "Accept: application/json, text/event-stream\r\n",
                    json = "Content-Type: application/json\r\n";
  EXPECT_EQ(raw(post + both + json + tail), 200);
  EXPECT_EQ(raw(post + "Accept: */*\r\n" + "Content-Type: Application/JSON; charset=utf-8\r\n" + tail), 200);
  EXPECT_EQ(raw(post + "Accept: application/json\r\n" + json + tail), 406);
  EXPECT_EQ(raw(post + json + tail), 406);
  EXPECT_EQ(raw(post + both + tail), 415);
  EXPECT_EQ(raw(post + both + "Content-Type: text/plain; application/json\r\n" + tail), 415);
  EXPECT_EQ(raw(post + both + json + "MCP-Protocol-Version: 1999-01-01\r\n" + tail), 400);
  EXPECT_EQ(raw(post + both + json + "Origin: http://evil.example\r\n" + tail), 403);
  EXPECT_EQ(raw("POST /mcp HTTP/1.1\r\nHost: evil.example\r\n" + both + json + tail), 421);
  EXPECT_EQ(raw(post + both + json + "Authorization: Bearer sk-wrong\r\n" + tail), 401);
  EXPECT_EQ(raw("PUT /mcp HTTP/1.1\r\nHost: localhost\r\n" + tail), 405);
  EXPECT_EQ(raw("GET /mcp HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: " + session + "\r\n\r\n"), 406);
  EXPECT_EQ(rig.post(body).status, 400);
  EXPECT_EQ(rig.post(body, "s-00000000000000000000000000000000").status, 404);
  EXPECT_EQ(rig.post(make_request("1", "initialize", "{}"), session).status, 400);
}

TEST(McpDoor, BindsASessionToItsPrincipal) {
  Rig rig;
  const std::string session = rig.open("{}", "Authorization: Bearer sk-ada\r\n");
  const std::string body = make_request("1", "ping", "");
  EXPECT_EQ(rig.post(body, session, "Authorization: Bearer sk-ada\r\n").status, 200);
  EXPECT_EQ(rig.post(body, session, "Authorization: Bearer sk-bob\r\n").status, 404);
  EXPECT_EQ(rig.post(body, session).status, 404);
  EXPECT_EQ(rig.post(call("2", "one.echo"), session, "Authorization: Bearer sk-ada\r\n").status, 200);
  EXPECT_EQ(rig.spent("ada"), 1);
  EXPECT_EQ(rig.spent("dev"), 0);
}

TEST(McpDoor, AnswersBadMessagesWithProperErrors) {
  Rig rig([](Config& config) { config.limits.body_bytes = 100'000; });
  const std::string session = rig.open();
  struct Case {
    std::string body;
    int status;
    std::string part;
  };
  const std::string deep = R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"one.echo","arguments":)" +
                           std::string(200, '[') + std::string(200, ']') + "}}";
  for (const Case& c : std::vector<Case>{
           {"{", 400, "-32700"},
           {"", 400, "-32700"},
           {"\xff\xfe", 400, "-32700"},
           {R"({"jsonrpc":"2.0","id":1,"method":"pi)"
            "\xc3"
            R"("})",
            400, "-32700"},
           {"[]", 400, "-32600"},
           {"[" + make_request("1", "ping", "") + "]", 400, "-32600"},
           {"7", 400, "-32600"},
           {R"({"jsonrpc":"1.0","id":1,"method":"ping"})", 400, "-32600"},
           {R"({"jsonrpc":"2.0","id":{},"method":"ping"})", 400, "-32600"},
           {R"({"jsonrpc":"2.0","id":null,"method":"ping"})", 400, "-32600"},
           {R"({"jsonrpc":"2.0","id":1,"method":7})", 400, "-32600"},
           {R"({"jsonrpc":"2.0","id":1})", 400, "-32600"},
           {deep, 400, "-32"},
           {make_request("1", "no/such", ""), 200, "-32601"},
           {make_request("1", "tools/call", ""), 200, "-32602"},
           {make_request("1", "tools/call", R"({"name":7})"), 200, "-32602"},
           {make_request("1", "resources/read", R"({"uri":[]})"), 200, "-32602"},
           {make_request("1", "completion/complete", R"({"ref":7})"), 200, "-32602"},
           {make_request("1", "logging/setLevel", R"({"level":"loud"})"), 200, "-32602"},
           {make_request("1", "tools/list", R"({"cursor":"zzz"})"), 200, "-32602"},
           {make_request("1", "tools/list", R"({"cursor":7})"), 200, "-32602"},
           {call("1", "one.nosuch"), 200, "-32602"},
           {call("1", "one.echo", R"(,"arguments":{"n":"text"})"), 200, "INVALID_INPUT"},
           {make_result("99", "{}"), 202, ""},
           {make_notification("notifications/cancelled", R"({"requestId":99})"), 202, ""},
           {make_notification("notifications/whatever", ""), 202, ""},
           {R"({"jsonrpc":"2.0","id":1,"method":"ping","x":")" + std::string(200'000, 'x') + "\"}", 413, ""},
       }) {
    const RawAnswer answer = rig.post(c.body, session);
    EXPECT_EQ(answer.status, c.status) << c.body.substr(0, 80);
    EXPECT_TRUE(contains(answer.body, c.part)) << c.body.substr(0, 80) << " -> " << answer.body;
  }
  EXPECT_EQ(rig.post(make_request("1", "ping", ""), session).status, 200);
  EXPECT_EQ(rig.spent(), 0);
  EXPECT_EQ(rig.held(), 0);
}

TEST(McpDoor, StreamsProgressBeforeTheAnswer) {
  Rig rig;
  const std::string session = rig.open();
  RawClient client(rig.port());
  client.send(Rig::request(call("5", "one.progress", R"(,"_meta":{"progressToken":"tok"})"), session));
  EXPECT_EQ(client.answer().header("content-type"), "text/event-stream");
  EXPECT_TRUE(contains(client.read_until(R"("progress":2)"), R"("progressToken":"tok")"));
  rig.upstream->release();
  EXPECT_TRUE(contains(client.read_until("0\r\n\r\n"), R"("id":5,"result")"));
}

TEST(McpDoor, RefusesASecondRequestWithARunningId) {
  Rig rig;
  const std::string session = rig.open();
  RawClient client(rig.port());
  client.send(Rig::request(call("5", "one.hang"), session));
  ASSERT_TRUE(eventually([&] { return rig.upstream->waiting() == 1; }));
  EXPECT_EQ(rig.post(call("5", "one.echo"), session).status, 400);
  rig.upstream->release();
  EXPECT_EQ(client.answer().status, 200);
}

TEST(McpDoor, KeepsTheAnswerOfACallWhoseClientWentAway) {
  Rig rig;
  const std::string session = rig.open();
  std::string first;
  {
    RawClient client(rig.port());
    client.send(Rig::request(call("5", "one.progress", R"(,"_meta":{"progressToken":1})"), session));
    first = client.read_until(R"("progress":1)");
  }
  const std::size_t at = first.rfind("id: ");
  ASSERT_NE(at, std::string::npos);
  const std::string event = first.substr(at + 4, first.find('\n', at) - at - 4);
  EXPECT_FALSE(saw(*rig.upstream, "cancelled"));
  EXPECT_EQ(rig.held(), 1);
  rig.upstream->release();
  ASSERT_TRUE(eventually([&] { return rig.spent() == 1 && rig.held() == 0; }));
  RawClient again(rig.port());
  again.send("GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nMcp-Session-Id: " + session +
             "\r\nLast-Event-ID: " + event + "\r\n\r\n");
  const std::string replayed = again.read_until("0\r\n\r\n");
  EXPECT_TRUE(contains(replayed, R"("progress":2)"));
  EXPECT_FALSE(contains(replayed, R"("progress":1)"));
  EXPECT_TRUE(contains(replayed, R"("id":5,"result")"));
}

TEST(McpDoor, CancelsUpstreamAndSettlesWhenTheAgentCancels) {
  Rig rig;
  const std::string session = rig.open();
  RawClient client(rig.port());
  client.send(Rig::request(call("5", "one.hang"), session));
  ASSERT_TRUE(eventually([&] { return rig.upstream->waiting() == 1; }));
  EXPECT_EQ(rig.post(make_notification("notifications/cancelled", R"({"requestId":5})"), session).status, 202);
  EXPECT_TRUE(eventually([&] { return saw(*rig.upstream, "cancelled"); }));
  EXPECT_EQ(client.answer().header("content-type"), "text/event-stream");
  EXPECT_FALSE(contains(client.read_until("0\r\n\r\n"), "result"));
  EXPECT_TRUE(eventually([&] { return rig.held() == 0; }));
}

TEST(McpDoor, CarriesTheUpstreamsQuestionsToTheAgentAndTheAnswersBack) {
  Rig rig;
  const std::string session = rig.open(R"({"sampling":{}})");
  RawClient client(rig.port());
  client.send(Rig::request(call("5", "one.ask"), session));
  const std::string asked = client.read_until("}}");
  ASSERT_TRUE(contains(asked, "sampling/createMessage"));
  EXPECT_FALSE(contains(asked, R"("id":77)"));
  const std::size_t at = asked.find("\"id\":") + 5;
  const std::string id = asked.substr(at, asked.find_first_of(",}", at) - at);
  EXPECT_EQ(rig.post(make_result(id, R"({"model":"m"})"), session).status, 202);
  const std::string rest = client.read_until("0\r\n\r\n");
  EXPECT_TRUE(contains(rest, R"("id":77)"));
  EXPECT_TRUE(contains(rest, R"("model":"m")"));
}

TEST(McpDoor, RefusesQuestionsThatTheAgentCannotAnswer) {
  Rig rig;
  const std::string session = rig.open("{}");
  const RawAnswer answer = rig.post(call("5", "one.ask"), session);
  EXPECT_TRUE(contains(answer.body, "-32601"));
}

TEST(McpDoor, TellsOnTheGetStreamWhatConcernsNoRequest) {
  Rig rig;
  const std::string session = rig.open();
  RawClient stream(rig.port());
  stream.send("GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nMcp-Session-Id: " + session +
              "\r\n\r\n");
  EXPECT_EQ(stream.answer().status, 200);
  rig.upstream->set_tools({"echo", "fresh"});
  rig.upstream->say(make_notification("notifications/tools/list_changed", ""));
  EXPECT_FALSE(stream.read_until("notifications/tools/list_changed").empty());
  EXPECT_TRUE(contains(rig.post(make_request("1", "tools/list", ""), session).body, "one.fresh"));
  // Updates only of what was subscribed to, and messages only above the level that was set.
  EXPECT_EQ(rig.post(make_request("2", "resources/subscribe", R"({"uri":"mem://a"})"), session).status, 200);
  EXPECT_EQ(rig.post(make_request("3", "logging/setLevel", R"({"level":"error"})"), session).status, 200);
  rig.upstream->say(make_notification("notifications/resources/updated", R"({"uri":"mem://b"})"));
  rig.upstream->say(make_notification("notifications/message", R"({"level":"info","data":"quiet"})"));
  rig.upstream->say(make_notification("notifications/resources/updated", R"({"uri":"mem://a"})"));
  rig.upstream->say(make_notification("notifications/message", R"({"level":"alert","data":"loud"})"));
  const std::string said = stream.read_until("loud");
  EXPECT_TRUE(contains(said, "mem://a"));
  EXPECT_FALSE(contains(said, "mem://b"));
  EXPECT_FALSE(contains(said, "quiet"));
}

TEST(McpDoor, HoldsMessagesForTheNextGetStream) {
  Rig rig;
  const std::string session = rig.open();
  ASSERT_EQ(rig.post(call("1", "one.echo"), session).status, 200);  // opens the session upstream
  rig.upstream->say(make_notification("notifications/message", R"({"level":"info","data":"early"})"));
  std::this_thread::sleep_for(100ms);  // it crosses two threads; nothing tells when it is there
  RawClient stream(rig.port());
  stream.send("GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nMcp-Session-Id: " + session +
              "\r\n\r\n");
  EXPECT_FALSE(stream.read_until("early").empty());
}

TEST(McpDoor, EndsAGetStreamWhenTheTokenThatOpenedItHasExpired) {
  Rig rig;
  const std::string brief = "Authorization: Bearer sk-brief\r\n", session = rig.open("{}", brief);
  const std::string get =
      "GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nMcp-Session-Id: " + session + "\r\n" +
      brief + "\r\n";
  RawClient stream(rig.port());
  stream.send(get);
  EXPECT_EQ(stream.answer().status, 200);
  std::this_thread::sleep_for(200ms);
  rig.door->sweep(std::chrono::hours{1});
  EXPECT_FALSE(stream.read_until("0\r\n\r\n").empty());
  RawClient again(rig.port());
  again.send(get);  // the session goes on, with a token that is good
  EXPECT_EQ(again.answer().status, 200);
}

TEST(McpDoor, EndsASessionOnDelete) {
  Rig rig;
  const std::string session = rig.open();
  RawClient hanging(rig.port()), stream(rig.port()), client(rig.port());
  stream.send("GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nMcp-Session-Id: " + session +
              "\r\n\r\n");
  EXPECT_EQ(stream.answer().status, 200);
  hanging.send(Rig::request(call("5", "one.hang"), session));
  ASSERT_TRUE(eventually([&] { return rig.upstream->waiting() == 1; }));
  client.send("DELETE /mcp HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: " + session + "\r\n\r\n");
  EXPECT_EQ(client.answer().status, 204);
  EXPECT_FALSE(stream.read_until("0\r\n\r\n").empty());
  EXPECT_EQ(hanging.answer().status, 200);
  EXPECT_TRUE(eventually([&] { return rig.held() == 0 && saw(*rig.upstream, "cancelled"); }));
  EXPECT_EQ(rig.post(make_request("1", "ping", ""), session).status, 404);
  EXPECT_EQ(rig.sessions->size(), 0U);
}

TEST(McpDoor, KeepsTheOthersListsWhenAnUpstreamIsDown) {
  Rig rig;
  const std::string session = rig.open();
  rig.second->set_down(true);
  rig.second->say(make_notification("notifications/tools/list_changed", ""));
  ASSERT_TRUE(eventually([&] { return !rig.services->catalogue->current()->lists()[1]->up; }));
  const RawAnswer tools = rig.post(make_request("1", "tools/list", ""), session);
  EXPECT_TRUE(contains(tools.body, "one.echo"));
  EXPECT_TRUE(contains(tools.body, "two.echo"));  // as last known
  const RawAnswer answer = rig.post(call("2", "two.echo"), session);
  EXPECT_TRUE(contains(answer.body, "UPSTREAM_FAILURE"));
  EXPECT_TRUE(contains(rig.post(call("3", "one.echo"), session).body, R"("method":"tools/call")"));
}

TEST(McpDoor, GivesManyAgentsExactlyTheirBudget) {
  Rig rig([](Config& config) {
    config.accounts[0].limits = {{.resource = kCalls, .amount = 100}};
    config.limits.calls_per_principal = 1000;
  });
  std::vector<std::thread> agents;
  std::atomic<int> granted{0}, refused{0};
  for (int agent = 0; agent < 16; ++agent) {
    agents.emplace_back([&] {
      const std::string session = rig.open();
      for (int i = 1; i <= 10; ++i) {
        const std::string body = rig.post(call(std::to_string(i), "one.echo"), session).body;
        if (contains(body, R"("method":"tools/call")"))
          ++granted;
        else if (contains(body, "RESOURCE_EXHAUSTED"))
          ++refused;
      }
    });
  }
  for (auto& agent : agents) agent.join();
  EXPECT_EQ(granted, 100);
  EXPECT_EQ(refused, 60);
  EXPECT_EQ(rig.spent(), 100);
  EXPECT_EQ(rig.held(), 0);
}

TEST(SessionTable, BoundsThePrincipalAndForgetsTheIdle) {
  Rig rig([](Config& config) { config.limits.sessions_per_principal = 2; });
  const std::string first = rig.open(), second = rig.open();
  EXPECT_FALSE(second.empty());
  EXPECT_TRUE(rig.open().empty());
  EXPECT_FALSE(rig.open("{}", "Authorization: Bearer sk-ada\r\n").empty());
  EXPECT_EQ(rig.sessions->size(), 3U);
  rig.sessions->sweep(1h);
  EXPECT_EQ(rig.sessions->size(), 3U);
  rig.sessions->sweep(0us);
  EXPECT_EQ(rig.sessions->size(), 0U);
  // It only made room: its id says enough to go on.
  EXPECT_EQ(rig.post(make_request("1", "ping", ""), first).status, 200);
  EXPECT_EQ(rig.sessions->size(), 1U);
}

}  // namespace
}  // namespace bursar::broker
