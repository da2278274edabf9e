#include "bursar/broker/mcp/call_driver.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>

namespace bursar::broker {
namespace {

constexpr std::array<std::string_view, kStages> kStageNames = {"authenticate", "authorise", "admit",
                                                               "enrich",       "invoke",    "settle"};

std::string_view outcome_of(const Call& call) {
  if (call.http) return "refused";
  if (call.serf) return name_of(call.serf->category);
  return call.upstream_error.empty() ? "ok" : "error";
}

}  // namespace

struct CallDriver::Timer {
  explicit Timer(Reactor& reactor) : timer(reactor.context()) {}
  boost::asio::steady_timer timer;
};

std::shared_ptr<CallDriver> CallDriver::start(const Dependencies& dependencies, Reactor& reactor, Call call,
                                              Hooks hooks) {
  auto driver = std::make_shared<CallDriver>(dependencies, reactor, std::move(call), std::move(hooks));
  if (dependencies.metrics != nullptr) dependencies.metrics->add(Gauge::kCallsInFlight, 1);
  driver->advance();
  return driver;
}

CallDriver::CallDriver(const Dependencies& dependencies, Reactor& reactor, Call call, Hooks hooks)
    : dependencies_(dependencies),
      reactor_(reactor),
      hooks_(std::move(hooks)),
      run_(*dependencies.pipeline, std::move(call)),
      random_(std::hash<std::string>{}(run_.call().id)) {}

CallDriver::~CallDriver() {
  if (finished_) return;
  if (session_ && ticket_) session_->cancel(*ticket_, "the gateway stops");
  if (dependencies_.metrics != nullptr) dependencies_.metrics->add(Gauge::kCallsInFlight, -1);
}

void CallDriver::advance() {
  if (finished_) return;
  const CallRun::Step step = run_.next(dependencies_.clock->now(), random_);
  switch (step.kind) {
    case CallRun::Step::kDone: return finish();
    case CallRun::Step::kGrant: return grant(step.reserve);
    case CallRun::Step::kAttempt: return attempt(step);
    case CallRun::Step::kPause: return pause(step.pause);
  }
}

void CallDriver::grant(const ledger::ReserveRequest& request) {
  dependencies_.ledger->reserve(request, [self = shared_from_this()](ledger::Reservation reservation) {
    // A hold moves, and what is posted must copy.
    auto owned = std::make_shared<ledger::Reservation>(std::move(reservation));
    self->reactor_.post([self, owned] {
      self->run_.deliver(std::move(*owned));
      self->advance();
    });
  });
}

void CallDriver::attempt(const CallRun::Step& step) {
  const std::uint64_t attempt = ++attempt_;
  const Call& call = run_.call();
  auto session = hooks_.open(call.target->upstream);
  if (!session) {
    UpstreamReply reply{
        .failure = session.error().code == ErrorCode::kExhausted ? Cause::kConcurrency : Cause::kConnect,
        .detail = session.error().message};
    return reactor_.post(
        [self = shared_from_this(), attempt, reply = std::move(reply)] { self->replied(attempt, reply); });
  }
  session_ = *session;
  UpstreamRequest request{.method = std::string(call.request.method()),
                          .params = call.outgoing_params,
                          .deadline = step.timeout,
                          .deadline_max = step.timeout_max};
  const auto here = [self = shared_from_this()](std::function<void()> task) {
    if (self->reactor_.on_this_thread()) return task();
    self->reactor_.post(std::move(task));
  };
  auto sink = [self = shared_from_this(), here, attempt, from = session_](Message message) {
    auto owned = std::make_shared<Message>(std::move(message));
    here([self, attempt, from, owned] {
      if (!self->finished_ && attempt == self->attempt_) self->hooks_.related(from, std::move(*owned));
    });
  };
  auto done = [self = shared_from_this(), here, attempt](UpstreamReply reply) {
    auto owned = std::make_shared<UpstreamReply>(std::move(reply));
    here([self, attempt, owned] { self->replied(attempt, std::move(*owned)); });
  };
  ticket_ = session_->request(std::move(request), std::move(sink), std::move(done));
}

void CallDriver::replied(std::uint64_t attempt, UpstreamReply reply) {
  if (finished_ || attempt != attempt_ || !run_.call().target) return;
  ticket_.reset();
  run_.deliver(std::move(reply), dependencies_.clock->now());
  advance();
}

void CallDriver::pause(Duration duration) {
  if (!timer_) timer_ = std::make_unique<Timer>(reactor_);
  timer_->timer.expires_after(duration);
  timer_->timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error) self->advance();
  });
}

void CallDriver::stop(Cause cause) {
  if (finished_) return;
  run_.stop(cause);
  if (timer_) timer_->timer.cancel();
  if (session_ && ticket_) session_->cancel(*ticket_, cause == Cause::kShutdown ? "the gateway stops" : "cancelled");
  ticket_.reset();
  ++attempt_;  // what still arrives is too late
  advance();
}

void CallDriver::finish() {
  finished_ = true;
  count(run_.call(), dependencies_.clock->now());
  // The hooks hold the session that holds this driver.
  Hooks hooks = std::exchange(hooks_, {});
  hooks.done(run_.call());
}

void CallDriver::count(const Call& call, WallTime now) {
  Metrics* const metrics = dependencies_.metrics;
  if (metrics == nullptr) return;
  metrics->add(Gauge::kCallsInFlight, -1);
  const std::string_view upstream = call.target ? std::string_view(call.target->upstream) : std::string_view("none");
  const Duration elapsed = std::chrono::duration_cast<Duration>(now - call.arrived);
  Duration upstreams{0};
  for (std::size_t i = 0; i < call.attempts.size(); ++i) {
    const Attempt& attempt = call.attempts[i];
    upstreams += attempt.elapsed;
    const bool failed = attempt.reply.failure || !attempt.reply.error.empty();
    metrics->attempt_finished(upstream, failed ? "error" : "ok", attempt.elapsed);
    metrics->timeout_allocated(upstream, attempt.timeout);
    if (i > 0) metrics->retried(upstream);
  }
  metrics->call_finished(upstream, call.request.method(), outcome_of(call), elapsed);
  if (!call.attempts.empty()) metrics->overhead(elapsed - upstreams);
  for (std::size_t i = 0; i < kStages; ++i) {
    if (!call.stages[i].stopped) continue;
    metrics->stage_stopped(kStageNames[i], call.serf ? std::string_view(call.serf->code) : std::string_view("http"));
  }
  if (call.receipt) {
    metrics->reserved(call.receipt->reserved);
    metrics->settled(*call.receipt);
  }
}

}  // namespace bursar::broker
