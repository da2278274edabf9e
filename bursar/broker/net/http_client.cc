#include "bursar/broker/net/http_client.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <map>
#include <mutex>

#include "bursar/broker/net/header_text.h"
#include "bursar/broker/net/http_link.h"

namespace bursar::broker {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

// The request's head, or nothing where it would hold a line break.
std::optional<std::string> head_of(const ClientRequest& request, const Url& url) {
  const std::string& target = request.target.empty() ? url.target : request.target;
  const bool sound = is_token(request.method) && is_field_value(target) && target.starts_with('/') &&
                     target.find_first_of(" \t") == std::string::npos;
  if (!sound) return std::nullopt;
  std::string out;
  out.reserve(256);
  out.append(request.method).append(" ").append(target).append(" HTTP/1.1\r\nHost: ").append(url.authority) += "\r\n";
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name) || !is_field_value(value)) return std::nullopt;
    out.append(name).append(": ").append(value) += "\r\n";
  }
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT")
    out.append("Content-Length: ").append(std::to_string(request.body.size())) += "\r\n";
  return out += "\r\n";
}

class LinkHead final : public HttpHead {
 public:
  explicit LinkHead(const HttpLink& link) : link_(link) {}
  [[nodiscard]] int status() const override { return link_.status(); }
  [[nodiscard]] std::string_view header(std::string_view name) const override { return link_.header(name); }
  void each(const std::function<void(std::string_view, std::string_view)>& visit) const override {
    link_.each_header(visit);
  }

 private:
  const HttpLink& link_;
};

// One call. The coroutine holds it; the timer and the caller hold it too or only know it weakly.
class RunningCall final : public HttpCall, public std::enable_shared_from_this<RunningCall> {
 public:
  RunningCall(Reactor& reactor, std::shared_ptr<HttpPool> pool, ClientRequest request, HttpHandlers handlers)
      : reactor_(reactor),
        pool_(std::move(pool)),
        request_(std::move(request)),
        handlers_(std::move(handlers)),
        timer_(reactor.context()),
        resumed_(reactor.context(), Clock::time_point::max()),
        ends_(Clock::now() + request_.timeout) {
    progressed();
  }

  void start() {
    watch();
    starting_ = true;
    asio::co_spawn(reactor_.context(), run(shared_from_this()), asio::detached);
    starting_ = false;
  }

  void cancel() override { give_up(Cause::kCancelled, "cancelled"); }
  void pause() override { paused_ = true; }
  void resume() override {
    paused_ = false;
    if (ended_ || given_up_) return;
    progressed();
    watch();
    resumed_.cancel();
  }

 private:
  void progressed() {
    stalls_ = request_.stall_timeout.count() > 0 ? Clock::now() + request_.stall_timeout : Clock::time_point::max();
  }

  // One timer for both limits; it looks again when it fires.
  void watch() {
    timer_.expires_at(std::min(ends_, paused_ ? Clock::time_point::max() : stalls_));
    timer_.async_wait([self = shared_from_this()](error_code cancelled) {
      if (cancelled || self->ended_) return;
      const auto now = Clock::now();
      if (now >= self->ends_) return self->give_up(Cause::kTimeout, "no whole answer within the timeout");
      if (!self->paused_ && now >= self->stalls_) {
        self->end_.silent = !self->given_up_;
        return self->give_up(Cause::kTimeout, "the server fell silent");
      }
      self->watch();
    });
  }

  void give_up(Cause cause, std::string detail) {
    if (ended_ || given_up_) return;
    given_up_ = true;
    end_.failure = cause;
    end_.detail = std::move(detail);
    timer_.cancel();
    resumed_.cancel();
    if (link_) return link_->close();  // the coroutine sees it and ends
    // Still connecting: nobody waits for that.
    reactor_.post([self = shared_from_this()] { self->finish(); });
  }

  void finish() {
    // What fails at once is told later, so that no callback comes before the caller has what send() returns.
    if (starting_) return reactor_.post([self = shared_from_this()] { self->finish(); });
    if (std::exchange(ended_, true)) return;
    timer_.cancel();
    const HttpHandlers handlers = std::exchange(handlers_, {});
    if (handlers.done) handlers.done(std::move(end_));
  }

  void failed(Cause cause, std::string detail) {
    if (end_.failure) return;
    end_.failure = cause;
    end_.detail = std::move(detail);
  }

  static awaitable<void> run(std::shared_ptr<RunningCall> self) {
    co_await self->exchange();
    if (self->link_) {
      if (self->end_.failure) {
        self->link_->close();
      } else {
        self->pool_->release(self->link_);
      }
      self->link_.reset();
    }
    self->finish();
  }

