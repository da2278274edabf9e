#include "bursar/broker/telemetry/metrics.h"

#include <cmath>
#include <limits>
#include <mutex>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "bursar/broker/telemetry/series.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

struct GaugeName {
  const char* name;
  const char* help;
};
constexpr std::array<GaugeName, 6> kGauges = {{
    {"bursar_connections", "Connections of agents that are open."},
    {"bursar_sessions", "Agent sessions."},
    {"bursar_streams", "Open event streams towards agents."},
    {"bursar_calls_in_flight", "Agent requests that wait for their answer."},
    {"bursar_audit_queue", "Audit records that wait for the disk."},
    {"bursar_keys", "Virtual keys that are valid."},
}};
constexpr std::array<GaugeName, 8> kUpstreamGauges = {{
    {"bursar_upstream_up", "1 where the last probe or call reached the upstream."},
    {"bursar_upstream_sessions", "Sessions towards the upstream."},
    {"bursar_upstream_children", "Child processes of the upstream."},
    {"bursar_upstream_in_flight", "Calls that the upstream has not answered."},
    {"bursar_upstream_circuit_open", "1 while the upstream's circuit is open."},
    {"bursar_upstream_tools", "Tools that the upstream offers."},
    {"bursar_upstream_tools_drifted", "1 while the upstream offers other tools than the configuration pinned."},
    {"bursar_upstream_restarts", "Children and sessions of the upstream that were started again."},
}};

using Labels = std::span<const std::string>;

std::string label_text(std::string_view value) { return is_utf8(value) ? std::string(value) : "other"; }

prometheus::ClientMetric labelled(Labels names, Labels values) {
  prometheus::ClientMetric metric;
  for (std::size_t i = 0; i < names.size(); ++i) metric.label.push_back({names[i], label_text(values[i])});
  return metric;
}

prometheus::MetricFamily family(std::string name, std::string help, prometheus::MetricType type) {
  return {.name = std::move(name), .help = std::move(help), .type = type, .metric = {}};
}

void write(prometheus::ClientMetric& metric, const LatencyHistogram& histogram) {
  const auto counts = histogram.counts();
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    cumulative += counts[i];
    const double bound = i < LatencyHistogram::kBoundsUs.size()
                             ? static_cast<double>(LatencyHistogram::kBoundsUs[i]) / 1e6
                             : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({cumulative, bound});
  }
  metric.histogram.sample_count = cumulative;
  metric.histogram.sample_sum = histogram.sum_seconds();
}

template <std::size_t kLabels>
prometheus::MetricFamily collect(const Series<LatencyHistogram, kLabels>& series) {
  auto out = family(series.name(), series.help(), prometheus::MetricType::Histogram);
  series.each([&](Labels values, const LatencyHistogram& histogram) {
    auto metric = labelled(series.labels(), values);
    write(metric, histogram);
    out.metric.push_back(std::move(metric));
  });
  return out;
}

// `scale` turns the counted units into the printed ones, by the first label.
template <std::size_t kLabels, class Scale>
prometheus::MetricFamily collect(const Series<Counter, kLabels>& series, Scale scale) {
  auto out = family(series.name(), series.help(), prometheus::MetricType::Counter);
  series.each([&](Labels values, const Counter& counter) {
    auto metric = labelled(series.labels(), values);
    metric.counter.value = static_cast<double>(counter.value()) / scale(values[0]);
    out.metric.push_back(std::move(metric));
  });
  return out;
}

double printed_unit(std::string_view resource) {
  const auto found = Resource::find(resource);
  return found ? std::pow(10.0, found->decimals()) : 1.0;
}
double one(std::string_view) { return 1.0; }

std::vector<prometheus::MetricFamily> collect(const std::vector<ledger::Standing>& standings) {
  using prometheus::MetricType;
  std::vector<prometheus::MetricFamily> out = {
      family("bursar_budget_limit", "Limit of an account, in the resource's printed unit.", MetricType::Gauge),
      family("bursar_budget_spent", "Spent in the current window.", MetricType::Gauge),
      family("bursar_budget_held", "Reserved by calls that still run.", MetricType::Gauge),
      family("bursar_budget_left", "What can still be reserved.", MetricType::Gauge),
  };
  static const std::array<std::string, 3> names = {"account", "resource", "window"};
  for (const auto& s : standings) {
    const std::array<std::string, 3> values = {s.account, std::string(s.limit.resource.name()),
                                               ledger::to_string(s.limit.window)};
    const std::array<std::int64_t, 4> amounts = {s.limit.amount, s.spent, s.held, s.left};
    for (std::size_t i = 0; i < out.size(); ++i) {
      auto metric = labelled(names, values);
      metric.gauge.value = static_cast<double>(amounts[i]) / printed_unit(values[1]);
      out[i].metric.push_back(std::move(metric));
    }
  }
  return out;
}

}  // namespace

