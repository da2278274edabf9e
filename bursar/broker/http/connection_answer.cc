#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include "bursar/broker/http/connection_state.h"
#include "bursar/broker/telemetry/metrics.h"
#include "bursar/core/hex.h"

namespace bursar::broker {
namespace {

bool clean(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; });
}

}  // namespace

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
  std::string framed;
  framed.reserve(piece.size() + 24);
  append_hex(framed, piece.size());
  framed.append("\r\n").append(piece).append("\r\n");
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
  write_deadline_ = steady_now() + limits_.write_timeout;
  auto more = [self = shared_from_this()](const error_code& error, std::size_t) -> std::size_t {
    self->write_deadline_ = steady_now() + self->limits_.write_timeout;  // the reader took something
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
  last_write_ = steady_now();
  pump();
  if (!writing_.empty() || phase_ == Phase::kClosed) return;
  if (auto taken = std::exchange(taken_, nullptr)) taken();
}

}  // namespace bursar::broker