  awaitable<void> exchange() {
    const auto head = head_of(request_, pool_->url());
    if (!head) {
      failed(Cause::kBadRequest, "the request's method, target or headers cannot be sent");
      co_return;
    }
    HttpPool::Acquired acquired = co_await pool_->acquire();
    if (given_up_) {
      if (acquired.link) pool_->release(acquired.link);
      co_return;
    }
    if (!acquired.link) {
      failed(acquired.failure.value_or(Cause::kConnect), acquired.detail);
      co_return;
    }
    link_ = acquired.link;
    end_.sent = true;
    error_code broke = co_await link_->send(*head, request_.body);
    if (!broke) broke = co_await link_->read_head(request_.header_bytes);
    if (broke) {
      failed(cause_of_read(broke), "no answer from " + pool_->url().authority + ": " + broke.message());
      co_return;
    }
    progressed();
    end_.head = true;
    if (handlers_.on_head) handlers_.on_head(LinkHead(*link_));
    co_await read_body();
  }

  awaitable<void> read_body() {
    std::string piece;
    std::size_t total = 0;
    while (!link_->body_done() && !given_up_) {
      while (paused_ && !given_up_) {
        error_code ignored;
        co_await resumed_.async_wait(asio::redirect_error(use_awaitable, ignored));
      }
      if (given_up_) co_return;
      piece.clear();
      const error_code broke = co_await link_->read_body(piece);
      progressed();
      total += piece.size();
      if (total > request_.body_bytes) {
        failed(Cause::kTooLarge, "a body of more than " + std::to_string(request_.body_bytes) + " bytes");
        co_return;
      }
      if (!piece.empty() && !given_up_ && handlers_.on_body) handlers_.on_body(piece);
      if (broke) {
        failed(cause_of_read(broke), "the answer broke off: " + broke.message());
        co_return;
      }
    }
  }

  Reactor& reactor_;
  std::shared_ptr<HttpPool> pool_;
  ClientRequest request_;
  HttpHandlers handlers_;
  Timer timer_, resumed_;
  std::shared_ptr<HttpLink> link_;
  HttpEnd end_;
  Clock::time_point ends_, stalls_;
  bool starting_ = false, paused_ = false, given_up_ = false, ended_ = false;
};

ErrorCode code_of(Cause cause) {
  switch (cause) {
    case Cause::kTimeout: return ErrorCode::kTimeout;
    case Cause::kTooLarge: return ErrorCode::kExhausted;
    case Cause::kTls:
    case Cause::kPolicy: return ErrorCode::kPermissionDenied;
    case Cause::kCancelled: return ErrorCode::kCancelled;
    case Cause::kBadRequest: return ErrorCode::kInvalidArgument;
    default: return ErrorCode::kUnavailable;
  }
}

}  // namespace

std::string_view HttpAnswer::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same_ignoring_case(key, name)) return value;
  }
  return {};
}

// Connections of each reactor.
class HttpClient::Pools {
 public:
  explicit Pools(std::shared_ptr<const Endpoint> endpoint) : endpoint_(std::move(endpoint)) {}

  std::shared_ptr<HttpPool> of(Reactor& reactor) {
    const std::scoped_lock lock(mutex_);
    auto& pool = pools_[&reactor];
    if (!pool) pool = std::make_shared<HttpPool>(reactor.context(), endpoint_);
    return pool;
  }
  [[nodiscard]] const Endpoint& endpoint() const { return *endpoint_; }

 private:
  std::shared_ptr<const Endpoint> endpoint_;
  std::mutex mutex_;
  std::map<Reactor*, std::shared_ptr<HttpPool>> pools_;
};

HttpClient::HttpClient(std::shared_ptr<const Endpoint> endpoint)
    : pools_(std::make_shared<Pools>(std::move(endpoint))) {}

HttpClient::~HttpClient() = default;

const Endpoint& HttpClient::endpoint() const { return pools_->endpoint(); }

std::shared_ptr<HttpCall> HttpClient::send(Reactor& reactor, ClientRequest request, HttpHandlers handlers) {
  auto call = std::make_shared<RunningCall>(reactor, pools_->of(reactor), std::move(request), std::move(handlers));
  if (reactor.on_this_thread()) {
    call->start();
  } else {
    reactor.post([call] { call->start(); });  // before the reactors run, and from threads of our own
  }
  return call;
}

std::shared_ptr<HttpCall> HttpClient::fetch(Reactor& reactor, ClientRequest request,
                                            std::function<void(Result<HttpAnswer>)> done) {
  auto answer = std::make_shared<HttpAnswer>();
  HttpHandlers handlers;
  handlers.on_head = [answer](const HttpHead& head) {
    answer->status = head.status();
    head.each([&](std::string_view name, std::string_view value) { answer->headers.emplace_back(name, value); });
  };
  handlers.on_body = [answer](std::string_view piece) { answer->body.append(piece); };
  handlers.done = [answer, done = std::move(done)](HttpEnd end) {
    if (!end.failure) return done(std::move(*answer));
    const ErrorCode code = code_of(*end.failure);
    done(fail(code, std::move(end.detail), code == ErrorCode::kUnavailable || code == ErrorCode::kTimeout));
  };
  return send(reactor, std::move(request), std::move(handlers));
}

}  // namespace bursar::broker