struct Metrics::State {
  static constexpr std::size_t kCap = kMaxLabelValues;
  Series<Counter, 3> calls{"bursar_calls_total", "Agent requests answered.", {"upstream", "method", "outcome"}, kCap};
  Series<LatencyHistogram, 1> call_seconds{"bursar_call_seconds", "Time to answer an agent.", {"upstream"}, kCap};
  Series<Counter, 2> attempts{"bursar_upstream_attempts_total", "Tries of an upstream.", {"upstream", "result"}, kCap};
  Series<LatencyHistogram, 1> upstream_seconds{
      "bursar_upstream_seconds", "Time of one try of an upstream.", {"upstream"}, kCap};
  Series<Counter, 1> retries{"bursar_retries_total", "Tries after the first.", {"upstream"}, kCap};
  Series<LatencyHistogram, 1> timeouts{
      "bursar_timeout_seconds", "Timeouts given to tries of an upstream.", {"upstream"}, kCap};
  Series<LatencyHistogram, 0> overhead{"bursar_overhead_seconds", "A call's time less its upstream's.", {}, kCap};
  Series<Counter, 2> stage_stops{"bursar_stage_stops_total", "Calls that a stage ended.", {"stage", "reason"}, kCap};
  Series<Counter, 1> responses{"bursar_http_responses_total", "HTTP answers.", {"status"}, kCap};
  Series<Counter, 1> authentication_failures{
      "bursar_authentication_failures_total", "Callers that were not let in.", {"reason"}, kCap};
  Series<Counter, 1> reserved{"bursar_reserved_total", "Reserved, in the resource's printed unit.", {"resource"}, kCap};
  Series<Counter, 1> settled{"bursar_settled_total", "Paid, in the resource's printed unit.", {"resource"}, kCap};
  Series<Counter, 1> overrun{"bursar_overrun_total", "Paid above what was reserved.", {"resource"}, kCap};
  Series<Counter, 2> refusals{"bursar_refusals_total", "Reservations refused.", {"resource", "reason"}, kCap};
  Series<Counter, 1> dropped{"bursar_queue_dropped_total", "Messages that a full queue lost.", {"queue"}, kCap};
  Series<Counter, 1> reloads{"bursar_config_reloads_total", "Configurations read again.", {"result"}, kCap};

  std::array<Counter, kGauges.size()> gauges;
  Series<Counter, 2> upstream_gauges{"upstream gauges", "", {"gauge", "upstream"}, kCap};

