#include "bursar/broker/http/connection.h"

#include <algorithm>
#include <boost/beast/http/error.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "bursar/broker/http/connection_state.h"
#include "bursar/core/hex.h"

namespace bursar::broker {
namespace {

constexpr auto kHeartbeat = std::chrono::seconds{15};
constexpr auto kLinger = std::chrono::seconds{2};
constexpr std::size_t kReadStep = 16 << 10;
constexpr std::size_t kUsualHeaders = 16;
constexpr int kPreferences = 2;               // requests that make a connection move
constexpr std::size_t kPipelined = 64 << 10;  // bytes that may wait while a request is being answered

std::string request_id(std::uint64_t n) {
  std::string out = "r-";
  append_hex(out, n, 16);
  return out;
}

}  // namespace

void Connection::start() {
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  // Bytes that the peer's machine never acknowledges: it is gone without a word (half-open).
  const auto patience =
      static_cast<unsigned>(std::chrono::duration_cast<std::chrono::milliseconds>(limits_.write_timeout).count());
  ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof patience);
  enter(Phase::kHeader);  // a new connection has header_timeout for its first request, not idle_timeout
  if (!tls_) return read();
  tls_->stream.async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](const error_code& error) {
    if (self->phase_ == Phase::kClosed) return;
    if (error) return self->close();
    self->read();
  });
}

void Connection::go_on(std::string_view unread) {
  const auto room = buffer_.prepare(unread.size());
  std::ranges::copy(unread, static_cast<char*>(room.data()));
  buffer_.commit(unread.size());
  enter(Phase::kIdle);
  advance();
  read();
}

void Connection::prefer(const ConnectionExchange& who, Reactor& other) {
  if (!is_current(who)) return;
  preferences_ = preferred_ == &other ? preferences_ + 1 : 1;
  preferred_ = &other;
}

// Between two requests, with nothing under way: the bytes that began the next one go along.
bool Connection::move_on() {
  if (preferences_ < kPreferences || tls_ || phase_ != Phase::kIdle || !writing_.empty() || !waiting_.empty()) {
    return false;
  }
  auto to = lane_.lane_of(*std::exchange(preferred_, nullptr));
  preferences_ = 0;
  error_code error;
  const auto protocol = socket_.local_endpoint(error).protocol();
  if (error || !to || to.get() == &lane_) return false;
  const auto unread = static_cast<const char*>(buffer_.data().data());
  MovingConnection moving{
      .protocol = protocol, .unread = std::string(unread, buffer_.size()), .limits = limits_, .loopback = loopback_};
  moving.socket = socket_.release(error);
  if (error) return close(), true;
  enter(Phase::kClosed);
  lane_.hand_over(shared_from_this(), std::move(moving), std::move(to));
  return true;
}

void Connection::enter(Phase phase) {
  phase_ = phase;
  const Instant at = steady_now();
  switch (phase) {
    case Phase::kIdle: read_deadline_ = at + limits_.idle_timeout; break;
    case Phase::kHeader: read_deadline_ = at + limits_.header_timeout; break;
    case Phase::kBody: read_deadline_ = at + limits_.body_timeout; break;
    case Phase::kLingering: read_deadline_ = at + kLinger; break;
    case Phase::kWorking:
    case Phase::kClosed: read_deadline_ = Instant::max(); break;
  }
}

void Connection::sweep(Instant at) {
  if (phase_ == Phase::kClosed) return;
  if (!writing_.empty() && at >= write_deadline_) return close();
  if (streaming_ && writing_.empty() && !heartbeat_.empty() && at - last_write_ >= kHeartbeat) {
    write(*exchange_, std::string(heartbeat_));
  }
  if (at < read_deadline_) return;
  if (phase_ == Phase::kLingering && !writing_.empty()) return;  // write_deadline_ holds
  if (phase_ == Phase::kHeader && (parser_ || buffer_.size() > 0)) {
    return refuse(408, "header_timeout", "The request's header did not arrive in time.");
  }
  if (phase_ == Phase::kBody) return refuse(408, "body_timeout", "The request's body did not arrive in time.");
  close();
}

void Connection::drain() {
  keep_alive_ = false;
  if (phase_ == Phase::kIdle || (phase_ == Phase::kHeader && !parser_ && buffer_.size() == 0)) close();
}

void Connection::close() {
  if (phase_ == Phase::kClosed) return;
  enter(Phase::kClosed);
  streaming_ = false;
  error_code ignored;
  socket_.close(ignored);
  const auto self = shared_from_this();
  taken_ = nullptr;
  if (auto exchange = std::exchange(exchange_, nullptr)) exchange->gone();
  lane_.remove(self);
}

void Connection::read() {
  if (reading_ || phase_ == Phase::kClosed) return;
  if (phase_ == Phase::kWorking && buffer_.size() >= kPipelined) return;  // complete() reads on
  reading_ = true;
  auto done = [self = shared_from_this()](error_code error, std::size_t bytes) {
    self->reading_ = false;
    if (self->phase_ == Phase::kClosed) return;
    if (!error) return self->on_read(bytes);
    // A client that has closed its sending side still gets the answer that is on its way.
    if (error == asio::error::eof && !self->exchange_ && !self->writing_.empty())
      self->end_after_write_ = true;
    else
      self->close();
  };
  with_stream([&](auto& stream) { stream.async_read_some(buffer_.prepare(kReadStep), std::move(done)); });
}

