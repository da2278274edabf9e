#include "bursar/broker/telemetry/trace_exporter.h"

#include <algorithm>
#include <deque>
#include <mutex>

#include "bursar/broker/net/http_client.h"
#include "bursar/broker/telemetry/log.h"

namespace bursar::broker {
namespace {

constexpr std::string_view kVersion = "0.1.0";
constexpr std::chrono::seconds kPatience{10};

// "http://host:4318" names a receiver, whose traces go to /v1/traces; a url with a path is taken as it is.
std::string traces_url(std::string url) {
  const std::size_t host = url.find("://");
  const bool bare = host != std::string::npos && url.find('/', host + 3) == std::string::npos;
  if (bare) return url + "/v1/traces";
  return url.ends_with('/') ? url + "v1/traces" : url;
}

bool worth_another_try(const Result<HttpAnswer>& answer) {
  if (!answer) return answer.error().retryable;
  return answer->status == 429 || (answer->status >= 502 && answer->status <= 504);
}

}  // namespace

struct TraceExporter::State : std::enable_shared_from_this<State> {
  explicit State(Reactor& r) : reactor(r) {}

  void next();
  void send(std::vector<Span> group, int tries);
  void done(std::vector<Span> group, int tries, const Result<HttpAnswer>& answer);

  Reactor& reactor;
  std::atomic<bool> enabled{false};
  std::atomic<std::uint64_t> exported{0}, lost{0};
  std::mutex mutex;  // of what follows
  TelemetryConfig config;
  std::shared_ptr<HttpClient> client;
  std::deque<Span> waiting;
  std::vector<Span> again;  // a group that was refused, for the next flush
  int tries = 0;
  bool sending = false;
};

void TraceExporter::State::next() {
  const std::scoped_lock lock(mutex);
  if (sending || !client || (waiting.empty() && again.empty())) return;
  std::vector<Span> group = std::exchange(again, {});
  const int tried = group.empty() ? 0 : tries;
  while (group.size() < kGroup && !waiting.empty() && tried == 0) {
    group.push_back(std::move(waiting.front()));
    waiting.pop_front();
  }
  sending = true;
  reactor.post(
      [self = shared_from_this(), group = std::move(group), tried]() mutable { self->send(std::move(group), tried); });
}

void TraceExporter::State::send(std::vector<Span> group, int tried) {
  std::unique_lock lock(mutex);
  ClientRequest request{.method = "POST",
                        .headers = {{"Content-Type", "application/json"}},
                        .body = otlp_json(group, config.service, kVersion),
                        .timeout = kPatience,
                        .body_bytes = 1 << 20};
  for (const auto& header : config.headers) request.headers.push_back(header);
  const auto to = client;
  lock.unlock();
  to->fetch(reactor, std::move(request),
            [self = shared_from_this(), to, tried, group = std::move(group)](const Result<HttpAnswer>& answer) mutable {
              self->done(std::move(group), tried + 1, answer);
            });
}

void TraceExporter::State::done(std::vector<Span> group, int tried, const Result<HttpAnswer>& answer) {
  const std::size_t spans = group.size();
  bool more = false;
  {
    const std::scoped_lock lock(mutex);
    sending = false;
    if (answer && answer->status < 300) {
      exported.fetch_add(spans);
      more = waiting.size() >= kGroup;
    } else if (worth_another_try(answer) && tried < kTries) {
      again = std::move(group);
      tries = tried;
      return;
    } else {
      lost.fetch_add(spans);
    }
  }
  if (more) return next();
  if (answer && answer->status < 300) return;
  log(LogLevel::kWarn, "traces_lost",
      {{"spans", spans}, {"why", answer ? "HTTP " + std::to_string(answer->status) : answer.error().message}});
}

TraceExporter::TraceExporter(Reactor& reactor) : state_(std::make_shared<State>(reactor)) {}
TraceExporter::~TraceExporter() = default;

Result<void> TraceExporter::configure(const TelemetryConfig& config) {
  std::shared_ptr<HttpClient> client;
  if (!config.otlp_url.empty()) {
    // The receiver is the owner's own choice and stands, as a rule, in a private network.
    auto endpoint = Endpoint::make({.url = traces_url(config.otlp_url), .private_network = true});
    if (!endpoint) return tl::unexpected(with_context("telemetry.otlp_url", endpoint.error()));
    client = std::make_shared<HttpClient>(std::move(*endpoint));
  }
  const std::scoped_lock lock(state_->mutex);
  state_->config = config;
  state_->client = std::move(client);
  state_->enabled = state_->client != nullptr;
  return {};
}

bool TraceExporter::enabled() const { return state_->enabled.load(std::memory_order_relaxed); }

void TraceExporter::add(std::vector<Span> spans) {
  if (!enabled()) return;
  bool full = false;
  {
    const std::scoped_lock lock(state_->mutex);
    for (Span& span : spans) {
      if (state_->waiting.size() >= kMaxWaiting) {
        state_->lost.fetch_add(1);
      } else {
        state_->waiting.push_back(std::move(span));
      }
    }
    full = state_->waiting.size() >= kGroup && !state_->sending;
  }
  if (full) state_->next();
}

void TraceExporter::flush() { state_->next(); }
std::uint64_t TraceExporter::exported() const { return state_->exported.load(); }
std::uint64_t TraceExporter::lost() const { return state_->lost.load(); }

}  // namespace bursar::broker
