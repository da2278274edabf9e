// Calls an HTTP/1.1 server over connections that are kept, from any reactor, without blocking.
//
//   HttpClient client(endpoint);                                            // endpoint.h
//   auto call = client.send(reactor, {.method = "POST", .headers = {{"Content-Type", "application/json"}}, .body =
//   json},
//                           {.on_body = [&](std::string_view piece) { … }, .done = [&](HttpEnd end) { … }});
//   call->cancel();                                                          // closes the connection; done follows
//
//   client.fetch(reactor, {.target = "/.well-known/jwks.json", .timeout = 5s}, [](Result<HttpAnswer> answer) { … });
//
// A call runs on the reactor it was given: send(), fetch() and everything of HttpCall are called on its thread, and the
// callbacks run there, never inside send(). Each reactor keeps connections of its own. A server's answer of any status
// is an answer; failures are what prevented one. A request is never sent twice; a redirection is an answer like others.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bursar/broker/http/reactor.h"
#include "bursar/broker/net/endpoint.h"
#include "bursar/broker/pipeline/serf.h"
#include "bursar/core/clock.h"

namespace bursar::broker {

struct ClientRequest {
  std::string method = "GET";
  std::string target;  // path and query; empty: that of the endpoint's url
  // Beside Host and Content-Length. Names and values with control characters make the request fail, unsent.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Duration timeout = std::chrono::seconds{30};  // of everything
  Duration stall_timeout{0};                    // before the answer's head, and between two pieces; 0: none of its own
  std::size_t header_bytes = 16 << 10;          // longest head of the answer
  std::size_t body_bytes = 8 << 20;             // longest body; a stream may be given more
};

// The head of an answer; valid during on_head only, copy what you keep.
class HttpHead {
 public:
  virtual ~HttpHead() = default;
  [[nodiscard]] virtual int status() const = 0;
  [[nodiscard]] virtual std::string_view header(std::string_view name) const = 0;  // empty where absent
  virtual void each(const std::function<void(std::string_view, std::string_view)>& visit) const = 0;
};

struct HttpEnd {
  std::optional<Cause> failure;  // kConnect, kTls, kTimeout, kReset, kTooLarge, kUpstreamProtocol, kCancelled
  std::string detail;            // one sentence, no secret
  bool sent = false;             // the request left this process
  bool head = false;             // on_head was called
  bool silent = false;           // kTimeout, of stall_timeout
};

struct HttpHandlers {
  std::function<void(const HttpHead&)> on_head = {};
  std::function<void(std::string_view piece)> on_body = {};  // as it comes, at most 16 KiB at a time
  std::function<void(HttpEnd)> done = {};                    // last, and once
};

class HttpCall {
 public:
  virtual ~HttpCall() = default;  // dropping it leaves the call running
  virtual void cancel() = 0;
  // Stops reading, so that the server stops sending, until resume(); the timeout goes on, the stall timeout waits.
  virtual void pause() = 0;
  virtual void resume() = 0;
};

struct HttpAnswer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // as they came
  std::string body;
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

class HttpClient {
 public:
  explicit HttpClient(std::shared_ptr<const Endpoint> endpoint);
  ~HttpClient();  // running calls go on
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  [[nodiscard]] const Endpoint& endpoint() const;
  std::shared_ptr<HttpCall> send(Reactor& reactor, ClientRequest request, HttpHandlers handlers);
  // The whole answer. Errors: kUnavailable (retryable), kTimeout, kExhausted past body_bytes, kPermissionDenied where
  // the certificate or the address is refused, kCancelled.
  std::shared_ptr<HttpCall> fetch(Reactor& reactor, ClientRequest request,
                                  std::function<void(Result<HttpAnswer>)> done);

 private:
  class Pools;
  std::shared_ptr<Pools> pools_;
};

// Closes connections to servers, of all clients and upstreams of the process, that have rested for long or that their
// server closed. Once a second, and only while all reactors run.
void sweep_rested_connections();

}  // namespace bursar::broker
