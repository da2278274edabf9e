// A small MCP server for the tests of stdio upstreams: this test program, run with the word "fake-mcp-server". What a
// tool does stands in its name.
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <unistd.h>

#include "bursar/broker/mcp/message.h"

namespace bursar::broker {
namespace {

void say(const std::string& line) { std::cout << line << '\n' << std::flush; }

class FakeServer {
 public:
  explicit FakeServer(std::string mode) : mode_(std::move(mode)) {}

  void run() {
    if (mode_ == "exit-at-start") {
      std::cerr << "no licence found" << std::endl;
      ::_exit(4);
    }
    for (std::string line; std::getline(std::cin, line);) {
      if (auto message = Message::parse(line)) take(*message);
    }
    if (mode_ == "ignores-eof") std::this_thread::sleep_for(std::chrono::hours{1});
  }

 private:
  void take(const Message& m) {
    if (mode_.starts_with("modern")) return take_modern(m);
    if (m.method() == "initialize") {
      if (mode_ == "silent") return;
      const std::string version = mode_ == "old" ? "1999-01-01" : "2025-06-18";
      return say(make_result(
          m.id(), R"({"protocolVersion":")" + version +
                      R"(","capabilities":{"tools":{}},"serverInfo":{"name":"fake","version":"1"},"client":)" +
                      std::string(m.params()) + "}"));
    }
    if (m.method() == "notifications/initialized") initialized_ = true;
    if (m.method() == "notifications/cancelled") {
      say(make_notification("notifications/message", R"({"level":"info","data":)" + std::string(m.params()) + "}"));
    }
    if (m.kind() == MessageKind::kResult && !asking_.empty()) {
      say(make_result(asking_, R"({"answer":)" + std::string(m.result()) + "}"));
      asking_.clear();
    }
    if (m.method() == "ping") say(make_result(m.id(), "{}"));
    if (m.method() == "tools/call") return call(m);
    if (m.method() == "server/discover") {
      if (mode_ == "exit-at-discover") ::_exit(3);
      if (mode_ != "mute-at-discover") say(make_error(m.id(), -32601, "Method not found"));
    }
  }

  static std::string_view meta(const Message& m, std::string_view key) {
    return member(m.meta(), "io.modelcontextprotocol/" + std::string(key));
  }

  static std::string of_subscription(std::string_view id, std::string_view more) {
    return R"({"_meta":{"io.modelcontextprotocol/subscriptionId":)" + std::string(id) + "}" + std::string(more) + "}";
  }

  // Revision 2026-07-28: no handshake, input rounds, one subscription.
  void take_modern(const Message& m) {
    if (m.kind() == MessageKind::kNotification) {
      said_ += (said_.empty() ? "" : ",") + std::string(m.text());
      return;
    }
    // A server that speaks both eras keeps to the one in which it was greeted last.
    if (m.method() == "initialize" && mode_ == "modern-slow") {
      initialized_ = true;
      return say(make_result(m.id(), R"({"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{}})"));
    }
    if (initialized_ && m.method() == "tools/call") return say(make_error(m.id(), -32000, "greeted as of old"));
    if (meta(m, "protocolVersion") != R"("2026-07-28")" || meta(m, "clientCapabilities").empty()) {
      return say(make_error(m.id(), -32022, "Unsupported protocol version", R"({"supported":["2026-07-28"]})"));
    }
    if (m.method() == "server/discover") {
      if (mode_ == "modern-slow") std::this_thread::sleep_for(std::chrono::milliseconds{2000});
      return say(make_result(
          m.id(),
          R"({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true},"logging":{}},"instructions":"be kind","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"fake","version":"2"}},"ttlMs":0,"cacheScope":"public"})"));
    }
    if (m.method() == "subscriptions/listen") {
      subscription_ = m.id();
      return say(make_notification("notifications/subscriptions/acknowledged",
                                   of_subscription(m.id(), R"(,"notifications":{})")));
    }
    if (m.method() != "tools/call") return say(make_error(m.id(), -32601, "Method not found"));
    if (m.name() == "ask" && member(m.params(), "inputResponses").empty()) {
      return say(make_result(
          m.id(),
          R"({"resultType":"input_required","inputRequests":{"r":{"method":"roots/list"}},"requestState":"s"})"));
    }
    if (m.name() == "changed")
      say(make_notification("notifications/tools/list_changed", of_subscription(subscription_, "")));
    if (m.name() == "updated")
      say(make_notification("notifications/resources/updated", of_subscription(subscription_, R"(,"uri":"a://1")")));
    if (m.name() == "end-subscription")
      say(make_result(subscription_, of_subscription(subscription_, R"(,"resultType":"complete")")));
    if (m.name() == "hang") return;
    say(make_result(m.id(), R"({"resultType":"complete","pid":)" + std::to_string(::getpid()) + R"(,"id":)" +
                                std::string(m.id()) + R"(,"params":)" + std::string(m.params()) + R"(,"said":[)" +
                                said_ + R"(],"subscription":")" + subscription_ + R"("})"));
  }

  void call(const Message& m) {
    const std::string_view tool = m.name();
    if (tool == "hang") return;
    if (tool == "crash") ::_exit(9);
    if (tool == "huge") return say(make_result(m.id(), R"({"x":")" + std::string(300'000, 'x') + "\"}"));
    if (tool == "fail") return say(make_error(m.id(), -32602, "no such thing"));
    if (tool == "garbage") say("Welcome to the server!\n{\"jsonrpc\":\"2.0\",");
    if (tool == "changed") say(make_notification("notifications/tools/list_changed", {}));
    if (tool == "log") say(make_notification("notifications/message", R"({"level":"info","data":"working"})"));
    if (tool == "ask") {
      asking_ = m.id();
      return say(make_request("\"s-1\"", "roots/list", {}));
    }
    if (tool == "progress") {
      for (int i = 1; i <= 5; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds{150});
        say(make_notification("notifications/progress", R"({"progressToken":)" + std::string(m.progress_token()) +
                                                            R"(,"progress":)" + std::to_string(i) + "}"));
      }
    }
    say(make_result(m.id(), R"({"pid":)" + std::to_string(::getpid()) + R"(,"initialized":)" +
                                (initialized_ ? "true" : "false") + R"(,"params":)" + std::string(m.params()) + "}"));
  }

  std::string mode_, asking_, said_, subscription_;
  bool initialized_ = false;
};

__attribute__((constructor)) void become_fake_server(int argc, char** argv, char**) {
  if (argc < 2 || std::string_view(argv[1]) != "fake-mcp-server") return;
  static std::ios_base::Init streams_first;
  FakeServer(argc > 2 ? argv[2] : "").run();
  ::_exit(0);
}

}  // namespace
}  // namespace bursar::broker
