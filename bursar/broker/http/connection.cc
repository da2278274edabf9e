#include "bursar/broker/http/connection.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdio>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <sys/socket.h>

#include "bursar/broker/telemetry/metrics.h"

namespace bursar::broker {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr auto kHeartbeat = std::chrono::seconds{15};
constexpr auto kLinger = std::chrono::seconds{2};
constexpr std::size_t kReadStep = 16 << 10;
constexpr std::size_t kPipelined = 64 << 10;    // bytes that may wait while a request is being answered
constexpr std::size_t kStreamBytes = 16 << 20;  // bytes that may wait for the reader of a stream

Instant now() { return std::chrono::steady_clock::now(); }

std::string request_id(std::uint64_t n) {
  char text[24];
  std::snprintf(text, sizeof text, "r-%016llx", static_cast<unsigned long long>(n));
  return text;
}

bool clean(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; });
}

}  // namespace

class ConnectionExchange;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::ip::tcp::socket socket, Lane& lane, const LimitsConfig& limits, bool loopback, TlsContext tls)
      : socket_(std::move(socket)), lane_(lane), limits_(limits), loopback_(loopback) {
    if (tls) tls_ = std::make_unique<Tls>(socket_, std::move(tls));
  }

  void start();
  void sweep(Instant at);
  void drain();
  void close();

  // For the exchange of the request that is being answered.
  void always(const ConnectionExchange& who, HttpHeaders headers);
  void answer(const ConnectionExchange& who, HttpResponse response);
  void stream(const ConnectionExchange& who, HttpResponse head, std::string heartbeat);
  void write(const ConnectionExchange& who, std::string_view piece);
  void finish(const ConnectionExchange& who);
  [[nodiscard]] std::size_t waiting() const { return waiting_bytes_ + writing_bytes_; }
  void when_taken(const ConnectionExchange& who, std::function<void()> taken);

 private:
  using Parser = http::request_parser<http::string_body>;
  enum class Phase { kIdle, kHeader, kBody, kWorking, kLingering, kClosed };

  // HTTPS. The context of its handshake lives as long as the connection, whatever a reload brings.
  struct Tls {
    Tls(asio::ip::tcp::socket& socket, TlsContext shared) : context(std::move(shared)), stream(socket, *context) {}
    TlsContext context;
    asio::ssl::stream<asio::ip::tcp::socket&> stream;
  };

  // Calls `use` with the stream that bytes go through: one branch an operation, none a byte.
  template <class Use>
  void with_stream(Use use) {
    if (tls_)
      use(tls_->stream);
    else
      use(socket_);
  }
  void read();
  void on_read(std::size_t bytes);
  void advance();
  bool parse_step();  // false: nothing more can be done with what is there
  bool header_is_fine();
  void dispatch();
  void refuse(int status, std::string_view code, std::string_view message);
  void refuse_parse(const error_code& error);
  void enter(Phase phase);
  [[nodiscard]] std::string head(const HttpResponse& response, std::string_view framing);
  void send(std::string bytes);
  void pump();
  void on_written();
  void complete();  // the answer of this request is queued
  [[nodiscard]] bool is_current(const ConnectionExchange& who) const { return exchange_.get() == &who; }

  asio::ip::tcp::socket socket_;
  std::unique_ptr<Tls> tls_;
  Lane& lane_;
  LimitsConfig limits_;
  bool loopback_;
  Phase phase_ = Phase::kIdle;
  Instant read_deadline_{}, write_deadline_{}, last_write_{};
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  bool header_checked_ = false, reading_ = false, advancing_ = false;

  std::shared_ptr<ConnectionExchange> exchange_;
  bool keep_alive_ = true, head_only_ = false, chunked_ = true, streaming_ = false, end_after_write_ = false;
  bool request_is_over_ = false;  // its answer is written and it is the last one
  std::string heartbeat_, request_id_;
  HttpHeaders always_;  // of the request that is being answered

  std::vector<std::string> waiting_, writing_;
  std::size_t waiting_bytes_ = 0, writing_bytes_ = 0;
  std::function<void()> taken_;
};

class ConnectionExchange final : public Exchange, public std::enable_shared_from_this<ConnectionExchange> {
 public:
  ConnectionExchange(Reactor& reactor, std::weak_ptr<Connection> connection)
      : reactor_(reactor), connection_(std::move(connection)) {}

