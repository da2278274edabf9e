// What a model's answer cost: read from the usage that the upstream reports, or counted from what it streamed.
//
//   StreamMeter meter({.hide_usage = true});
//   std::string pass;
//   if (auto ok = meter.feed(bytes, pass); !ok) …         // an event past its limit
//   exchange.write(pass);                                 // whole events, byte for byte
//   meter.usage();                                        // absent: the upstream reported nothing that can be true
//   meter.counted();                                      // completion tokens, at most, of what was streamed
//
// Counting assumes at least one byte of text a token, as model_request.h does for prompts. Nothing here trusts an
// upstream: numbers that are negative, no whole numbers or above 2^50 count as not reported, and so does a completion
// of no tokens beside text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bursar/broker/models/model_price.h"
#include "bursar/core/result.h"

namespace bursar::broker {

// The `usage` object of an answer (raw JSON, or empty).
[[nodiscard]] std::optional<TokenUsage> read_usage(std::string_view raw);

// Of a whole answer.
struct AnswerUsage {
  std::optional<TokenUsage> usage;  // absent where it reports none that can be true
  std::uint64_t counted = 0;        // else the completion tokens, at most, of its texts
};
[[nodiscard]] AnswerUsage usage_of_answer(std::string_view body);

// Tokens, at most, of the texts in one element of `choices`: its delta, message or text.
[[nodiscard]] std::uint64_t tokens_of_choice(std::string_view choice);

struct MeterOptions {
  bool hide_usage = false;            // the chunk that holds nothing but the usage is not for the agent
  std::size_t event_bytes = 1 << 20;  // longest event
};

// Server-sent events of a completion, in any pieces. Lines end in LF, CRLF or CR.
class StreamMeter {
 public:
  explicit StreamMeter(MeterOptions options = {}) : options_(options) {}

  // Appends the events that are complete and meant for the agent, as they came. Errors: kExhausted past event_bytes.
  Result<void> feed(std::string_view bytes, std::string& pass);

  [[nodiscard]] std::optional<TokenUsage> usage() const;
  [[nodiscard]] std::uint64_t counted() const { return counted_; }
  [[nodiscard]] std::uint64_t pieces() const { return pieces_; }      // that held text: so many tokens at least
  [[nodiscard]] std::size_t events() const { return events_; }        // that were complete and had data
  [[nodiscard]] bool done() const { return done_; }                   // [DONE] came
  [[nodiscard]] bool finished() const { return done_ || finished_; }  // or a finish_reason did
  [[nodiscard]] bool partial() const { return !pending_.empty(); }    // an event began and did not end
  [[nodiscard]] bool failed() const { return failed_; }               // the upstream told of an error

 private:
  [[nodiscard]] bool take(std::string_view event);  // whether it is for the agent
  [[nodiscard]] bool take_data(std::string_view data);

  MeterOptions options_;
  std::string pending_;
  std::size_t scanned_ = 0, line_ = 0;  // of pending_: looked at; where the line begins
  std::optional<TokenUsage> usage_;
  std::uint64_t counted_ = 0, pieces_ = 0;
  std::size_t events_ = 0;
  bool done_ = false, finished_ = false, failed_ = false;
};

}  // namespace bursar::broker
