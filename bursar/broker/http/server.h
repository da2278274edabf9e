// The HTTP/1.1 server: requests in, whole answers or event streams out, and nobody who reads or writes slowly harms
// another.
//
//   auto server = HttpServer::listen(reactors, {.address = "127.0.0.1", .port = 0, .handler = [](HttpRequest request,
//                                                                          std::shared_ptr<Exchange> exchange) {
//     exchange->answer({.status = 200, .body = R"({"hello":1})"});
//   }});
//   (*server)->port();
//
// One acceptor hands connections to the reactors in turn; a connection lives on its reactor, and moves only between two
// requests (Exchange::prefer). Requests of one connection are answered in order (what is pipelined waits). Limits and
// timeouts are those of LimitsConfig:
//   400 malformed, both Content-Length and Transfer-Encoding, more or less than one Host   408 header or body too slow
//   413 body too large   431 header too large   501 another transfer coding   503 too many connections
// An answer that is not taken within write_timeout, or a stream whose queue is full, ends the connection.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bursar/broker/config/config.h"
#include "bursar/broker/http/reactor.h"
#include "bursar/core/result.h"

namespace bursar::broker {

class Metrics;
struct Caller;  // identity/token_verifier.h

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string id;      // ours: "r-" and 16 hex digits; the answer carries it as x-request-id
  std::string method;  // "POST"
  std::string target;  // as sent
  std::string path;    // the target without its query
  HttpHeaders headers;
  std::string body;
  bool loopback = false;  // the peer's address is a loopback address
  // What a token in the request proved, where one was checked already; the token itself is then gone from the headers.
  std::shared_ptr<const Caller> caller = nullptr;

  // The first header of that name (ASCII case ignored); empty where absent.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";  // empty: no body
  HttpHeaders headers = {};                       // beside those that the server writes itself
  std::string body = {};
};

// The way back of one request. Every method may be called from any thread and takes effect on the connection's reactor,
// in order; after the answer is complete, or the connection is gone, they do nothing.
class Exchange {
 public:
  virtual ~Exchange() = default;
  [[nodiscard]] virtual Reactor& reactor() = 0;
  virtual void always(HttpHeaders headers) = 0;    // for whatever answer follows
  virtual void answer(HttpResponse response) = 0;  // once, instead of stream()
  // Begins an event stream (chunked); `heartbeat` is written whenever the stream was silent for 15 s.
  virtual void stream(HttpResponse head, std::string heartbeat) = 0;
  // One piece of the stream. When queue_per_stream pieces (or 16 MiB) already wait for the reader, the connection ends.
  virtual void write(std::string piece) = 0;
  // For whoever can slow down: bytes of the stream that the reader has not taken yet, and a call, once and on the
  // reactor, when none are left (not at all if the connection ends first). Both on the reactor's thread only.
  [[nodiscard]] virtual std::size_t waiting() { return 0; }
  virtual void when_taken(std::function<void()> taken) { std::exchange(taken, nullptr)(); }
  virtual void finish() = 0;  // ends the stream in good order
  // The requests of this connection are worked on over there. Once two of them have said so of the same reactor, the
  // connection moves to it with its next request, and no request crosses threads any more (plain HTTP only).
  virtual void prefer(Reactor& /*other*/) {}
  // Runs once on the connection's reactor if the connection ends before the answer is complete (at once if it has).
  virtual void on_closed(std::function<void()> closed) = 0;
};

using HttpHandler = std::function<void(HttpRequest, std::shared_ptr<Exchange>)>;

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
  LimitsConfig limits = {};
  HttpHandler handler;         // runs on the connection's reactor; answers now or later
  Metrics* metrics = nullptr;  // outlives the server
  TlsServerConfig tls = {};    // HTTPS where it names a certificate
};

class HttpServer {
 public:
  // Errors: kInvalidArgument for no IP address and for certificates that cannot be used, kUnavailable where the port is
  // taken.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> listen(Reactors& reactors, HttpServerOptions options);
  // close(), and waits until no connection is left; the reactors must be running or have stopped.
  ~HttpServer();

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::size_t connections() const;
  void set_limits(const LimitsConfig& limits);  // for connections accepted from now on
  // Reads the certificates again, for connections accepted from now on; nothing on plain HTTP. Errors: those of
  // listen(), and what was in use stays.
  Result<void> reload_certificates();
  void drain();  // accepts no more, ends idle connections; answers from now on close their connection
  void close();  // drain, and ends every connection at once

 private:
  struct State;
  explicit HttpServer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

// {"error":{"code":…,"message":…},"request_id":…}: the body of an answer that the server gives by itself.
[[nodiscard]] HttpResponse http_error(int status, std::string_view code, std::string_view message);
[[nodiscard]] std::string_view reason_phrase(int status);

}  // namespace bursar::broker
