#include "bursar/broker/upstream/http_peer.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core/string.hpp>
#include <utility>

#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/telemetry/log.h"
#include "bursar/broker/upstream/http_status.h"
#include "bursar/broker/upstream/legacy.h"
#include "bursar/broker/upstream/modern.h"

// GCC 12 takes the frames that Asio allocates for coroutines, and gives back by its own operator, for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace bursar::broker {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr milliseconds kAsideTime{10'000};   // a notification or an answer of ours
constexpr milliseconds kFarewellTime{2000};  // DELETE
constexpr milliseconds kDrainTime{1000};     // of a stream whose answer has come
constexpr milliseconds kRetryDefault{1000}, kRetryMax{30'000};
constexpr int kResumesMax = 5;  // in a row without an event
constexpr std::size_t kRefusalBytesMax = 64 << 10;
constexpr std::size_t kNotificationsMax = 64;

// Everything that WWW-Authenticate says.
std::string challenges_in(const HttpLink& link) {
  std::string out;
  link.each_header([&](std::string_view name, std::string_view value) {
    if (boost::beast::iequals(name, "WWW-Authenticate")) out.append(out.empty() ? "" : ", ").append(value);
  });
  return out;
}

std::string last_event(const std::string& id) { return id.empty() ? id : "Last-Event-ID: " + id + "\r\n"; }

}  // namespace

HttpPeer::HttpPeer(Reactor& reactor, std::shared_ptr<PeerShared> shared, OpenSession first,
                   std::shared_ptr<HttpPool> pool, std::shared_ptr<UpstreamCredential> credential)
    : Peer(reactor, std::move(shared), first),
      pool_(std::move(pool)),
      ask_authorization_(std::move(first.authorization)),
      credential_(std::move(credential)),
      settled_(reactor.context(), Timer::time_point::max()) {}

std::string HttpPeer::head(std::string_view verb, std::size_t body_bytes, std::string_view more) const {
  const Url& url = pool_->url();
  std::string out;
  out.reserve(512);
  out.append(verb).append(" ").append(url.target).append(" HTTP/1.1\r\nHost: ").append(url.authority).append("\r\n");
  if (verb == "POST") {
    out += "Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\nContent-Length: ";
    out.append(std::to_string(body_bytes)).append("\r\n");
  } else if (verb == "GET") {
    out += "Accept: text/event-stream\r\n";
  }
  for (const auto& [name, value] : shared_->config.headers) {
    if (ask_authorization_ && boost::beast::iequals(name, "authorization")) continue;
    out.append(name).append(": ").append(value).append("\r\n");
  }
  if (!authorization_.empty()) out.append("Authorization: ").append(authorization_).append("\r\n");
  return out.append(more).append("\r\n");
}

void HttpPeer::set_session(std::string_view id, std::string_view version) {
  session_id_ = id;
  version_ = version;
  session_headers_.clear();
  if (!id.empty()) session_headers_.append("Mcp-Session-Id: ").append(id).append("\r\n");
  if (!version.empty()) session_headers_.append("MCP-Protocol-Version: ").append(version).append("\r\n");
}

void HttpPeer::submit(Ticket ticket) {
  asio::co_spawn(reactor_.context(), run(self<HttpPeer>(), ticket), asio::detached);
}

void HttpPeer::send_text(std::string text) {
  if (state_ != State::kUp) return;
  asio::co_spawn(reactor_.context(), post_aside(self<HttpPeer>(), std::move(text)), asio::detached);
}

void HttpPeer::send_notification(std::string text) {
  if (state_ == State::kUp) {
    send_text(std::move(text));
  } else if (notifications_.size() < kNotificationsMax) {
    notifications_.push_back(std::move(text));
  }
}

void HttpPeer::drop(Ticket ticket) {
  const SessionHub::Call* call = hub_.find(ticket);
  const auto found = carrying_.find(call == nullptr ? ticket : call->wire);
  if (found != carrying_.end()) found->second->close();
}

void HttpPeer::shut() {
  if (state_ == State::kUp) shared_->running -= 1;
  state_ = State::kDown;
  settled_.cancel();
  for (Timer* timer : pauses_) timer->cancel();
  for (const auto& [ticket, link] : carrying_) link->close();
  for (const LinkPtr& link : aside_) link->close();
  if (listening_) listening_->close();
  stop_listening(generation_ + 1);
  if (!session_id_.empty()) {
    asio::co_spawn(reactor_.context(), farewell(pool_, head("DELETE", 0, session_headers_)), asio::detached);
  }
  set_session({}, {});
}

