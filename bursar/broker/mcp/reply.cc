#include "bursar/broker/mcp/reply.h"

namespace bursar::broker {

HttpResponse event_stream_head(const HttpHeaders& headers) {
  HttpResponse head{.status = 200, .content_type = "text/event-stream", .headers = headers};
  head.headers.emplace_back("cache-control", "no-cache, no-transform");
  head.headers.emplace_back("x-accel-buffering", "no");
  return head;
}

void Reply::open() {
  if (stream_ || answered_ || gone_) return;
  stream_ = make_stream_();
  stream_->attach(exchange_, event_stream_head(options_.headers), 0, options_.prime);
}

void Reply::related(std::string_view message) {
  open();
  if (stream_) stream_->send(message);
}

void Reply::answer(std::string message, int status) {
  if (std::exchange(answered_, true)) return;
  if (stream_) {
    stream_->send(message);
    stream_->finish();
  } else if (!gone_) {
    exchange_->answer({.status = status, .headers = options_.headers, .body = std::move(message)});
  }
}

void Reply::accepted() {
  if (std::exchange(answered_, true)) return;
  exchange_->answer({.status = 202, .content_type = "", .headers = options_.headers});
}

void Reply::abandon() {
  if (answered_) return;
  options_.prime = false;  // there is nothing to come back for
  open();
  answered_ = true;
  if (stream_) stream_->finish();
}

void Reply::client_gone() {
  gone_ = true;
  if (stream_ && stream_->attached_to(exchange_.get())) stream_->detach();
}

}  // namespace bursar::broker
