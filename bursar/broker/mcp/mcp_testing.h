// A gateway around an upstream that lives in the test: real sockets towards the agent, real pipeline and ledger (in
// memory), no child process. Tests only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bursar/broker/http/raw_client.h"
#include "bursar/broker/http/server.h"
#include "bursar/broker/mcp/mcp_door.h"
#include "bursar/broker/telemetry/metrics.h"
#include "bursar/ledger/ledger.h"

namespace bursar::broker::testing {

// Tools: echo (answers with its params), hang, progress (two notifications, then waits for release()), ask (a
// sampling request; answers with what came back), fail (a JSON-RPC error). Lists: those tools, prompt "p", resource
// "mem://a", template "mem://{id}".
class FakeUpstream final : public Upstream, public std::enable_shared_from_this<FakeUpstream> {
 public:
  FakeUpstream(std::string name, Reactor& reactor) : name_(std::move(name)), reactor_(reactor) {}

  Result<std::shared_ptr<UpstreamSession>> open(OpenSession open) override;
  [[nodiscard]] UpstreamStatus status() const override;
  void probe(std::function<void(Result<UpstreamStatus>)>) override {}
  void close() override {}

  void release();                      // lets every waiting call answer
  void say(std::string_view message);  // a notification or request to every session, outside of a call
  void set_down(bool down) { down_ = down; }
  void set_tools(std::vector<std::string> tools);
  [[nodiscard]] std::vector<std::string> seen() const;  // methods, cancellations and responses that arrived
  [[nodiscard]] std::size_t waiting() const;

 private:
  friend class FakeSession;
  void request(const std::shared_ptr<UpstreamEvents>& events, Ticket ticket, UpstreamRequest request, RequestSink sink,
               RequestDone done);
  [[nodiscard]] std::string list(std::string_view method) const;
  void note(std::string text);

  std::string name_;
  Reactor& reactor_;
  mutable std::mutex mutex_;
  bool down_ = false;
  std::vector<std::string> tools_{"echo", "hang", "progress", "ask", "fail"};
  std::vector<std::string> seen_;
  std::map<Ticket, RequestDone> waiting_;
  std::map<std::string, Ticket> asked_;
  std::vector<std::weak_ptr<UpstreamEvents>> events_;
  Ticket next_ = 1;
};

class Rig {
 public:
  explicit Rig(std::function<void(Config&)> change = {});
  ~Rig();

  [[nodiscard]] std::uint16_t port() const { return server->port(); }
  // POST /mcp, on a connection of its own unless one is given.
  RawAnswer post(std::string_view body, std::string_view session = "", std::string_view more = "");
  static std::string request(std::string_view body, std::string_view session, std::string_view more = "",
                             std::string_view path = "/mcp");
  std::string open(std::string_view capabilities = "{}", std::string_view more = "");  // the new session's id
  [[nodiscard]] std::int64_t spent(std::string_view account = "dev", Resource resource = kCalls) const;
  [[nodiscard]] std::int64_t held(std::string_view account = "dev") const;

  SystemClock clock;
  Config config;
  std::unique_ptr<ledger::Ledger> ledger;
  Metrics metrics;
  std::unique_ptr<KeyVerifier> keys;
  std::unique_ptr<Pipeline> pipeline;
  Reactors reactors{2};
  std::shared_ptr<FakeUpstream> upstream, second;
  std::shared_ptr<const UpstreamSet> set;
  std::shared_ptr<McpServices> services;
  std::unique_ptr<SessionTable> sessions;
  std::unique_ptr<McpDoor> door;
  std::unique_ptr<HttpServer> server;
};

// True as soon as `condition` holds; false after ten seconds.
[[nodiscard]] bool eventually(const std::function<bool()>& condition);

}  // namespace bursar::broker::testing
