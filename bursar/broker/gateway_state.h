// The gateway's insides, for the two sources that make it: serve.cc runs it, gateway_build.cc builds its parts.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "bursar/broker/admin/upstream_watch.h"
#include "bursar/broker/allocate_door/allocate_door.h"
#include "bursar/broker/api/api.h"
#include "bursar/broker/budget_left.h"
#include "bursar/broker/config/reload.h"
#include "bursar/broker/decide_door/decide_door.h"
#include "bursar/broker/http/doors.h"
#include "bursar/broker/http/server.h"
#include "bursar/broker/identity/identity.h"
#include "bursar/broker/mcp/mcp_door.h"
#include "bursar/broker/models/models_door.h"
#include "bursar/broker/oauth/oauth_door.h"
#include "bursar/broker/records.h"
#include "bursar/broker/serve.h"
#include "bursar/broker/strategies/strategies.h"
#include "bursar/broker/telemetry/trace_exporter.h"
#include "bursar/core/published.h"

namespace bursar::broker {

class Gateway::State {
 public:
  explicit State(ServeOptions options) : options_(std::move(options)) {}
  ~State() { stop(std::nullopt); }

  Result<void> start();
  Result<void> reload(bool force);
  void stop(std::optional<Duration> drain);
  void hurry();
  [[nodiscard]] GatewayStatus status() const;
  [[nodiscard]] std::uint16_t port() const { return server_ ? server_->port() : 0; }
  [[nodiscard]] std::string listen() const { return config()->listen.address + ":" + std::to_string(port()); }
  [[nodiscard]] std::string url() const {
    return (config()->listen.tls.certificate.empty() ? "http://" : "https://") + listen();
  }

 private:
  [[nodiscard]] std::shared_ptr<const Config> config() const { return config_.load(); }
  void publish() const;
  void build_pipeline();
  void build_services();
  Result<std::shared_ptr<const UpstreamSet>> build_upstreams(const Config& config);
  Result<void> open_strategies();
  Result<void> open_doors();
  Result<void> adopt(const Config& config);
  void handle(HttpRequest request, std::shared_ptr<Exchange> exchange);
  void serve(HttpRequest request, std::shared_ptr<Exchange> exchange);
  [[nodiscard]] std::optional<Target> resolve(const Call& call, std::string_view exposed) const;
  [[nodiscard]] std::vector<UpstreamHealth> upstream_health() const;
  void audited(const Call& call, WallTime now);
  void tick(int count);
  void wait_for_calls(Duration drain);

  ServeOptions options_;
  SystemClock clock_;
  WallTime started_{}, config_loaded_{};
  Metrics metrics_;
  std::unique_ptr<ConfigFile> file_;
  Published<const Config> config_;
  std::unique_ptr<Records> records_;
  std::unique_ptr<UpstreamWatch> watch_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<Reactors> reactors_;  // ends before what its tasks use
  std::unique_ptr<TraceExporter> traces_;
  std::unique_ptr<Identity> identity_;
  std::unique_ptr<oauth::Accounts> accounts_;
  std::unique_ptr<oauth::OAuthDoor> oauth_;
  Published<const UpstreamSet> upstreams_;
  std::shared_ptr<McpServices> services_;
  std::unique_ptr<SessionTable> sessions_;
  std::unique_ptr<McpDoor> mcp_;
  std::unique_ptr<ModelsDoor> models_;
  std::unique_ptr<Strategies> strategies_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<Doors> doors_;
  std::unique_ptr<AllocateDoor> allocate_;
  std::unique_ptr<DecideDoor> decide_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<Workers> workers_;  // end before all that their tasks use

  BudgetLeft left_;
  std::string local_secret_;  // of the command line

  std::mutex reload_mutex_;
  std::string adopt_error_;
  std::mutex mutex_;  // guards what the ticking thread and stop() wait for
  std::condition_variable wake_;
  bool stopping_ = false, hurry_ = false, stopped_ = false;
  std::atomic<bool> draining_{false};
  std::thread ticker_;
};

}  // namespace bursar::broker
