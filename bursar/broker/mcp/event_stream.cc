#include "bursar/broker/mcp/event_stream.h"

#include <charconv>

namespace bursar::broker {

std::optional<EventPosition> parse_event_id(std::string_view id) {
  const std::size_t dash = id.rfind('-');
  if (dash == std::string_view::npos || dash == 0 || id.size() > 64) return std::nullopt;
  EventPosition position{.stream = std::string(id.substr(0, dash))};
  const char* const end = id.data() + id.size();
  const auto read = std::from_chars(id.data() + dash + 1, end, position.sequence);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return position;
}

void EventStream::attach(std::shared_ptr<Exchange> exchange, HttpResponse head, std::uint64_t after, bool prime) {
  if (exchange_)
    exchange_->finish();
  else if (watch_)
    watch_(true);
  exchange_ = std::move(exchange);
  exchange_->stream(std::move(head), std::string(kHeartbeatComment));
  if (prime) exchange_->write("id: " + id_ + "-" + std::to_string(after) + "\ndata: \n\n");
  for (const Event& event : events_) {
    if (event.sequence > after) exchange_->write(event.text);
  }
  if (finished_) part();
}

void EventStream::detach() {
  if (!exchange_) return;
  exchange_ = nullptr;
  if (watch_) watch_(false);
}

void EventStream::part() {
  auto exchange = exchange_;
  detach();
  if (exchange) exchange->finish();
}

// A JSON text has no line break outside of strings once it came from a compact encoder, but an upstream may send a
// pretty one: each line is a data line of its own, which the reader joins again.
std::string message_event(std::string_view message) {
  std::string text = "event: message\n";
  text.reserve(message.size() + 32);
  while (true) {
    const std::size_t end = message.find_first_of("\r\n");
    text.append("data: ").append(message.substr(0, end)).append("\n");
    if (end == std::string_view::npos) break;
    message.remove_prefix(end + 1);
  }
  return text += '\n';
}

void EventStream::send(std::string_view message) {
  if (finished_) return;
  std::string text = "id: " + id_ + "-" + std::to_string(next_) + "\n" + message_event(message);
  if (exchange_) exchange_->write(text);
  bytes_ += text.size();
  events_.push_back({next_++, std::move(text)});
  while (events_.size() > 1 && (events_.size() > limits_.events || bytes_ > limits_.bytes)) {
    bytes_ -= events_.front().text.size();
    events_.pop_front();
  }
}

void EventStream::finish() {
  if (finished_) return;
  finished_ = true;
  finished_at_ = std::chrono::steady_clock::now();
  part();
}

}  // namespace bursar::broker
