#include "bursar/broker/serve.h"

#include <algorithm>
#include <signal.h>

#include "bursar/broker/admin/address.h"
#include "bursar/broker/admin/upstream_health.h"
#include "bursar/broker/gateway_state.h"
#include "bursar/broker/http/tls_context.h"
#include "bursar/broker/mcp/session_handle.h"
#include "bursar/broker/net/http_client.h"
#include "bursar/broker/pipeline/stage_support.h"
#include "bursar/broker/telemetry/call_spans.h"
#include "bursar/broker/telemetry/log.h"

namespace bursar::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using SteadyClock = std::chrono::steady_clock;

constexpr std::string_view kVersion = "0.1.0";
constexpr seconds kTick{1};
constexpr int kBudgetTicks = 5;               // how often budgets go to the metrics
constexpr int kLatencyTicks = 30;             // how often the learned latencies are written
constexpr milliseconds kFlushPatience{1000};  // for the last answers to leave
constexpr seconds kJoinPatience{10};          // for children to end

}  // namespace

Result<void> Gateway::State::start() {
  if (!options_.config_path.empty()) {
    auto file = ConfigFile::open(options_.config_path, options_.environment);
    if (!file) return tl::unexpected(file.error());
    file_ = std::move(*file);
    config_.store(file_->current());
  } else {
    config_.store(std::make_shared<const Config>(options_.config));
  }
  started_ = config_loaded_ = clock_.now();
  if (auto level = parse_log_level(config()->log_level)) set_log_level(*level);
  ::signal(SIGPIPE, SIG_IGN);
  auto records = Records::open(*config(), clock_, metrics_);
  if (!records) return tl::unexpected(records.error());
  records_ = std::move(*records);
  watch_ = std::make_unique<UpstreamWatch>(metrics_, records_->security_log());
  reactors_ = std::make_unique<Reactors>(config()->listen.reactors);
  traces_ = std::make_unique<TraceExporter>(reactors_->at(0));
  if (auto ok = traces_->configure(config()->telemetry); !ok) return ok;
  build_pipeline();
  build_services();
  if (auto ok = open_handles(*services_, config()->handles, config()->database); !ok) return ok;
  accounts_->open(oauth::Vault(services_->handles, oauth::vault_folder(config()->database)));
  auto upstreams = build_upstreams(*config());
  if (!upstreams) return tl::unexpected(upstreams.error());
  upstreams_.store(*upstreams);
  accounts_->adopt(config()->upstreams);
  auto models = models_->prepare(*config());
  if (!models) return tl::unexpected(models.error());
  models_->adopt(std::move(*models), *config());
  if (auto ok = open_strategies(); !ok) return ok;
  if (auto ok = open_doors(); !ok) return ok;
  left_.update(records_->ledger().standing());
  services_->catalogue->set(*upstreams);  // before the first request can come
  reactors_->start();
  // For the command line of the same user: where to look, and a secret that lets it in.
  local_secret_ = records_->keys().issue_local_admin();
  publish();
  ticker_ = std::thread([this] {
    std::unique_lock lock(mutex_);
    for (int count = 1; !stopping_; ++count) {
      if (wake_.wait_for(lock, kTick, [this] { return stopping_; })) return;
      lock.unlock();
      tick(count);
      lock.lock();
    }
  });
  return {};
}

void Gateway::State::publish() const {
  const TlsServerConfig& tls = config()->listen.tls;
  if (!tls.client_ca.empty()) return;  // the command line has no certificate to show, and works on the database
  const LocalAddress address{url(), local_secret_, certificate_fingerprint(tls.certificate)};
  if (auto ok = publish_address(config()->database, address); !ok) {
    log(LogLevel::kWarn, "address_not_published", {{"why", ok.error().message}});
  }
}

void Gateway::State::handle(HttpRequest request, std::shared_ptr<Exchange> exchange) {
  if (!request.header("origin").empty()) exchange->always(cors_headers(request));
  identity_->pass(std::move(request), std::move(exchange), [this](HttpRequest known, std::shared_ptr<Exchange> back) {
    serve(std::move(known), std::move(back));
  });
}

