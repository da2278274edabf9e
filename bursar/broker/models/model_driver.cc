#include "bursar/broker/models/model_driver.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>

#include "bursar/broker/models/model_once.h"
#include "bursar/broker/net/http_client.h"
#include "bursar/broker/net/retry_after.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kStreamBytes = 256 << 20;  // of one answer
constexpr std::size_t kAgentBehind = 32 << 10;   // bytes that wait for the agent; past them the upstream is not read

// What OpenAI's endpoints say beside Retry-After, in milliseconds.
std::optional<std::chrono::milliseconds> milliseconds_of(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return std::min(std::chrono::milliseconds{value}, kRetryAfterMax);
}

AnswerHead head_of(const HttpHead& head, WallTime now) {
  AnswerHead out{.status = head.status(), .content_type = std::string(head.header("content-type"))};
  out.retry_after = milliseconds_of(head.header("retry-after-ms"));
  if (!out.retry_after) out.retry_after = parse_retry_after(head.header("retry-after"), now);
  return out;
}

}  // namespace

struct ModelDriver::Timer {
  explicit Timer(Reactor& reactor) : timer(reactor.context()) {}
  boost::asio::steady_timer timer;
};

std::shared_ptr<ModelDriver> ModelDriver::start(const ModelServices& services, std::shared_ptr<const ModelTable> table,
                                                ModelCall call, std::shared_ptr<Exchange> exchange,
                                                std::function<void(ModelDriver&)> ended) {
  auto driver =
      std::make_shared<ModelDriver>(services, std::move(table), std::move(call), std::move(exchange), std::move(ended));
  driver->exchange_->on_closed([weak = std::weak_ptr(driver)] {
    if (const auto self = weak.lock()) {
      self->run_.stop(Cause::kCancelled, self->services_.clock->now());
      self->settled();
    }
  });
  driver->run_.begin(services.clock->now());
  driver->settled();
  return driver;
}

ModelDriver::ModelDriver(const ModelServices& services, std::shared_ptr<const ModelTable> table, ModelCall call,
                         std::shared_ptr<Exchange> exchange, std::function<void(ModelDriver&)> ended)
    : services_(services),
      exchange_(std::move(exchange)),
      ended_(std::move(ended)),
      run_(services, std::move(table), std::move(call), *this) {}

ModelDriver::~ModelDriver() {
  for (const auto& call : calls_) {
    if (call) call->cancel();
  }
  if (ended_) ended_(*this);
}

void ModelDriver::settled() {
  if (!run_.finished()) return;
  if (timer_) timer_->timer.cancel();
  if (const auto& once = run_.call().once) keep_lost(*once, run_.receipt(), services_.clock->now());
  if (auto ended = std::exchange(ended_, nullptr)) ended(*this);
}

void ModelDriver::stop(Cause cause) {
  exchange_->reactor().post([self = shared_from_this(), cause] {
    self->run_.stop(cause, self->services_.clock->now());
    self->settled();
  });
}

void ModelDriver::reserve(ledger::ReserveRequest request) {
  services_.ledger->reserve(std::move(request), [self = shared_from_this()](ledger::Reservation reservation) {
    // A hold moves, and what is posted must copy.
    auto owned = std::make_shared<ledger::Reservation>(std::move(reservation));
    self->exchange_->reactor().post([self, owned] {
      self->run_.reserved(std::move(*owned), self->services_.clock->now());
      self->settled();
    });
  });
}

void ModelDriver::send(std::size_t attempt, const ModelAttempt& to, std::string body) {
  const ModelUpstreamConfig& config = to.endpoint->config;
  ClientRequest request{.method = "POST",
                        .target = to.endpoint->target(name_of(run_.call().api)),
                        .headers = {{"content-type", "application/json"}},
                        .body = std::move(body),
                        .timeout = to.timeout,
                        .stall_timeout = config.stall_timeout,
                        .body_bytes = kStreamBytes};
  const bool stream = run_.call().request.stream;
  request.headers.emplace_back("accept", stream ? "text/event-stream, application/json" : "application/json");
  for (const auto& [name, value] : config.headers) request.headers.emplace_back(name, value);
  request.headers.emplace_back("traceparent", outgoing_traceparent(run_.call()));
  calls_.resize(std::max(calls_.size(), attempt + 1));
  calls_[attempt] = to.endpoint->client->send(
      exchange_->reactor(), std::move(request),
      {.on_head = [self = shared_from_this(), attempt](
                      const HttpHead& head) { self->run_.head(attempt, head_of(head, self->services_.clock->now())); },
       .on_body =
           [self = shared_from_this(), attempt](std::string_view piece) {
             self->run_.body(attempt, piece, self->services_.clock->now());
             self->settled();
           },
       .done =
           [self = shared_from_this(), attempt](HttpEnd end) {
             self->calls_[attempt].reset();
             self->run_.ended(
                 attempt,
                 {.failure = end.failure, .detail = std::move(end.detail), .sent = end.sent, .silent = end.silent},
                 self->services_.clock->now());
             self->settled();
           }});
}

void ModelDriver::cancel(std::size_t attempt) {
  if (attempt < calls_.size() && calls_[attempt]) calls_[attempt]->cancel();
}

void ModelDriver::wake(Duration in) {
  if (!timer_) timer_ = std::make_unique<Timer>(exchange_->reactor());
  timer_->timer.expires_after(in);
  timer_->timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (error) return;
    self->run_.woken(self->services_.clock->now());
    self->settled();
  });
}

void ModelDriver::answer(HttpResponse response) {
  if (const auto& once = run_.call().once) keep_answer(*once, response, run_.receipt(), services_.clock->now());
  exchange_->answer(std::move(response));
}

void ModelDriver::stream(HttpResponse head) {
  if (const auto& once = run_.call().once) keep_streamed(*once, services_.clock->now());
  exchange_->stream(std::move(head), ": \n\n");
}

void ModelDriver::write(std::string piece) {
  exchange_->write(std::move(piece));
  if (!slowed_ && exchange_->waiting() > kAgentBehind) slow_down();
}

void ModelDriver::slow_down() {
  slowed_ = true;
  for (const auto& call : calls_) {
    if (call) call->pause();
  }
  exchange_->when_taken([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->speed_up();
  });
}

void ModelDriver::speed_up() {
  if (!std::exchange(slowed_, false)) return;
  for (const auto& call : calls_) {
    if (call) call->resume();
  }
}

void ModelDriver::finish() {
  exchange_->finish();
  speed_up();  // what the upstream still sends is read to its end, so that its connection can be used again
}

}  // namespace bursar::broker