awaitable<void> HttpPeer::farewell(std::shared_ptr<HttpPool> pool, std::string head) {
  const HttpPool::Acquired acquired = co_await pool->acquire();
  if (!acquired.link) co_return;
  acquired.link->limit(kFarewellTime);
  const error_code failed = co_await acquired.link->send(head, {});
  if (!failed) (void)co_await acquired.link->read_head(kRefusalBytesMax);
  acquired.link->close();
}

awaitable<void> HttpPeer::pause(milliseconds time) {
  Timer timer(reactor_.context(), time);
  pauses_.insert(&timer);
  error_code ignored;
  if (!closed()) co_await timer.async_wait(asio::redirect_error(use_awaitable, ignored));
  pauses_.erase(&timer);
}

// --- A call
// -------------------------------------------------------------------------------------------------------------

awaitable<void> HttpPeer::run(std::shared_ptr<HttpPeer> self, Ticket ticket) {
  bool session_lost = false, era_changed = false, tools_learned = false;
  int credentials = 0;
  for (;;) {
    const bool up = co_await self->ready();
    SessionHub::Call* call = self->hub_.find(ticket);
    if (call == nullptr || (up && self->handled_here(ticket))) co_return;
    if (!up) {
      UpstreamReply failure = self->start_failure_;
      failure.sent = false;
      self->hub_.finish(ticket, std::move(failure));
      co_return;
    }
    const std::uint64_t epoch = self->epoch_;
    const Ticket key = call->wire;
    Outcome outcome = co_await self->converse(self->exchange_of(*call));
    self->carrying_.erase(key);
    if (outcome.again) continue;
    if (outcome.answered) co_return;
    if (outcome.refusal && credentials++ < kCredentialsMax) {
      const bool another = co_await self->another_credential(outcome);
      if (another) continue;
    }
    if (!era_changed && self->changed_era(outcome, epoch)) {
      era_changed = true;
      continue;
    }
    if (outcome.expired) {
      self->lose_session(epoch);
      if (!std::exchange(session_lost, true)) continue;
    }
    call = self->hub_.find(ticket);
    const bool headers = self->modern() && error_code_of(outcome.reply.error) == kHeaderMismatch;
    if (headers && call != nullptr && call->request.method == "tools/call" && !std::exchange(tools_learned, true)) {
      co_await self->learn_tools(self->side_.params(*call));
      continue;
    }
    if (self->modern()) outcome.reply = without_our_mistakes(std::move(outcome.reply));
    self->hub_.finish(ticket, std::move(outcome.reply));
    co_return;
  }
}

HttpPeer::Exchange HttpPeer::exchange_of(SessionHub::Call& call) {
  Exchange exchange{.key = call.wire, .text = wire_text(call)};
  const UpstreamRequest& request = call.request;
  if (modern()) {
    exchange.headers = modern_headers(request.method, request.params);
    if (request.method == "tools/call") {
      const std::string name = raw_string(raw_member(request.params, "name"));
      exchange.headers += shared_->tool_headers.lines(name, raw_member(request.params, "arguments"));
    }
  } else {
    exchange.headers = session_headers_;
  }
  const bool lists_tools = modern() && request.method == "tools/list";
  exchange.on_message = [peer = this, key = call.wire, lists_tools](Message message) {
    return peer->take(std::move(message), key, lists_tools);
  };
  return exchange;
}

bool HttpPeer::take(Message message, Ticket key, bool lists_tools) {
  if (lists_tools && message.kind() == MessageKind::kResult) message = without_wrong_tools(std::move(message));
  return took(std::move(message), key) || hub_.find(key) == nullptr;
}

