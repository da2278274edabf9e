// The answer of a job, as an OpenAI client expects it: a chat completion, or its stream, with a `bursar` member.
//
//   {"id": "…", "object": "chat.completion", "model": "bursar/pets", "choices": [{"message": …}],
//    "usage": {"prompt_tokens": …, …},                       // of all inner calls
//    "bursar": {"strategy": "pets", "ended": "answered", "certainty": .8, "calls": 6, "refused": 0, "failed": 0,
//               "cost": "412 tokens, 0.001 usd, …", "trace": [… with explain], "job": {… with explain: full}}}
//
// finish_reason is "stop" where the strategy came to its end, and "length" where purse, deadline or calls ended it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/strategies/strategy_request.h"

namespace bursar::broker {

struct StrategyAnswer {
  std::string id;
  WallTime at{};
  std::string_view strategy;
  const plan::JobResult* result = nullptr;    // with an answer
  std::string message;                        // raw JSON of the answer's own message; empty: made from its text
  const boost::json::array* trace = nullptr;  // with explain
  const boost::json::object* job = nullptr;   // with explain: full
};

[[nodiscard]] std::string whole_answer(const StrategyAnswer& answer);

// Server-sent events: the role, the text in pieces, the finish with `bursar`, the usage if asked for, [DONE].
[[nodiscard]] std::vector<std::string> streamed_answer(const StrategyAnswer& answer, bool usage_asked);

}  // namespace bursar::broker
