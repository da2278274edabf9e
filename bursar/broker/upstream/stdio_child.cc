#include "bursar/broker/upstream/stdio_child.h"

#include <algorithm>
#include <utility>

#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/telemetry/log.h"
#include "bursar/broker/upstream/legacy.h"
#include "bursar/broker/upstream/modern.h"

namespace bursar::broker {
namespace {

using boost::system::error_code;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kBackOffFirst{100}, kBackOffMax{30'000};
constexpr milliseconds kBackOffWaited{1000};  // a longer pause is told to the caller instead of being waited for
constexpr std::chrono::seconds kStable{30};   // a child that lived so long starts its count of crashes anew
constexpr std::size_t kNotificationsMax = 64;
constexpr milliseconds kProbeSilence{1500};
constexpr milliseconds kListenAgain{1000};  // after a subscription that the child ended

}  // namespace

StdioChild::StdioChild(Reactor& reactor, std::shared_ptr<PeerShared> shared, OpenSession first)
    : Peer(reactor, std::move(shared), std::move(first)),
      jitter_(static_cast<unsigned>(Clock::now().time_since_epoch().count())),
      state_timer_(reactor.context()),
      listen_timer_(reactor.context()) {}

void StdioChild::submit(Ticket ticket) {
  if (state_ == State::kUp) return send_call(ticket);
  waiting_.push_back(ticket);
  wake();
}

void StdioChild::send_call(Ticket ticket) {
  SessionHub::Call* call = hub_.find(ticket);
  if (call == nullptr) return;  // timed out or cancelled meanwhile
  if (modern()) {
    // No answer may come inside request().
    UpstreamRequest& request = call->request;
    const bool ours =
        request.method == "ping" || request.method.starts_with("resources/") || request.method == "logging/setLevel";
    if (ours && request.method != "resources/read" && !request.method.ends_with("/list")) {
      return reactor_.post([self = self<StdioChild>(), ticket] { (void)self->handled_here(ticket); });
    }
  }
  call->sent = channel_->send(wire_text(*call));
  if (call->sent) return;
  reactor_.post([self = self<StdioChild>(), ticket] {
    self->hub_.finish(ticket, {.failure = Cause::kConcurrency, .detail = "the child does not read what it is sent"});
  });
}

void StdioChild::send_notification(std::string text) {
  if (state_ == State::kUp) {
    (void)channel_->send(std::move(text));
  } else if (notifications_.size() < kNotificationsMax) {
    notifications_.push_back(std::move(text));
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
  shake_hands();
}

void StdioChild::shake_hands() {
  discover_ = initialize_ = 0;
  greeted_twice_ = false;
  start_by_ = Clock::now() + shared_->config.start_timeout;
  const bool legacy = shared_->era_known() == Era::kLegacy || probe_failed_;
  if (legacy && shared_->config.era != EraChoice::kModern) return initialize();
  discover();
}

void StdioChild::discover() {
  speak(Era::kModern, {});
  discover_ = ++shared_->last_ticket;
  const std::string params = modern_params({}, {.capabilities = capabilities_, .client_info = client_info_});
  (void)channel_->send(make_request(std::to_string(discover_), kProbeMethod, params));
  const bool may_be_legacy = shared_->config.era == EraChoice::kAuto && shared_->era_known() != Era::kModern;
  watch_start(may_be_legacy ? kProbeSilence : milliseconds::max());
}

void StdioChild::initialize() {
  initialize_ = ++shared_->last_ticket;
  const std::string params = initialize_params(capabilities_, client_info_);
  (void)channel_->send(make_request(std::to_string(initialize_), "initialize", params));
  watch_start(milliseconds::max());
}

// Until the start's time is up, or for `silence`: then initialize is tried beside the discovery, which may still come.
void StdioChild::watch_start(milliseconds silence) {
  const auto left = std::chrono::ceil<milliseconds>(start_by_ - Clock::now());
  state_timer_.expires_after(std::min(silence, left));
  state_timer_.async_wait([self = self<StdioChild>(), silent = silence < left](error_code cancelled) {
    if (cancelled || self->state_ != State::kStarting) return;
    if (silent) return self->initialize();
    self->shared_->forget_era();  // the next start asks
    self->start_failed(Cause::kStarting, "the child did not answer in time when it was greeted");
  });
}

void StdioChild::discovered(const Message& answer) {
  discover_ = 0;
  const UpstreamReply reply{.result = std::string(answer.result()), .error = std::string(answer.error())};
  switch (judge_probe(reply)) {
    case ProbeVerdict::kModern:
      shared_->learn_modern(reply.result);
      if (initialize_ != 0) {
        initialize_ = 0;
        greeted_twice_ = true;
        return channel_->kill();
      }
      speak(Era::kModern, raw_member(reply.result, "capabilities"));
      return come_up();
    case ProbeVerdict::kAgain:
    case ProbeVerdict::kUnsupported:
      return start_failed(Cause::kUpstreamProtocol, "the child speaks protocol versions that we do not");
    case ProbeVerdict::kLegacy:
    case ProbeVerdict::kFailed: break;
  }
  if (shared_->config.era == EraChoice::kModern) {
    return start_failed(Cause::kUpstreamProtocol,
                        "the child does not speak " + std::string(kModernVersion) + ", as `era` demands");
  }
  if (initialize_ == 0) initialize();
}

void StdioChild::initialized(const Message& answer) {
  initialize_ = 0;
  if (answer.kind() == MessageKind::kError) {
    if (discover_ != 0) return;  // it may be one of the modern era that is slow
    shared_->forget_era();       // the next start asks
    return start_failed(Cause::kUpstreamProtocol,
                        "the child refused initialize: " + std::string(answer.error().substr(0, 200)));
  }
  if (accepted_version(answer.result()).empty()) {
    return start_failed(Cause::kUpstreamProtocol,
                        "the child speaks a protocol version that we do not: " +
                            std::string(member(answer.result(), "protocolVersion").substr(0, 40)));
  }
  discover_ = 0;
  speak(Era::kLegacy, {});
  shared_->learn(answer.result());
  (void)channel_->send(make_notification("notifications/initialized", {}));
  come_up();
}

void StdioChild::come_up() {
  state_timer_.cancel();
  state_ = State::kUp;
  up_since_ = Clock::now();
  probe_failed_ = false;
  if (modern()) notifications_.clear();
  for (auto& text : std::exchange(notifications_, {})) (void)channel_->send(std::move(text));
  if (modern()) listen();  // first, so that what the calls change is heard
  for (const Ticket ticket : std::exchange(waiting_, {})) send_call(ticket);
}

// --- Subscriptions
// ------------------------------------------------------------------------------------------------------

// The subscription before stays until this one is acknowledged, so that nothing is missed between the two.
void StdioChild::listen() {
  if (state_ != State::kUp || !modern()) return;
  const std::string params = hub_.all_events().empty() ? std::string() : side_.listen_params();
  if (params == listen_params_) {
    if (listening_ || params.empty()) listening();
    return;
  }
  const auto end = [&](Ticket id) {
    if (id != 0)
      send_text(make_notification("notifications/cancelled", cancelled_params(std::to_string(id), "renewed")));
  };
  listen_timer_.cancel();
  listen_params_ = params;
  if (!listening_) end(std::exchange(listen_, 0));
  if (params.empty()) {
    end(std::exchange(listen_, 0));
    listening_ = false;
    return listening();
  }
  if (listening_) listen_before_ = listen_;
  listening_ = false;
  listen_ = ++shared_->last_ticket;
  const Envelope envelope{.capabilities = capabilities_, .client_info = client_info_};
  send_text(make_request(std::to_string(listen_), "subscriptions/listen", modern_params(params, envelope)));
}

// Whether the message is one about the subscription, and deals with it.
bool StdioChild::of_subscription(const Message& message) {
  if (!modern() || listen_ == 0) return false;
  const std::string id = std::to_string(listen_);
  if (message.kind() == MessageKind::kNotification) {
    if (message.method() == "notifications/cancelled" && member(message.params(), "requestId") == id) {
      subscription_ended({});
      return true;
    }
    const std::string_view of = member(member(message.params(), "_meta"), kMetaSubscription);
    if (of.empty()) return false;
    if (message.method() != "notifications/subscriptions/acknowledged") {
      hear(message);
    } else if (of == id) {
      listening_ = true;
      if (const Ticket before = std::exchange(listen_before_, 0); before != 0)
        send_text(make_notification("notifications/cancelled", cancelled_params(std::to_string(before), "renewed")));
      listening();
    }
    return true;
  }
  const bool answer = message.kind() == MessageKind::kResult || message.kind() == MessageKind::kError;
  if (!answer || message.id() != id) return false;
  subscription_ended(std::string(message.error()));
  return true;
}

// Ended by the child: in order, so that we ask again, or refused.
void StdioChild::subscription_ended(const std::string& error) {
  listen_ = listen_before_ = 0;
  listening_ = false;
  listen_params_.clear();
  if (!error.empty()) return listen_failed(error);
  listen_timer_.expires_after(kListenAgain);
  listen_timer_.async_wait([self = self<StdioChild>()](error_code cancelled) {
    if (!cancelled && self->listen_ == 0) self->listen();
  });
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
  if (state_ == State::kStarting && answer) {
    if (discover_ != 0 && message->id() == std::to_string(discover_)) return discovered(*message);
    if (initialize_ != 0 && message->id() == std::to_string(initialize_)) return initialized(*message);
    // An error that names no request: what some make of a question that they do not know.
    const bool nameless = message->kind() == MessageKind::kError && (message->id().empty() || message->id() == "null");
    if (nameless && discover_ != 0 && initialize_ == 0) return discovered(*message);
    return;
  }
  if (of_subscription(*message)) return;
  took(std::move(*message), 0);
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
  if (state_ == State::kStarting) return ended_early(reason);
  state_ = State::kDown;
  channel_.reset();
  shared_->running -= 1;
  hub_.forget_questions(Clock::now());
  forget_subscription();
  if (Clock::now() - up_since_ >= kStable) crashes_ = 0;
  not_before_ = Clock::now() + back_off();
  const std::string why = "the child " + reason + (last_stderr_.empty() ? "" : "; its last words: " + last_stderr_);
  shared_->note_error(why);
  log(LogLevel::kWarn, "upstream_child_ended", {{"upstream", shared_->config.name}, {"detail", why}});
  fail_all(end_cause_.value_or(Cause::kChildExited), why);
}

// Some servers end at any request before initialize: the next child is greeted the old way, at once. One that we ended
// because it was greeted in both ways is greeted as what it turned out to be.
void StdioChild::ended_early(const std::string& reason) {
  const bool again = std::exchange(greeted_twice_, false);
  const bool asked = discover_ != 0 && initialize_ == 0 && shared_->config.era == EraChoice::kAuto && !probe_failed_;
  if (!again && !asked)
    return start_failed(Cause::kChildExited, "the child " + reason + " before it answered its greeting");
  state_timer_.cancel();
  state_ = State::kDown;
  channel_.reset();
  shared_->running -= 1;
  probe_failed_ = !again;
  launch();
}

void StdioChild::forget_subscription() {
  listen_timer_.cancel();
  listen_ = listen_before_ = 0;
  listening_ = false;
  listen_params_.clear();
}

milliseconds StdioChild::back_off() {
  const int doublings = std::min(crashes_++, 20);
  const milliseconds full = std::min(kBackOffMax, milliseconds(kBackOffFirst.count() << doublings));
  return full / 2 + milliseconds(std::uniform_int_distribution<std::int64_t>(0, full.count() / 2)(jitter_));
}

void StdioChild::shut() {
  state_ = State::kClosed;
  state_timer_.cancel();
  listen_timer_.cancel();
  waiting_.clear();
  if (const auto channel = std::exchange(channel_, nullptr)) {
    shared_->running -= 1;
    channel->stop();
  }
}

}  // namespace bursar::broker