awaitable<HttpPeer::Outcome> HttpPeer::converse(Exchange exchange) {
  Outcome outcome;
  if (const auto refused = co_await authorise()) {
    outcome.reply = {.failure = Cause::kUnauthorised, .detail = refused->message};
    co_return outcome;
  }
  const std::uint64_t epoch = epoch_;
  const bool handshake = exchange.key == handshake_;
  HttpPool::Acquired acquired = co_await pool_->acquire();
  if (!acquired.link) {
    outcome.reply.failure = acquired.failure;
    outcome.reply.detail = acquired.detail;
    co_return outcome;
  }
  outcome.again = !handshake && (state_ != State::kUp || epoch_ != epoch);
  if (outcome.again || !wanted(exchange.key)) {
    pool_->release(acquired.link);
    co_return outcome;
  }
  const LinkPtr link = acquired.link;
  carrying_[exchange.key] = link;
  if (SessionHub::Call* call = hub_.find(exchange.key)) call->sent = true;
  const bool in_session = !session_id_.empty();
  const std::string request_head = head("POST", exchange.text.size(), exchange.headers);
  const std::string used = credential_ || ask_authorization_ ? authorization_ : std::string();
  error_code failed = co_await link->send(request_head, exchange.text);
  if (!failed) failed = co_await link->read_head(shared_->limits.header_bytes);
  if (failed) {
    link->close();
    outcome.reply.failure = cause_of_read(failed);
    outcome.reply.detail = "no answer from " + pool_->url().authority + ": " + failed.message();
    outcome.reply.sent = true;
    co_return outcome;
  }
  outcome = co_await take_answer(link, exchange.key, std::move(exchange.on_message));
  outcome.expired = outcome.expired && in_session;
  if (outcome.refusal) outcome.refusal->used = used;
  co_return outcome;
}

awaitable<HttpPeer::Outcome> HttpPeer::take_answer(LinkPtr link, Ticket ticket, OnMessage on_message) {
  if (link->status() != 200) co_return co_await take_refusal(std::move(link));
  if (ticket == handshake_ && !modern()) {
    const std::string_view id = link->header("Mcp-Session-Id");
    if (valid_session_id(id)) set_session(id, {});
  }
  const std::string_view type = link->header("Content-Type");
  if (is_media_type(type, "text/event-stream"))
    co_return co_await take_stream(std::move(link), ticket, std::move(on_message));
  if (is_media_type(type, "application/json")) co_return co_await take_json(std::move(link), std::move(on_message));
  Outcome outcome;
  outcome.reply = {.failure = Cause::kUpstreamProtocol, .http_status = 200, .sent = true};
  outcome.reply.detail = "answered with content type " + std::string(type.substr(0, 80));
  link->close();
  co_return outcome;
}

awaitable<HttpPeer::Outcome> HttpPeer::take_json(LinkPtr link, OnMessage on_message) {
  Outcome outcome;
  outcome.reply = {.http_status = 200, .sent = true};
  std::string body;
  error_code failed;
  while (!failed && !link->body_done() && body.size() <= shared_->limits.message_bytes)
    failed = co_await link->read_body(body);
  const bool too_large = body.size() > shared_->limits.message_bytes;
  if (failed || too_large) {
    link->close();
    outcome.reply.failure = too_large ? Cause::kTooLarge : cause_of_read(failed);
    outcome.reply.detail = too_large ? "a body of more than " + std::to_string(shared_->limits.message_bytes) + " bytes"
                                     : "the answer broke off: " + failed.message();
    co_return outcome;
  }
  pool_->release(std::move(link));
  auto message = Message::parse(std::move(body), shared_->message_limits());
  if (message) outcome.answered = on_message(std::move(*message));
  if (!outcome.answered) {
    outcome.reply.failure = Cause::kUpstreamProtocol;
    outcome.reply.detail = message ? "the body answers another request" : message.error().message;
  }
  co_return outcome;
}

awaitable<HttpPeer::Outcome> HttpPeer::take_refusal(LinkPtr link) {
  Outcome outcome;
  std::string body;
  link->limit(kAsideTime);
  error_code failed;
  while (!failed && !link->body_done() && body.size() < kRefusalBytesMax) failed = co_await link->read_body(body);
  outcome.reply = reply_of_refusal(link->status(), link->header("Retry-After"), body);
  const bool renewable =
      credential_ ? link->status() == 401 || link->status() == 403 : ask_authorization_ && link->status() == 401;
  if (renewable) {
    outcome.refusal = CredentialRefusal{.status = link->status(), .challenge = challenges_in(*link)};
  }
  outcome.expired = says_session_is_gone(link->status(), body);
  if (failed || !link->body_done()) {
    link->close();
  } else {
    pool_->release(std::move(link));
  }
  co_return outcome;
}

// --- Event streams
// ------------------------------------------------------------------------------------------------------

