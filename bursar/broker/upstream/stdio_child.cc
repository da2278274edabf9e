#include "bursar/broker/upstream/stdio_child.h"

#include <algorithm>
#include <utility>

#include "bursar/broker/telemetry/log.h"
#include "bursar/broker/upstream/legacy.h"

namespace bursar::broker {
namespace {

using boost::system::error_code;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kBackOffFirst{100}, kBackOffMax{30'000};
constexpr milliseconds kBackOffWaited{1000};  // a longer pause is told to the caller instead of being waited for
constexpr std::chrono::seconds kStable{30};   // a child that lived so long starts its count of crashes anew
constexpr std::size_t kNotificationsMax = 64;

}  // namespace

StdioChild::StdioChild(Reactor& reactor, std::shared_ptr<PeerShared> shared, OpenSession first)
    : Peer(reactor, std::move(shared), std::move(first)),
      jitter_(static_cast<unsigned>(Clock::now().time_since_epoch().count())),
      state_timer_(reactor.context()) {}

void StdioChild::submit(Ticket ticket) {
  if (state_ == State::kUp) return send_call(ticket);
  waiting_.push_back(ticket);
  wake();
}

void StdioChild::send_call(Ticket ticket) {
  SessionHub::Call* call = hub_.find(ticket);
  if (call == nullptr) return;  // timed out or cancelled meanwhile
  call->sent = channel_->send(SessionHub::wire_text(ticket, *call));
  if (call->sent) return;
  reactor_.post([self = self<StdioChild>(), ticket] {
    self->hub_.finish(ticket, {.failure = Cause::kConcurrency, .detail = "the child does not read what it is sent"});
  });
}

void StdioChild::notify(const std::string& method, const std::string& params) {
  if (state_ == State::kUp) {
    (void)channel_->send(make_notification(method, params));
  } else if (!closed() && notifications_.size() < kNotificationsMax) {
    notifications_.push_back(make_notification(method, params));
  }
}

void StdioChild::send_text(std::string text) {
  if (channel_) (void)channel_->send(std::move(text));
}

// Starts the child if it is down, at once or when its back-off is over.
void StdioChild::wake() {
  if (state_ != State::kDown) return;
  const auto pause = std::chrono::ceil<milliseconds>(not_before_ - Clock::now());
  if (pause.count() <= 0) return launch();
  if (pause > kBackOffWaited) {
    const std::string why =
        "the child crashed " + std::to_string(crashes_) + " times in a row and waits to be started again";
    // Later, so that no answer comes inside request().
    state_ = State::kBackingOff;
    return reactor_.post([self = self<StdioChild>(), why, pause] {
      if (self->state_ != State::kBackingOff) return;
      self->state_ = State::kDown;
      self->waiting_.clear();
      self->fail_all(Cause::kStarting, why, pause);
    });
  }
  state_ = State::kBackingOff;
  state_timer_.expires_after(pause);
  state_timer_.async_wait([self = self<StdioChild>()](error_code cancelled) {
    if (cancelled || self->state_ != State::kBackingOff) return;
    self->state_ = State::kDown;
    self->launch();
  });
}

void StdioChild::launch() {
  const UpstreamConfig& config = shared_->config;
  const ChildSpec spec{.command = config.command,
                       .args = config.args,
                       .env = config.env,
                       .directory = config.directory,
                       .memory_bytes = config.memory_bytes,
                       .open_files = config.open_files};
  const std::weak_ptr<StdioChild> weak = self<StdioChild>();
  const auto with_self = [weak](auto action) {
    return [weak, action](auto... arguments) {
      if (const auto self = weak.lock()) action(*self, std::move(arguments)...);
    };
  };
  auto channel = ChildChannel::start(
      reactor_.context(), spec, shared_->limits,
      {.on_line = with_self([](StdioChild& self, std::string line) { self.on_line(std::move(line)); }),
       .on_overlong = with_self([](StdioChild& self) { self.on_overlong(); }),
       .on_stderr = with_self([](StdioChild& self, std::string_view line) {
         self.last_stderr_ = line.substr(0, 300);
         log(LogLevel::kDebug, "upstream_stderr", {{"upstream", self.shared_->config.name}, {"line", line}});
       }),
       .on_end = with_self([](StdioChild& self, const std::string& reason) { self.on_end(reason); })});
  state_ = State::kStarting;
  end_cause_.reset();
  last_stderr_.clear();
  if (!channel) {
    return reactor_.post([self = self<StdioChild>(), text = channel.error().message] {
      if (self->state_ == State::kStarting) self->start_failed(Cause::kStarting, text);
    });
  }
  channel_ = std::move(*channel);
  shared_->running += 1;
  if (crashes_ > 0) shared_->restarts += 1;
  handshake_sent();
}

void StdioChild::handshake_sent() {
  handshake_ = ++shared_->last_ticket;
  (void)channel_->send(initialize_request(std::to_string(handshake_), capabilities_, client_info_));
  state_timer_.expires_after(shared_->config.start_timeout);
  state_timer_.async_wait([self = self<StdioChild>()](error_code cancelled) {
    if (cancelled || self->state_ != State::kStarting) return;
    self->start_failed(Cause::kStarting, "the child did not answer initialize in time");
  });
}

void StdioChild::handshake_done(const Message& answer) {
  state_timer_.cancel();
  handshake_ = 0;
  if (answer.kind() == MessageKind::kError) {
    return start_failed(Cause::kUpstreamProtocol,
                        "the child refused initialize: " + std::string(answer.error().substr(0, 200)));
  }
  if (accepted_version(answer.result()).empty()) {
    return start_failed(Cause::kUpstreamProtocol,
                        "the child speaks a protocol version that we do not: " +
                            std::string(member(answer.result(), "protocolVersion").substr(0, 40)));
  }
  shared_->learn(answer.result());
  state_ = State::kUp;
  up_since_ = Clock::now();
  (void)channel_->send(make_notification("notifications/initialized", {}));
  for (auto& text : std::exchange(notifications_, {})) (void)channel_->send(std::move(text));
  for (const Ticket ticket : std::exchange(waiting_, {})) send_call(ticket);
}

// The start came to nothing: whoever waits learns it now, the next one starts the child again after the back-off.
void StdioChild::start_failed(Cause cause, const std::string& detail) {
  state_timer_.cancel();
  state_ = State::kDown;
  if (const auto channel = std::exchange(channel_, nullptr)) {
    shared_->running -= 1;
    channel->stop();
  }
  not_before_ = Clock::now() + back_off();
  const std::string why = last_stderr_.empty() ? detail : detail + "; its last words: " + last_stderr_;
  shared_->note_error(why);
  log(LogLevel::kWarn, "upstream_start_failed", {{"upstream", shared_->config.name}, {"detail", why}});
  waiting_.clear();
  fail_all(cause, why);
}

void StdioChild::on_line(std::string line) {
  auto message = Message::parse(std::move(line), shared_->message_limits());
  if (!message) {  // some servers greet on stdout; it harms nobody
    log(LogLevel::kWarn, "upstream_garbage", {{"upstream", shared_->config.name}, {"detail", message.error().message}});
    return;
  }
  const bool answer = message->kind() == MessageKind::kResult || message->kind() == MessageKind::kError;
  if (state_ == State::kStarting && answer && message->id() == std::to_string(handshake_))
    return handshake_done(*message);
  const auto channel = channel_;
  if (auto reply = hub_.receive(std::move(*message), 0, Clock::now()); reply && channel)
    (void)channel->send(std::move(*reply));
}

// Whose the line was, nobody can say unless one call is in flight; then only the child's end tells the others.
void StdioChild::on_overlong() {
  const std::string detail = "a line of more than " + std::to_string(shared_->limits.message_bytes) + " bytes";
  shared_->note_error(detail);
  if (hub_.in_flight() == 1)
    return hub_.finish(hub_.tickets().front(), {.failure = Cause::kTooLarge, .detail = detail});
  if (hub_.in_flight() == 0) return;
  end_cause_ = Cause::kTooLarge;
  channel_->kill();
}

void StdioChild::on_end(const std::string& reason) {
  const bool starting = state_ == State::kStarting;
  if (starting) return start_failed(Cause::kChildExited, "the child " + reason + " before it answered initialize");
  state_ = State::kDown;
  channel_.reset();
  shared_->running -= 1;
  hub_.forget_questions();
  if (Clock::now() - up_since_ >= kStable) crashes_ = 0;
  not_before_ = Clock::now() + back_off();
  const std::string why = "the child " + reason + (last_stderr_.empty() ? "" : "; its last words: " + last_stderr_);
  shared_->note_error(why);
  log(LogLevel::kWarn, "upstream_child_ended", {{"upstream", shared_->config.name}, {"detail", why}});
  fail_all(end_cause_.value_or(Cause::kChildExited), why);
}

milliseconds StdioChild::back_off() {
  const int doublings = std::min(crashes_++, 20);
  const milliseconds full = std::min(kBackOffMax, milliseconds(kBackOffFirst.count() << doublings));
  return full / 2 + milliseconds(std::uniform_int_distribution<std::int64_t>(0, full.count() / 2)(jitter_));
}

void StdioChild::shut() {
  state_ = State::kClosed;
  state_timer_.cancel();
  waiting_.clear();
  if (const auto channel = std::exchange(channel_, nullptr)) {
    shared_->running -= 1;
    channel->stop();
  }
}

}  // namespace bursar::broker