void Gateway::State::serve(HttpRequest request, std::shared_ptr<Exchange> exchange) {
  if (auto answer = identity_->well_known(request, *pipeline_)) return exchange->answer(std::move(*answer));
  if (McpDoor::is_mine(request.path) && request.method != "OPTIONS") {
    if (draining_.load(std::memory_order_relaxed) && request.header("mcp-session-id").empty()) {
      return exchange->answer(http_error(503, "draining", "The gateway is shutting down."));
    }
    return mcp_->handle(std::move(request), std::move(exchange));
  }
  if (ModelsDoor::is_mine(request.path) && request.method != "OPTIONS") {
    return models_->handle(std::move(request), std::move(exchange));
  }
  if (Strategies::is_mine(request.path) && request.method != "OPTIONS") {
    return strategies_->handle(std::move(request), exchange);
  }
  if (AllocateDoor::is_mine(request.path) && request.method != "OPTIONS") {
    return allocate_->handle(std::move(request), exchange);
  }
  if (DecideDoor::is_mine(request.path) && request.method != "OPTIONS") return decide_->handle(request, exchange);
  if (oauth::OAuthDoor::is_mine(request.path) && request.method != "OPTIONS") return oauth_->handle(request, exchange);
  doors_->handle(std::move(request), exchange);
}

Result<void> Gateway::State::reload(bool force) {
  if (!file_) return {};
  const std::scoped_lock lock(reload_mutex_);
  switch (file_->maybe_reload(force)) {
    case ConfigFile::Outcome::kUnchanged: return {};
    case ConfigFile::Outcome::kRefused:
      metrics_.configuration_reloaded(false);
      log(LogLevel::kError, "configuration_refused", {{"reason", file_->error()}});
      return invalid_argument(file_->error());
    case ConfigFile::Outcome::kAccepted: break;
  }
  const auto wanted = file_->current();
  auto adopted = adopt(*wanted);
  adopt_error_ = adopted ? "" : adopted.error().message;
  metrics_.configuration_reloaded(adopted.has_value());
  if (!adopted) {
    log(LogLevel::kError, "configuration_refused", {{"reason", adopted.error().message}});
    return adopted;
  }
  config_.store(wanted);
  config_loaded_ = clock_.now();
  for (const std::string& part : file_->needs_restart()) {
    log(LogLevel::kWarn, "configuration_needs_restart", {{"part", part}});
  }
  log(LogLevel::kInfo, "configuration_loaded", {{"generation", file_->generation()}});
  return {};
}

Result<void> Gateway::State::adopt(const Config& wanted) {
  auto upstreams = build_upstreams(wanted);
  if (!upstreams) return tl::unexpected(upstreams.error());
  auto models = models_->prepare(wanted);
  if (!models) return tl::unexpected(models.error());
  auto pipelines = Strategies::prepare(wanted);
  if (!pipelines) return tl::unexpected(with_context("strategies.pipelines", pipelines.error()));
  if (auto ok = records_->adopt(wanted, config().get()); !ok) return ok;
  if (auto ok = traces_->configure(wanted.telemetry); !ok) return ok;
  if (auto ok = server_->reload_certificates(); !ok) return ok;
  publish();
  if (auto level = parse_log_level(wanted.log_level)) set_log_level(*level);
  identity_->configure(wanted);
  pipeline_->configure(pipeline_config(wanted));
  server_->set_limits(wanted.limits);
  models_->adopt(std::move(*models), wanted);
  strategies_->adopt(std::move(*pipelines));
  accounts_->adopt(wanted.upstreams);
  const auto old = upstreams_.exchange(*upstreams);
  services_->catalogue->set(*upstreams);
  for (const UpstreamEntry& entry : old->entries) {
    const UpstreamEntry* kept = (*upstreams)->find(entry.config.name);
    if (kept == nullptr || kept->upstream != entry.upstream) entry.upstream->close();
  }
  return {};
}

void Gateway::State::tick(int count) {
  mcp_->sweep(config()->limits.session_idle);
  identity_->tick();
  accounts_->tick();
  api_->sweep();
  models_->tick();
  strategies_->tick();
  sweep_rested_connections();
  decide_->tick();
  if (options_.watch) (void)reload(false);
  traces_->flush();
  if (count % kLatencyTicks == 0) records_->save_latencies();
  auto standings = records_->ledger().standing();
  left_.update(standings);
  metrics_.set(Gauge::kAuditQueue, static_cast<std::int64_t>(records_->audit().queued()));
  if (count % kBudgetTicks != 0) return;
  metrics_.set_budgets(std::move(standings));
  metrics_.set(Gauge::kKeys, static_cast<std::int64_t>(records_->keys().valid_keys()));
  for (const UpstreamHealth& health : upstream_health()) watch_->look(health);
}

void Gateway::State::audited(const Call& call, WallTime now) {
  if (traces_->enabled()) traces_->add(spans_of(call, now, config()->telemetry.sample));
  AuditTexts made;
  AuditEntry entry = entry_of(call, now, made);
  entry.raw_arguments = config()->audit.arguments;
  records_->keep(entry, call.stages[static_cast<std::size_t>(StageName::kAuthorise)].stopped);
}