awaitable<HttpPeer::Outcome> HttpPeer::take_stream(LinkPtr link, Ticket ticket, OnMessage on_message) {
  Outcome outcome;
  outcome.reply = {.http_status = 200, .sent = true};
  StreamEnd end;
  for (int resumes = 0;;) {
    end.any = false;
    co_await read_events(link, end, on_message);
    carrying_.erase(ticket);
    outcome.answered = end.answered;
    if (end.answered || !wanted(ticket)) co_return outcome;
    if (end.too_large) {
      outcome.reply.failure = Cause::kTooLarge;
      outcome.reply.detail = "an event of more than " + std::to_string(shared_->limits.message_bytes) + " bytes";
      co_return outcome;
    }
    resumes = end.any ? 0 : resumes;
    link.reset();
    const bool resumable = !modern() && !end.last_id.empty();
    while (!link && resumable && resumes < kResumesMax && wanted(ticket)) {
      ++resumes;
      link = co_await resume(ticket, end);
    }
    if (!link) {
      outcome.reply.failure = Cause::kReset;
      outcome.reply.detail = "the event stream ended before the answer";
      co_return outcome;
    }
  }
}

// Reads to the end of the stream. Once the answer has come the rest gets a moment, so that the connection can be used
// again, and nobody waits for it.
awaitable<void> HttpPeer::read_events(LinkPtr link, StreamEnd& end, const OnMessage& on_message) {
  SseParser parser({.event_bytes = shared_->limits.message_bytes});
  const auto on_event = [&](const SseEvent& event) {
    end.any = true;
    if (event.data.empty() || event.type != "message") return;
    auto message = Message::parse(event.data, shared_->message_limits());
    if (!message) {
      log(LogLevel::kWarn, "upstream_garbage",
          {{"upstream", shared_->config.name}, {"detail", message.error().message}});
      return;
    }
    if (on_message(std::move(*message)) && !std::exchange(end.answered, true)) link->limit(kDrainTime);
  };
  std::string piece;
  while (!link->body_done()) {
    piece.clear();
    const error_code failed = co_await link->read_body(piece);
    end.too_large = !parser.feed(piece, on_event).has_value();
    if (!parser.last_event_id().empty()) end.last_id = parser.last_event_id();
    if (parser.retry()) end.retry = parser.retry();
    if (!failed && !end.too_large) continue;
    link->close();
    co_return;
  }
  pool_->release(std::move(link));
}

// A GET that continues a stream after its last event; null where that did not work this time.
awaitable<HttpPeer::LinkPtr> HttpPeer::resume(Ticket ticket, const StreamEnd& end) {
  co_await pause(std::min(end.retry.value_or(kRetryDefault), kRetryMax));
  if (!wanted(ticket)) co_return nullptr;
  HttpPool::Acquired acquired = co_await pool_->acquire();
  if (!acquired.link) co_return nullptr;
  const LinkPtr link = acquired.link;
  if (wanted(ticket)) {
    carrying_[ticket] = link;
    const std::string request_head = head("GET", 0, session_headers_ + last_event(end.last_id));
    error_code failed = co_await link->send(request_head, {});
    if (!failed) failed = co_await link->read_head(shared_->limits.header_bytes);
    const bool streams =
        !failed && link->status() == 200 && is_media_type(link->header("Content-Type"), "text/event-stream");
    if (streams) co_return link;
    carrying_.erase(ticket);
  }
  link->close();
  co_return nullptr;
}

// What the server says by itself. A server without such a stream answers 405, and that is that.
awaitable<void> HttpPeer::read_standalone(std::shared_ptr<HttpPeer> self, std::uint64_t epoch) {
  const auto current = [&] { return !self->closed() && self->state_ == State::kUp && self->epoch_ == epoch; };
  const OnMessage on_message = [peer = self.get()](Message message) {
    peer->took(std::move(message), 0);
    return false;
  };
  StreamEnd end;
  milliseconds back_off = kRetryDefault;
  while (current()) {
    HttpPool::Acquired acquired = co_await self->pool_->acquire();
    if (acquired.link && current()) {
      self->listening_ = acquired.link;
      const std::string request_head = self->head("GET", 0, self->session_headers_ + last_event(end.last_id));
      error_code failed = co_await acquired.link->send(request_head, {});
      if (!failed) failed = co_await acquired.link->read_head(self->shared_->limits.header_bytes);
      const int status = failed ? 0 : acquired.link->status();
      const bool streams = status == 200 && is_media_type(acquired.link->header("Content-Type"), "text/event-stream");
      end.any = false;
      if (streams) co_await self->read_events(acquired.link, end, on_message);
      if (!streams) acquired.link->close();
      if (!streams && status >= 200 && status < 500) break;
      if (end.any) back_off = kRetryDefault;
    }
    if (!current()) break;
    co_await self->pause(std::min(end.retry.value_or(back_off), kRetryMax));
    back_off = std::min(back_off * 2, kRetryMax);
  }
  if (self->epoch_ == epoch) self->listening_.reset();
}

}  // namespace bursar::broker