void Connection::on_read(std::size_t bytes) {
  if (phase_ == Phase::kLingering) {
    return read();  // nothing is committed: what arrives now is dropped
  }
  buffer_.commit(bytes);
  if (preferred_ != nullptr && move_on()) return;
  if (phase_ == Phase::kIdle) enter(Phase::kHeader);
  advance();
  read();
}

// Parses and dispatches until a request is being answered or bytes are missing. Not recursive: an answer that is given
// inside the handler comes back here through complete().
void Connection::advance() {
  if (advancing_) return;
  advancing_ = true;
  while (!exchange_ && (phase_ == Phase::kIdle || phase_ == Phase::kHeader || phase_ == Phase::kBody)) {
    if (!parse_step()) break;
  }
  advancing_ = false;
}

bool Connection::parse_step() {
  if (!parser_) {
    if (buffer_.size() == 0) return false;
    if (phase_ == Phase::kIdle) enter(Phase::kHeader);
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
    parser_->body_limit(limits_.body_bytes);
    header_checked_ = false;
  }
  if (!parser_->is_done()) {
    if (buffer_.size() == 0) return false;
    error_code error;
    const std::size_t used = parser_->put(buffer_.data(), error);
    buffer_.consume(used);
    if (error == http::error::need_more) {
      if (buffer_.size() > limits_.header_bytes + kPipelined)
        error = http::error::header_limit;
      else if (used == 0 || buffer_.size() == 0)
        return false;
      else
        error = {};
    }
    if (error) return refuse_parse(error), false;
  }
  if (parser_->is_header_done() && !header_checked_) {
    header_checked_ = true;
    if (!header_is_fine()) return false;
    parser_->eager(true);
    if (!parser_->is_done()) enter(Phase::kBody);
  }
  if (!parser_->is_done()) return true;
  dispatch();
  return true;
}

bool Connection::header_is_fine() {
  const auto& message = parser_->get();
  const bool with_length = message.count(http::field::content_length) > 0;
  const std::size_t codings = message.count(http::field::transfer_encoding);
  if (with_length && codings > 0) {
    return refuse(400, "ambiguous_length", "A request has Content-Length or Transfer-Encoding, not both."), false;
  }
  if (codings > 0 && (codings > 1 || !parser_->chunked() || message.version() < 11 ||
                      !boost::beast::iequals(message[http::field::transfer_encoding], "chunked"))) {
    return refuse(501, "transfer_coding", "The only transfer coding that is understood is chunked."), false;
  }
  const std::size_t hosts = message.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && message.version() >= 11)) {
    return refuse(400, "host", "A request names exactly one Host."), false;
  }
  const auto target = message.target();
  if (target.empty() || (target[0] != '/' && target != "*")) {
    return refuse(400, "target", "The request's target is a path that begins with '/'."), false;
  }
  if (!parser_->is_done() && boost::beast::iequals(message[http::field::expect], "100-continue")) {
    send("HTTP/1.1 100 Continue\r\n\r\n");
  }
  return true;
}

void Connection::dispatch() {
  auto message = parser_->release();
  parser_.reset();
  HttpRequest request;
  request.id = request_id(lane_.shared->next_request.fetch_add(1, std::memory_order_relaxed));
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  request.path = request.target.substr(0, request.target.find_first_of("?#"));
  request.loopback = loopback_;
  request.headers.reserve(kUsualHeaders);
  for (const auto& field : message) request.headers.emplace_back(field.name_string(), field.value());
  request.body = std::move(message.body());

  request_id_ = request.id;
  always_.clear();
  keep_alive_ = message.keep_alive() && !lane_.shared->draining.load(std::memory_order_relaxed);
  head_only_ = message.method() == http::verb::head;
  chunked_ = message.version() >= 11;
  enter(Phase::kWorking);
  auto exchange = std::make_shared<ConnectionExchange>(lane_.reactor, weak_from_this());
  exchange_ = exchange;
  lane_.shared->handler(std::move(request), std::move(exchange));
}

void Connection::refuse_parse(const error_code& error) {
  if (error == http::error::header_limit) return refuse(431, "header_too_large", "The request's header is too large.");
  if (error == http::error::body_limit || error == http::error::buffer_overflow) {
    return refuse(413, "body_too_large", "The request's body is larger than limits.body_bytes.");
  }
  refuse(400, "malformed", "This is no well-formed HTTP/1.1 request.");
}

void Connection::refuse(int status, std::string_view code, std::string_view message) {
  keep_alive_ = false;
  request_id_ = request_id(lane_.shared->next_request.fetch_add(1, std::memory_order_relaxed));
  HttpResponse response = http_error(status, code, message);
  std::string bytes = head(response, "content-length: " + std::to_string(response.body.size()) + "\r\n");
  bytes += response.body;
  parser_.reset();
  buffer_.consume(buffer_.size());
  end_after_write_ = true;
  enter(Phase::kLingering);
  send(std::move(bytes));
}

std::shared_ptr<Connection> make_connection(Socket socket, Lane& lane, const LimitsConfig& limits, bool loopback,
                                            TlsContext tls) {
  return std::make_shared<Connection>(std::move(socket), lane, limits, loopback, std::move(tls));
}
void start(Connection& connection) { connection.start(); }
void go_on(Connection& connection, std::string_view unread) { connection.go_on(unread); }
void sweep(Connection& connection, Instant at) { connection.sweep(at); }
void drain(Connection& connection) { connection.drain(); }
void close(Connection& connection) { connection.close(); }

}  // namespace bursar::broker
