// Reads server-sent events from bytes that arrive in any pieces. Sans-I/O.
//
//   SseParser parser;
//   auto ok = parser.feed(bytes, [&](const SseEvent& event) { use(event.data); });
//   if (!ok) return close(ok.error());           // a line or an event past its limit
//   resume_with(parser.last_event_id(), parser.retry());
//
// As the HTML standard says: lines end in CR, LF or CRLF; one leading BOM is skipped; an empty line ends an event; an
// event without data is not delivered, though its id and retry count; what stands after the last empty line is dropped.
// O(bytes).
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "bursar/core/result.h"

namespace bursar::broker {

struct SseEvent {
  std::string type;  // "message" where the stream names none
  std::string data;  // lines joined by \n
  std::string id;    // the last event id of the stream at this event; may be empty
};

struct SseLimits {
  std::size_t event_bytes = 8 << 20;  // data of one event, and any one line
  std::size_t id_bytes = 1024;        // longer ids are ignored
};

class SseParser {
 public:
  explicit SseParser(SseLimits limits = {}) : limits_(limits) {}

  // Errors: kExhausted past a limit; the parser is then of no more use.
  [[nodiscard]] Result<void> feed(std::string_view bytes, const std::function<void(const SseEvent&)>& on_event);

  [[nodiscard]] const std::string& last_event_id() const { return id_; }
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry() const { return retry_; }

 private:
  void line(std::string_view text, const std::function<void(const SseEvent&)>& on_event);
  void field(std::string_view name, std::string_view value);

  SseLimits limits_;
  std::string line_;  // begun, not ended
  std::string type_, data_, id_;
  std::optional<std::chrono::milliseconds> retry_;
  bool has_data_ = false, after_cr_ = false, started_ = false, failed_ = false;
};

}  // namespace bursar::broker