  Reactor& reactor() override { return reactor_; }
  void always(HttpHeaders headers) override {
    run([this, h = std::move(headers)](Connection& c) mutable { c.always(*this, std::move(h)); });
  }
  void answer(HttpResponse response) override {
    run([this, r = std::move(response)](Connection& c) mutable { c.answer(*this, std::move(r)); });
  }
  void stream(HttpResponse head, std::string heartbeat) override {
    run([this, h = std::move(head), b = std::move(heartbeat)](Connection& c) mutable {
      c.stream(*this, std::move(h), std::move(b));
    });
  }
  void write(std::string piece) override {
    run([this, p = std::move(piece)](Connection& c) { c.write(*this, p); });
  }
  void finish() override {
    run([this](Connection& c) { c.finish(*this); });
  }
  std::size_t waiting() override {
    const auto connection = connection_.lock();
    return connection && !gone_ && !done_ ? connection->waiting() : 0;
  }
  void when_taken(std::function<void()> taken) override {
    run([this, t = std::move(taken)](Connection& c) mutable { c.when_taken(*this, std::move(t)); });
  }
  void on_closed(std::function<void()> closed) override {
    auto set = [this, f = std::move(closed)]() mutable {
      if (done_) return;
      if (gone_) return f();
      closed_ = std::move(f);
    };
    if (reactor_.on_this_thread()) return set();
    reactor_.post([keep = shared_from_this(), s = std::move(set)]() mutable { s(); });
  }

  void done() {
    done_ = true;
    closed_ = nullptr;
  }
  void gone() {
    gone_ = true;
    if (auto closed = std::exchange(closed_, nullptr)) closed();
  }

 private:
  template <class F>
  void run(F f) {
    auto now_or_later = [this, f = std::move(f)]() mutable {
      if (auto connection = connection_.lock(); connection && !gone_ && !done_) f(*connection);
    };
    if (reactor_.on_this_thread()) return now_or_later();
    reactor_.post([keep = shared_from_this(), g = std::move(now_or_later)]() mutable { g(); });
  }

  Reactor& reactor_;
  std::weak_ptr<Connection> connection_;
  std::function<void()> closed_;
  bool done_ = false, gone_ = false;
};

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

