// What a modern server can make us say: headers, input rounds, the envelope. Nothing may break out of its place.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "bursar/broker/upstream/input_round.h"
#include "bursar/broker/upstream/modern.h"
#include "bursar/broker/upstream/tool_headers.h"

namespace {

using namespace bursar::broker;

void demand(bool holds) {
  if (!holds) std::abort();
}

// Lines of visible text, each with its end.
void check_lines(std::string_view lines) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i] == '\r') demand(i + 1 < lines.size() && lines[i + 1] == '\n');
    if (lines[i] == '\n') demand(i > 0 && lines[i - 1] == '\r');
    demand(lines[i] == '\r' || lines[i] == '\n' || lines[i] == '\t' || (lines[i] >= ' ' && lines[i] < 0x7F));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = Message::parse(make_result("1", {reinterpret_cast<const char*>(data), size}));
  if (!message) return 0;
  const std::string_view object = message->result();
  const std::string params = modern_params(object, {.capabilities = "{}"});
  // Params are held to more than results are: no duplicate anywhere.
  const bool as_params = Message::parse(make_request("1", "x", object)).has_value();
  if (as_params) demand(Message::parse(make_request("1", "x", params)).has_value());
  (void)legacy_params(params);
  check_lines(modern_headers("tools/call", object));
  ToolHeaders headers;
  std::vector<std::string> refused;
  if (const auto kept = headers.learn(object, refused)) demand(Message::parse(make_result("1", *kept)).has_value());
  check_lines(headers.lines("t", object));
  (void)judge_probe({.result = std::string(object)});
  (void)judge_probe({.error = std::string(object)});
  InputRound round;
  std::uint64_t id = 0;
  if (const auto questions = begin_round(round, object, id)) {
    for (const std::string& question : *questions) demand(Message::parse(question).has_value() || !as_params);
    for (std::uint64_t i = 1; i <= id; ++i)
      (void)take_answer(round, *Message::parse(make_result("\"input-" + std::to_string(i) + "\"", "{}")));
    (void)repeated_params(round, "{}");
  }
  return 0;
}
