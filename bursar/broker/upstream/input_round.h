// One multi-round-trip request: a modern server's `input_required` result taken apart into questions, and the answers
// put together for the request's repetition. Plain data and free functions.
//
//   auto questions = begin_round(round, result, next_id);       // whole JSON-RPC requests for the agent
//   if (auto outcome = take_answer(round, response); …)          // until none is missing
//   request.params = repeated_params(round, request.params);     // the same request, with what was asked for
//
// requestState goes back byte for byte and is never looked into; where the result has none, none goes back.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/mcp/message.h"

namespace bursar::broker {

struct InputRound {
  int rounds = 0;
  std::string state;                                         // raw JSON string; empty where the server sent none
  std::map<std::string, std::string, std::less<>> waiting;   // raw id of our question -> raw key of the server's
  std::map<std::string, std::string, std::less<>> methods;   // raw id of our question -> method
  std::vector<std::pair<std::string, std::string>> answers;  // raw key, raw result
};

inline constexpr int kRoundsMax = 10;
inline constexpr std::size_t kQuestionsMax = 32;  // of one round

// Errors: kInvalidArgument where the server breaks the protocol: neither questions nor a state, a question that is no
// request, or one round too many.
[[nodiscard]] Result<std::vector<std::string>> begin_round(InputRound& round, std::string_view result,
                                                           std::uint64_t& next_id);

// Takes an agent's response; true where none is missing any more. A dialogue that could not be shown counts as
// cancelled by the user. Errors: kUnavailable, the agent's own error: the request cannot be repeated without it.
[[nodiscard]] Result<bool> take_answer(InputRound& round, const Message& response);

[[nodiscard]] std::string repeated_params(const InputRound& round, std::string_view params);

}  // namespace bursar::broker