void Connection::enter(Phase phase) {
  phase_ = phase;
  const Instant at = now();
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

std::string Connection::head(const HttpResponse& response, std::string_view framing) {
  if (lane_.shared->metrics != nullptr) lane_.shared->metrics->http_answered(response.status);
  std::string out;
  out.reserve(320 + response.body.size());
  out += "HTTP/1.1 ";
  out += std::to_string(response.status);
  out += ' ';
  out += reason_phrase(response.status);
  out += "\r\ndate: ";
  out += lane_.date;
  out += "\r\nx-request-id: ";
  out += request_id_;
  out += "\r\n";
  if (!response.content_type.empty()) out += "content-type: " + response.content_type + "\r\n";
  for (const HttpHeaders* headers : {&std::as_const(always_), &response.headers}) {
    for (const auto& [name, value] : *headers) {
      if (!clean(name) || !clean(value)) continue;
      out.append(name).append(": ").append(value).append("\r\n");
    }
  }
  if (!keep_alive_) out += "connection: close\r\n";
  out += framing;
  out += "\r\n";
  return out;
}

void Connection::always(const ConnectionExchange& who, HttpHeaders headers) {
  if (is_current(who)) always_ = std::move(headers);
}

void Connection::answer(const ConnectionExchange& who, HttpResponse response) {
  if (!is_current(who) || streaming_) return;
  const bool bodiless = response.status == 204 || response.status == 304;
  std::string bytes =
      head(response, bodiless ? std::string() : "content-length: " + std::to_string(response.body.size()) + "\r\n");
  if (!bodiless && !head_only_) bytes += response.body;
  send(std::move(bytes));
  complete();
}

void Connection::stream(const ConnectionExchange& who, HttpResponse response, std::string heartbeat) {
  if (!is_current(who) || streaming_) return;
  if (!chunked_) keep_alive_ = false;
  streaming_ = true;
  heartbeat_ = std::move(heartbeat);
  send(head(response, chunked_ ? "transfer-encoding: chunked\r\n" : ""));
}

void Connection::write(const ConnectionExchange& who, std::string_view piece) {
  if (!is_current(who) || !streaming_ || piece.empty() || head_only_) return;
  if (waiting_.size() >= limits_.queue_per_stream || waiting_bytes_ + piece.size() > kStreamBytes) {
    if (lane_.shared->metrics != nullptr) lane_.shared->metrics->queue_dropped("stream");
    return close();
  }
  if (!chunked_) return send(std::string(piece));
  char size[24];
  const int digits = std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
  std::string framed;
  framed.reserve(piece.size() + 24);
  framed.append(size, static_cast<std::size_t>(digits)).append(piece).append("\r\n");
  send(std::move(framed));
}

void Connection::when_taken(const ConnectionExchange& who, std::function<void()> taken) {
  if (!is_current(who) || !streaming_) return;
  if (writing_.empty()) return taken();
  taken_ = std::move(taken);
}

void Connection::finish(const ConnectionExchange& who) {
  if (!is_current(who) || !streaming_) return;
  taken_ = nullptr;
  streaming_ = false;
  if (chunked_) send("0\r\n\r\n");
  complete();
}

void Connection::complete() {
  if (phase_ == Phase::kClosed) return;
  if (auto exchange = std::exchange(exchange_, nullptr)) exchange->done();
  if (!keep_alive_) {
    end_after_write_ = request_is_over_ = true;
    enter(Phase::kLingering);
    return pump();
  }
  enter(Phase::kIdle);
  advance();
  if (!advancing_) read();
}

void Connection::send(std::string bytes) {
  if (phase_ == Phase::kClosed) return;
  waiting_bytes_ += bytes.size();
  waiting_.push_back(std::move(bytes));
  pump();
}

void Connection::pump() {
  if (!writing_.empty() || phase_ == Phase::kClosed) return;
  if (waiting_.empty()) {
    if (!end_after_write_) return;
    end_after_write_ = false;
    if (tls_ && request_is_over_) {
      // Says goodbye as TLS does; the peer's own, an error, or the sweep ends it.
      enter(Phase::kLingering);
      return tls_->stream.async_shutdown([self = shared_from_this()](const error_code&) { self->close(); });
    }
    // The peer may still be sending: closing now would reset the connection and take the answer from it.
    error_code ignored;
    socket_.shutdown(asio::socket_base::shutdown_send, ignored);
    enter(Phase::kLingering);
    return read();
  }
  writing_.swap(waiting_);
  writing_bytes_ = std::exchange(waiting_bytes_, 0);
  std::vector<asio::const_buffer> buffers;
  buffers.reserve(writing_.size());
  for (const std::string& bytes : writing_) buffers.emplace_back(bytes.data(), bytes.size());
  write_deadline_ = now() + limits_.write_timeout;
  auto more = [self = shared_from_this()](const error_code& error, std::size_t) -> std::size_t {
    self->write_deadline_ = now() + self->limits_.write_timeout;  // the reader took something
    return error ? 0 : 64 << 10;
  };
  auto done = [self = shared_from_this()](const error_code& error, std::size_t) {
    if (self->phase_ == Phase::kClosed) return;
    if (error) return self->close();
    self->on_written();
  };
  with_stream([&](auto& stream) { asio::async_write(stream, std::move(buffers), std::move(more), std::move(done)); });
}

void Connection::on_written() {
  writing_.clear();
  writing_bytes_ = 0;
  last_write_ = now();
  pump();
  if (!writing_.empty() || phase_ == Phase::kClosed) return;
  if (auto taken = std::exchange(taken_, nullptr)) taken();
}

std::shared_ptr<Connection> make_connection(asio::ip::tcp::socket socket, Lane& lane, const LimitsConfig& limits,
                                            bool loopback, TlsContext tls) {
  return std::make_shared<Connection>(std::move(socket), lane, limits, loopback, std::move(tls));
}
void start(Connection& connection) { connection.start(); }
void sweep(Connection& connection, Instant at) { connection.sweep(at); }
void drain(Connection& connection) { connection.drain(); }
void close(Connection& connection) { connection.close(); }

}  // namespace bursar::broker
