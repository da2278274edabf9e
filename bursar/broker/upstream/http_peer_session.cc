// How an HTTP peer comes to stand: the handshake of either era, and what ends a session.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <utility>

#include "bursar/broker/telemetry/log.h"
#include "bursar/broker/upstream/http_peer.h"
#include "bursar/broker/upstream/http_status.h"
#include "bursar/broker/upstream/legacy.h"
#include "bursar/broker/upstream/modern.h"

namespace bursar::broker {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr milliseconds kAsideTime{10'000};  // a notification or an answer of ours
constexpr std::size_t kRefusalBytesMax = 64 << 10;

}  // namespace

awaitable<bool> HttpPeer::ready() {
  if (state_ == State::kDown && !closed()) {
    state_ = State::kStarting;
    asio::co_spawn(reactor_.context(), handshake(self<HttpPeer>()), asio::detached);
  }
  while (state_ == State::kStarting && !closed()) {
    error_code ignored;
    co_await settled_.async_wait(asio::redirect_error(use_awaitable, ignored));
  }
  co_return state_ == State::kUp;
}

awaitable<void> HttpPeer::handshake(std::shared_ptr<HttpPeer> self) {
  const bool up = co_await self->open_session();
  if (self->closed()) co_return;
  self->state_ = up ? State::kUp : State::kDown;
  if (up) {
    self->epoch_ += 1;
    self->shared_->running += 1;
    if (self->epoch_ > 1) self->shared_->restarts += 1;
    if (self->modern()) self->notifications_.clear();
    for (auto& text : std::exchange(self->notifications_, {})) self->send_text(std::move(text));
    if (self->modern()) {
      self->listen();
    } else {
      asio::co_spawn(self->reactor_.context(), read_standalone(self, self->epoch_), asio::detached);
    }
  } else {
    self->set_session({}, {});
    self->shared_->note_error(self->start_failure_.detail);
    log(LogLevel::kWarn, "upstream_start_failed",
        {{"upstream", self->shared_->config.name}, {"detail", self->start_failure_.detail}});
  }
  self->settled_.cancel();
}

// What the era asks for: nothing where a modern server is known; else its discovery, or initialize. A server that is
// not what it was, or what is remembered, is asked once more.
awaitable<bool> HttpPeer::open_session() {
  set_session({}, {});
  const auto known = shared_->era_known();
  if (known == Era::kModern) {
    speak(Era::kModern, shared_->status().capabilities);
    co_return true;
  }
  const bool may_ask = shared_->config.era != EraChoice::kLegacy;
  if (may_ask && !known) {
    if (const auto settled = co_await discover()) co_return *settled;
  }
  if (co_await initialize()) co_return true;
  if (!may_ask || !known || closed() || !contradicts_legacy(start_failure_)) co_return false;
  shared_->forget_era();
  const auto settled = co_await discover();
  co_return settled.value_or(false);
}

// Gets what our next requests say of whom they are made for; an error where that is not to be had.
awaitable<std::optional<Error>> HttpPeer::authorise() {
  if (credential_) {
    const auto header = credential_->header();
    authorization_.assign(header ? std::string_view(*header) : std::string_view());
  }
  if (!ask_authorization_) co_return std::nullopt;
  struct Wait {
    Timer timer;
    std::optional<Result<std::string>> answer;
  };
  auto wait = std::make_shared<Wait>(Timer(reactor_.context(), Timer::time_point::max()));
  ask_authorization_([wait, &reactor = reactor_](Result<std::string> answer) {
    auto take = [wait, answer = std::move(answer)]() mutable {
      wait->answer = std::move(answer);
      wait->timer.cancel();
    };
    if (reactor.on_this_thread()) return take();
    reactor.post(std::move(take));
  });
  error_code ignored;
  if (!wait->answer) co_await wait->timer.async_wait(asio::redirect_error(use_awaitable, ignored));
  if (!*wait->answer) co_return wait->answer->error();
  authorization_ = std::move(**wait->answer);
  co_return std::nullopt;
}

// Whether there is another credential than the one that was refused, so that the request may be sent again; else the
// outcome says what somebody has to do.
awaitable<bool> HttpPeer::another_credential(Outcome& outcome) {
  if (ask_authorization_) co_return ask_authorization_.refused&& ask_authorization_.refused(outcome.refusal->used);
  struct Wait {
    Timer timer;
    std::optional<Result<void>> answer;
  };
  auto wait = std::make_shared<Wait>(Timer(reactor_.context(), Timer::time_point::max()));
  credential_->refused(std::move(*outcome.refusal), [wait, &reactor = reactor_](Result<void> answer) {
    auto take = [wait, answer = std::move(answer)]() mutable {
      wait->answer = std::move(answer);
      wait->timer.cancel();
    };
    if (reactor.on_this_thread()) return take();
    reactor.post(std::move(take));
  });
  outcome.refusal.reset();
  error_code ignored;
  if (!wait->answer) co_await wait->timer.async_wait(asio::redirect_error(use_awaitable, ignored));
  if (*wait->answer) co_return true;
  const std::string& why = wait->answer->error().message;
  if (!why.empty()) outcome.reply.detail += ": " + why;
  co_return false;
}

// One request of the handshake, within the start timeout: its result or error, or why there is none.
awaitable<UpstreamReply> HttpPeer::shake_hands(std::string method, std::string params) {
  handshake_ = ++shared_->last_ticket;
  const Ticket ticket = handshake_;
  Timer timer(reactor_.context(), shared_->config.start_timeout);
  bool late = false;
  timer.async_wait([weak = std::weak_ptr(self<HttpPeer>()), ticket, &late](error_code cancelled) {
    const auto peer = weak.lock();
    if (cancelled || !peer || peer->handshake_ != ticket) return;
    late = true;  // this coroutine runs as long as handshake_ says so
    peer->drop(ticket);
  });
  UpstreamReply reply;
  const std::string id = std::to_string(ticket);
  Exchange exchange{.key = ticket, .text = make_request(id, method, params)};
  if (modern()) exchange.headers = modern_headers(method, params);
  exchange.on_message = [&](const Message& message) {
    if (message.kind() == MessageKind::kRequest || message.kind() == MessageKind::kNotification) return false;
    if (message.id() != id && message.kind() != MessageKind::kError) return false;
    reply.result = message.result();
    reply.error = message.error();
    return true;
  };
  Outcome outcome = co_await converse(exchange);
  for (int i = 0; i < kCredentialsMax && outcome.refusal; ++i) {
    const bool another = co_await another_credential(outcome);
    if (!another) break;
    outcome = co_await converse(exchange);
  }
  carrying_.erase(ticket);
  handshake_ = 0;
  if (outcome.answered) {
    reply.http_status = 200;
    co_return reply;
  }
  if (late) outcome.reply.failure = Cause::kStarting;
  co_return std::move(outcome.reply);
}

// initialize, then notifications/initialized.
awaitable<bool> HttpPeer::initialize() {
  speak(Era::kLegacy, {});
  UpstreamReply reply = co_await shake_hands("initialize", initialize_params(capabilities_, client_info_));
  const std::string_view version = accepted_version(reply.result);
  if (version.empty()) {
    start_failure_ = std::move(reply);
    start_failure_.result.clear();
    if (!start_failure_.failure) start_failure_.failure = Cause::kUpstreamProtocol;
    if (!start_failure_.error.empty())
      start_failure_.detail = "initialize was refused: " + start_failure_.error.substr(0, 200);
    if (start_failure_.detail.empty()) start_failure_.detail = "speaks a protocol version that we do not";
    co_return false;
  }
  start_failure_ = {};
  set_session(session_id_, version);
  shared_->learn(reply.result);
  co_await post_aside(self<HttpPeer>(), make_notification("notifications/initialized", {}));
  co_return true;
}

void HttpPeer::lose_session(std::uint64_t epoch) {
  if (state_ != State::kUp || epoch_ != epoch) return;  // somebody else noticed before
  state_ = State::kDown;
  shared_->running -= 1;
  set_session({}, {});
  hub_.forget_questions(std::chrono::steady_clock::now());
  if (listening_) listening_->close();
  stop_listening(generation_ + 1);
  listen_params_.clear();
}

// A message for which no answer comes but 202.
awaitable<void> HttpPeer::post_aside(std::shared_ptr<HttpPeer> self, std::string text) {
  HttpPool::Acquired acquired = co_await self->pool_->acquire();
  if (!acquired.link) co_return;
  if (self->closed()) {
    self->pool_->release(acquired.link);
    co_return;
  }
  const LinkPtr link = acquired.link;
  self->aside_.insert(link);
  link->limit(kAsideTime);
  const std::string request_head = self->head("POST", text.size(), self->session_headers_);
  error_code failed = co_await link->send(request_head, text);
  if (!failed) failed = co_await link->read_head(self->shared_->limits.header_bytes);
  std::string body;
  while (!failed && !link->body_done() && body.size() < kRefusalBytesMax) failed = co_await link->read_body(body);
  self->aside_.erase(link);
  if (failed) {
    link->close();
  } else {
    self->pool_->release(link);
  }
}

}  // namespace bursar::broker
