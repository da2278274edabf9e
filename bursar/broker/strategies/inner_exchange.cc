#include "bursar/broker/strategies/inner_exchange.h"

namespace bursar::broker {

void InnerExchange::answer(HttpResponse response) {
  if (over_) return;
  kept_.body = std::move(response.body);
  kept_.response = std::move(response);
  tell();
}

void InnerExchange::stream(HttpResponse head, std::string /*heartbeat*/) {
  if (over_) return;
  kept_.response = std::move(head);
  kept_.streamed = true;
}

void InnerExchange::write(std::string piece) {
  if (over_) return;
  if (kept_.body.size() + piece.size() <= kMost) {
    kept_.body += piece;
    return;
  }
  kept_ = {.response = {.status = 502}, .body = "the answer is too long"};
  auto closed = std::exchange(closed_, nullptr);
  tell();
  if (closed) closed();
}

void InnerExchange::finish() {
  if (!over_) tell();
}

void InnerExchange::close() {
  over_ = true;
  done_ = nullptr;
  if (auto closed = std::exchange(closed_, nullptr)) closed();
}

void InnerExchange::tell() {
  over_ = true;
  closed_ = nullptr;
  if (auto done = std::exchange(done_, nullptr)) done(std::move(kept_));
}

}  // namespace bursar::broker
