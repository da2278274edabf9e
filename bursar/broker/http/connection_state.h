// The state of one connection and the exchange of its request. For the sources of it only: connection.cc reads and
// dispatches, connection_answer.cc writes, abort.cc breaks off.
#pragma once

#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "bursar/broker/http/connection.h"

namespace bursar::broker {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t kStreamBytes = 16 << 20;  // bytes that may wait for the reader of a stream

inline Instant steady_now() { return std::chrono::steady_clock::now(); }

class ConnectionExchange;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Socket socket, Lane& lane, const LimitsConfig& limits, bool loopback, TlsContext tls)
      : socket_(std::move(socket)), lane_(lane), limits_(limits), loopback_(loopback) {
    if (tls) tls_ = std::make_unique<Tls>(socket_, std::move(tls));
  }

  void start();
  void go_on(std::string_view unread);
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
  void prefer(const ConnectionExchange& who, Reactor& other);

 private:
  using Parser = http::request_parser<http::string_body>;
  enum class Phase { kIdle, kHeader, kBody, kWorking, kLingering, kClosed };

  // HTTPS. The context of its handshake lives as long as the connection, whatever a reload brings.
  struct Tls {
    Tls(Socket& socket, TlsContext shared) : context(std::move(shared)), stream(socket, *context) {}
    TlsContext context;
    asio::ssl::stream<Socket&> stream;
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
  bool move_on();  // to the reactor that its requests prefer; false: it stays
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

  Socket socket_;
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
  Reactor* preferred_ = nullptr;
  int preferences_ = 0;  // requests that preferred it
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
  void prefer(Reactor& other) override {
    run([this, &other](Connection& c) { c.prefer(*this, other); });
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

  // Later, never inside of what the connection is doing.
  void abort() {
    reactor_.post([this, keep = shared_from_this()] {
      if (auto connection = connection_.lock(); connection && !gone_ && !done_) connection->close();
    });
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

}  // namespace bursar::broker
