// Bytes of an outsider, through the very connection, door and sessions of the gateway, over a socket pair and without a
// thread. First byte odd: a body posted into an open session; even: raw bytes on the connection.
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bursar/broker/http/connection.h"
#include "bursar/broker/mcp/mcp_door.h"
#include "bursar/broker/telemetry/log.h"
#include "bursar/ledger/sqlite_store.h"

namespace bursar::broker {
namespace {

class Boundary {
 public:
  Boundary() {
    set_log_level(LogLevel::kOff);
    auto store = ledger::open_sqlite_store({.path = ":memory:"});
    ledger_ = std::move(*ledger::Ledger::open(std::move(*store), clock_));
    (void)ledger_->put_account({.path = "dev"});
    PipelineDeps deps;
    deps.clock = &clock_;
    deps.try_reserve = [this](const ledger::ReserveRequest& request) { return ledger_->try_reserve(request); };
    deps.resolve = [this](const Call& call, std::string_view exposed) {
      return services_->catalogue->current()->resolve("", call.request.method(), exposed);
    };
    Config config;
    config.limits = limits_;
    pipeline_ = std::make_unique<Pipeline>(std::move(deps), pipeline_config(config));
    services_->calls = {.pipeline = pipeline_.get(), .ledger = ledger_.get(), .clock = &clock_};
    services_->instance = "fuzz";
    services_->upstreams = [] { return std::make_shared<const UpstreamSet>(); };
    services_->catalogue = CatalogueKeeper::make(reactor_, pipeline_->contracts(), {});
    shared_->handler = [this](HttpRequest request, std::shared_ptr<Exchange> exchange) {
      door_.handle(std::move(request), std::move(exchange));
    };
  }

  void feed(std::string_view bytes) {
    if (!session_ || sessions_.size() > 8) {
      sessions_.close_all(Cause::kCancelled);
      session_ = *sessions_.open({.principal = {.subject = "dev", .account = "dev"},
                                  .protocol_version = "2025-11-25",
                                  .capabilities = "{}",
                                  .client_info = "{}"},
                                 reactor_, limits_);
    }
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return;
    Socket socket(reactor_.context());
    socket.assign(boost::asio::ip::tcp::v4(), ends[1]);
    const auto lane = std::make_shared<Lane>(reactor_, shared_);
    lane->add(std::move(socket), limits_, /*loopback=*/true, /*tls=*/nullptr);
    while (!bytes.empty()) {
      const ssize_t sent = ::send(ends[0], bytes.data(), std::min<std::size_t>(bytes.size(), 4096), MSG_NOSIGNAL);
      if (sent <= 0) break;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      settle(ends[0]);
    }
    ::shutdown(ends[0], SHUT_WR);
    settle(ends[0]);
    lane->close();
    settle(ends[0]);
    ::close(ends[0]);
  }

  [[nodiscard]] std::string post(std::string_view body) const {
    return "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: "
           "*/*\r\nMcp-Session-Id: " +
           (session_ ? session_->opening().id : "none") + "\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + std::string(body);
  }

 private:
  void settle(int reader) {
    char sink[16 << 10];
    while (reactor_.context().poll() > 0) {
      reactor_.context().restart();
      while (::recv(reader, sink, sizeof sink, MSG_DONTWAIT) > 0) {
      }
    }
    reactor_.context().restart();
  }

  SystemClock clock_;
  LimitsConfig limits_{.body_bytes = 64 << 10, .header_bytes = 4 << 10};
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<Pipeline> pipeline_;
  Reactor reactor_;
  std::shared_ptr<McpServices> services_ = std::make_shared<McpServices>();
  SessionTable sessions_{services_};
  McpDoor door_{services_, sessions_};
  std::shared_ptr<ServerShared> shared_ = std::make_shared<ServerShared>();
  std::shared_ptr<AgentSession> session_;
};

}  // namespace
}  // namespace bursar::broker

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static auto* const boundary = new bursar::broker::Boundary;  // lives as long as the process
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0)
    boundary->feed(rest);
  else
    boundary->feed(boundary->post(rest));
  return 0;
}
