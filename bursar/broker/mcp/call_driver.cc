#include "bursar/broker/mcp/call_driver.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>

namespace bursar::broker {
namespace {

constexpr Duration kHoldGrace = std::chrono::seconds{15};  // for an answer to come back and be settled

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
  const CallRun::Step step = run_.next(now(), random_);
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
  auto session = hooks_.open(call);
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
  if (hooks_.patience > Duration{0}) {
    attempt_time_ = step.timeout;
    deadline_ = now() + step.timeout;
    deadline_last_ = now() + std::max(step.timeout, step.timeout_max);
    request.deadline = std::max(step.timeout, step.timeout_max) + hooks_.patience + kHoldGrace;
    request.deadline_max = request.deadline;
    watch_deadline();
  }
  if (hooks_.prepare) hooks_.prepare(request);
  const auto here = [self = shared_from_this()](std::function<void()> task) {
    if (self->reactor_.on_this_thread()) return task();
    self->reactor_.post(std::move(task));
  };
  auto sink = [self = shared_from_this(), here, attempt, from = session_](Message message) {
    auto owned = std::make_shared<Message>(std::move(message));
    here([self, attempt, from, owned] {
      if (self->finished_ || attempt != self->attempt_) return;
      if (owned->method() == "notifications/progress") self->progressed();
      self->hooks_.related(from, std::move(*owned));
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
  if (deadline_timer_) deadline_timer_->timer.cancel();
  run_.deliver(std::move(reply), now());
  advance();
}

WallTime CallDriver::now() const {
  const WallTime at = parked_at_.value_or(dependencies_.clock->now());
  return at - parked_;
}

void CallDriver::watch_deadline() {
  if (!deadline_timer_) deadline_timer_ = std::make_unique<Timer>(reactor_);
  deadline_timer_->timer.expires_after(std::max(deadline_ - now(), Duration{0}));
  deadline_timer_->timer.async_wait(
      [self = shared_from_this(), attempt = attempt_](const boost::system::error_code& error) {
        if (!error && attempt == self->attempt_ && !self->finished_ && !self->parked_at_) self->timed_out();
      });
}

void CallDriver::progressed() {
  if (!ticket_ || hooks_.patience == Duration{0} || parked_at_) return;
  const WallTime extended = std::min(now() + attempt_time_, deadline_last_);
  if (extended <= deadline_) return;
  deadline_ = extended;
  watch_deadline();
}

void CallDriver::timed_out() {
  if (!ticket_) return;
  if (now() < deadline_) return watch_deadline();
  session_->cancel(*ticket_, "deadline");
  ++attempt_;  // what the cancelled request still says is too late
  replied(attempt_, {.failure = Cause::kTimeout, .detail = "no answer in time", .sent = true});
}

void CallDriver::keep_hold(Duration longer) {
  if (!run_.call().hold.active()) return;
  const Duration left = std::max(deadline_last_ - now(), Duration{0}) + longer + kHoldGrace;
  (void)run_.call().hold.extend(std::min<Duration>(left, std::chrono::hours{24}));
}

void CallDriver::park() {
  if (finished_ || parked_at_) return;
  parked_at_ = dependencies_.clock->now();
  if (deadline_timer_) deadline_timer_->timer.cancel();
  keep_hold(hooks_.patience);
}

void CallDriver::resume() {
  if (!parked_at_) return;
  parked_ += dependencies_.clock->now() - *std::exchange(parked_at_, std::nullopt);
  if (finished_ || !ticket_) return;
  keep_hold(Duration{0});
  watch_deadline();
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
  if (deadline_timer_) deadline_timer_->timer.cancel();
  if (session_ && ticket_) session_->cancel(*ticket_, cause == Cause::kShutdown ? "the gateway stops" : "cancelled");
  ticket_.reset();
  ++attempt_;  // what still arrives is too late
  advance();
}

void CallDriver::finish() {
  finished_ = true;
  count(run_.call(), now());
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
