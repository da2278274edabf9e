// One server-sent event stream of a session: its events have ids, are kept for a while, and can be read again.
//
//   auto stream = std::make_shared<EventStream>("7", EventStream::Limits{}, on_change);
//   stream->attach(exchange, head, 0);     // writes what was not read yet, then what comes
//   stream->send(message);                 // event id "7-1"
//   …  the client comes back with Last-Event-ID: 7-1 …
//   stream->attach(exchange, head, 1);     // events after 7-1
//   stream->finish();                      // the answer was sent: ends the exchange, the events stay
//
// A stream belongs to its session's reactor. Events past the limit are forgotten, oldest first; what a client that
// stays away for longer misses is lost (it is told nothing: the protocol has no word for it).
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bursar/broker/http/server.h"

namespace bursar::broker {

struct EventPosition {
  std::string stream;
  std::uint64_t sequence = 0;
};
// "7-12"; absent for anything else.
[[nodiscard]] std::optional<EventPosition> parse_event_id(std::string_view id);

class EventStream : public std::enable_shared_from_this<EventStream> {
 public:
  struct Limits {
    std::size_t events = 256;
    std::size_t bytes = 4 << 20;
  };
  using SteadyTime = std::chrono::steady_clock::time_point;

  // `watch` is told when a reader comes (true) and when it is gone (false), in turns.
  EventStream(std::string id, Limits limits, std::function<void(bool)> watch = {})
      : id_(std::move(id)), limits_(limits), watch_(std::move(watch)) {}

  // Takes over from an exchange that is attached already. `retry` > 0: tells the client how long to wait before it
  // comes back, in an event without data (only revisions from 2025-11-25 on know how to read it).
  void attach(std::shared_ptr<Exchange> exchange, HttpResponse head, std::uint64_t after, bool prime);
  void detach();  // the exchange went away
  [[nodiscard]] bool attached() const { return exchange_ != nullptr; }
  [[nodiscard]] bool attached_to(const Exchange* exchange) const { return exchange_.get() == exchange; }

  void send(std::string_view message);
  void part();  // ends the exchange; the stream can be attached again
  void finish();
  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] SteadyTime finished_at() const { return finished_at_; }

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] std::uint64_t last() const { return next_ - 1; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Event {
    std::uint64_t sequence;
    std::string text;  // as it goes over the wire
  };

  std::string id_;
  Limits limits_;
  std::function<void(bool)> watch_;
  std::shared_ptr<Exchange> exchange_;
  std::deque<Event> events_;
  std::size_t bytes_ = 0;
  std::uint64_t next_ = 1;
  bool finished_ = false;
  SteadyTime finished_at_{};
};

// A message as an event without an id.
[[nodiscard]] std::string message_event(std::string_view message);

inline constexpr std::string_view kHeartbeatComment = ": keep-alive\n\n";

}  // namespace bursar::broker