std::vector<UpstreamHealth> Gateway::State::upstream_health() const {
  const auto catalogue = services_->catalogue->current();
  const auto set = upstreams_.load();
  std::vector<UpstreamHealth> out;
  for (const UpstreamEntry& entry : set->entries) {
    out.push_back(health_of(entry, *catalogue, *pipeline_, records_->latencies(), clock_.now()));
    if (const auto account = accounts_->find(entry.config.name)) out.back().sign_in = name_of(account->status().state);
  }
  return out;
}

GatewayStatus Gateway::State::status() const {
  const auto current = config();
  GatewayStatus status{.version = std::string(kVersion),
                       .started = started_,
                       .now = clock_.now(),
                       .listen = listen(),
                       .draining = draining_.load(),
                       .config_file = options_.config_path,
                       .config_generation = file_ ? file_->generation() : 1,
                       .config_loaded = config_loaded_,
                       .config_error = file_ ? file_->error() : std::string()};
  if (auto healthy = records_->ledger().health(); !healthy) status.ledger_error = healthy.error().message;
  if (auto healthy = records_->audit().health(); !healthy) status.audit_error = healthy.error().message;
  status.connections = server_ ? server_->connections() : 0;
  status.sessions = sessions_->size();
  status.streams = static_cast<std::size_t>(std::max<std::int64_t>(0, services_->streams.load()));
  status.calls_in_flight =
      static_cast<std::size_t>(std::max<std::int64_t>(0, services_->running.load())) + models_->running();
  status.keys = records_->keys().valid_keys();
  status.turn_budget = current->turn.budget;
  status.internal_errors = records_->internal_errors();
  status.upstreams = upstream_health();
  status.models = models_->health();
  status.price_date = models_->price_date();
  status.budgets = records_->ledger().standing();
  return status;
}

void Gateway::State::hurry() {
  const std::scoped_lock lock(mutex_);
  hurry_ = true;
  wake_.notify_all();
}

void Gateway::State::wait_for_calls(Duration drain) {
  const auto until = SteadyClock::now() + drain;
  std::unique_lock lock(mutex_);
  while ((services_->running.load() > 0 || models_->running() > 0 || strategies_->running() > 0) && !hurry_ &&
         SteadyClock::now() < until) {
    wake_.wait_for(lock, milliseconds{10});
  }
}

void Gateway::State::stop(std::optional<Duration> drain) {
  {
    const std::scoped_lock lock(mutex_);
    if (std::exchange(stopped_, true)) return;
    stopping_ = true;
    wake_.notify_all();
  }
  if (ticker_.joinable()) ticker_.join();
  if (!server_) return;  // never started
  draining_.store(true);
  withdraw_address(config()->database);
  identity_->stop();
  accounts_->stop();
  models_->drain();
  server_->drain();
  wait_for_calls(drain.value_or(config()->limits.drain));
  strategies_->stop();
  mcp_->close_all(Cause::kShutdown);
  models_->close(Cause::kShutdown);
  services_->catalogue->close();
  const auto flushed = SteadyClock::now() + kFlushPatience;
  while (server_->connections() > 0 && SteadyClock::now() < flushed) std::this_thread::sleep_for(milliseconds{5});
  server_->close();
  const auto set = upstreams_.load();
  for (const UpstreamEntry& entry : set->entries) entry.upstream->close();
  reactors_->finish();
  {
    // A reactor that does not run dry (a child that ignores everything) must not keep the process.
    std::jthread watchdog([this](const std::stop_token& done) {
      const auto until = SteadyClock::now() + kJoinPatience;
      while (!done.stop_requested() && SteadyClock::now() < until) std::this_thread::sleep_for(milliseconds{20});
      if (!done.stop_requested()) reactors_->stop();
    });
    reactors_->join();
  }
  decide_->stop();
  records_->flush();
  log(LogLevel::kInfo, "stopped");
}

Result<std::unique_ptr<Gateway>> Gateway::start(ServeOptions options) {
  auto state = std::make_unique<State>(std::move(options));
  if (auto ok = state->start(); !ok) return tl::unexpected(ok.error());
  return std::unique_ptr<Gateway>(new Gateway(std::move(state)));
}

Gateway::Gateway(std::unique_ptr<State> state) : state_(std::move(state)) {}
Gateway::~Gateway() = default;
std::uint16_t Gateway::port() const { return state_->port(); }
std::string Gateway::url() const { return state_->url(); }
GatewayStatus Gateway::status() const { return state_->status(); }
Result<void> Gateway::reload() { return state_->reload(true); }
void Gateway::stop(std::optional<Duration> drain) { state_->stop(drain); }
void Gateway::hurry() { state_->hurry(); }

}  // namespace bursar::broker