  mutable std::mutex budgets_mutex;
  std::vector<ledger::Standing> budgets;
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

void Metrics::call_finished(std::string_view upstream, std::string_view method, std::string_view outcome,
                            Duration elapsed) {
  state_->calls.at({upstream, method, outcome}).add(1);
  state_->call_seconds.at({upstream}).observe(elapsed);
}

void Metrics::attempt_finished(std::string_view upstream, std::string_view result, Duration elapsed) {
  state_->attempts.at({upstream, result}).add(1);
  state_->upstream_seconds.at({upstream}).observe(elapsed);
}

void Metrics::retried(std::string_view upstream) { state_->retries.at({upstream}).add(1); }
void Metrics::timeout_allocated(std::string_view upstream, Duration timeout) {
  state_->timeouts.at({upstream}).observe(timeout);
}
void Metrics::overhead(Duration own) { state_->overhead.at({}).observe(own); }

void Metrics::stage_stopped(std::string_view stage, std::string_view reason) {
  state_->stage_stops.at({stage, reason}).add(1);
}

void Metrics::http_answered(int status) {
  std::array<char, 4> text{};
  if (status < 100 || status > 599) return state_->responses.at({"other"}).add(1);
  for (int i = 2; i >= 0; --i, status /= 10) text[static_cast<std::size_t>(i)] = static_cast<char>('0' + status % 10);
  state_->responses.at({std::string_view(text.data(), 3)}).add(1);
}

void Metrics::authentication_failed(std::string_view reason) { state_->authentication_failures.at({reason}).add(1); }

void Metrics::reserved(const Amounts& amounts) {
  for (const Amount& a : amounts.items()) state_->reserved.at({a.resource.name()}).add(a.units);
}

void Metrics::settled(const ledger::Receipt& receipt) {
  for (const Amount& a : receipt.actual.items()) state_->settled.at({a.resource.name()}).add(a.units);
  for (const Amount& a : receipt.overrun.items()) state_->overrun.at({a.resource.name()}).add(a.units);
}

void Metrics::refused(const ledger::Refusal& refusal) {
  state_->refusals.at({refusal.resource.name(), name_of(refusal.why)}).add(1);
}

void Metrics::set_budgets(std::vector<ledger::Standing> standings) {
  if (standings.size() > kMaxBudgets) standings.resize(kMaxBudgets);
  const std::scoped_lock lock(state_->budgets_mutex);
  state_->budgets = std::move(standings);
}

void Metrics::add(Gauge gauge, std::int64_t by) { state_->gauges[static_cast<std::size_t>(gauge)].add(by); }
void Metrics::set(Gauge gauge, std::int64_t value) { state_->gauges[static_cast<std::size_t>(gauge)].set(value); }
void Metrics::set(UpstreamGauge gauge, std::string_view upstream, std::int64_t value) {
  state_->upstream_gauges.at({kUpstreamGauges[static_cast<std::size_t>(gauge)].name, upstream}).set(value);
}

void Metrics::queue_dropped(std::string_view queue, std::int64_t messages) {
  state_->dropped.at({queue}).add(messages);
}

void Metrics::configuration_reloaded(bool accepted) { state_->reloads.at({accepted ? "accepted" : "refused"}).add(1); }

std::string Metrics::exposition() const {
  const State& s = *state_;
  std::vector<prometheus::MetricFamily> out = {collect(s.calls, one),
                                               collect(s.call_seconds),
                                               collect(s.attempts, one),
                                               collect(s.upstream_seconds),
                                               collect(s.retries, one),
                                               collect(s.timeouts),
                                               collect(s.overhead),
                                               collect(s.stage_stops, one),
                                               collect(s.responses, one),
                                               collect(s.authentication_failures, one),
                                               collect(s.reserved, printed_unit),
                                               collect(s.settled, printed_unit),
                                               collect(s.overrun, printed_unit),
                                               collect(s.refusals, one),
                                               collect(s.dropped, one),
                                               collect(s.reloads, one)};
  for (std::size_t i = 0; i < kGauges.size(); ++i) {
    auto& gauge = out.emplace_back(family(kGauges[i].name, kGauges[i].help, prometheus::MetricType::Gauge));
    gauge.metric.emplace_back().gauge.value = static_cast<double>(s.gauges[i].value());
  }
  for (const auto& [name, help] : kUpstreamGauges) {
    auto& gauge = out.emplace_back(family(name, help, prometheus::MetricType::Gauge));
    s.upstream_gauges.each([&, wanted = std::string_view(name)](Labels values, const Counter& counter) {
      if (values[0] != wanted) return;
      auto metric = labelled(s.upstream_gauges.labels().subspan(1), values.subspan(1));
      metric.gauge.value = static_cast<double>(counter.value());
      gauge.metric.push_back(std::move(metric));
    });
  }
  {
    const std::scoped_lock lock(s.budgets_mutex);
    for (auto& budget : collect(s.budgets)) out.push_back(std::move(budget));
  }
  std::erase_if(out, [](const auto& f) { return f.metric.empty(); });
  return prometheus::TextSerializer().Serialize(out);
}

std::string_view name_of(ledger::Refusal::Why why) {
  using Why = ledger::Refusal::Why;
  switch (why) {
    case Why::kLimit: return "limit";
    case Why::kFrozen: return "frozen";
    case Why::kUnknownAccount: return "unknown_account";
    case Why::kStoreUnavailable: return "store_unavailable";
    case Why::kKeyConflict: return "key_conflict";
    case Why::kInvalid: return "invalid";
  }
  return "other";
}

}  // namespace bursar::broker
