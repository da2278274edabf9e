// The bytes of a job's inner calls: actions as requests of this gateway, and its answers as observations. Sans-I/O.
//
//   std::string body = model_body(ask, action.seed, own);            // of /v1/chat/completions
//   HttpRequest call = tool_request(ask, outer, "7");                // tools/call of MCP 2026-07-28
//   plan::Observation seen = read_model_answer(answer, ask);         // text, finish, log-probabilities, or why not
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/mcp/modern_headers.h"
#include "bursar/broker/strategies/inner_exchange.h"
#include "bursar/plan/job/action.h"

namespace bursar::broker {

// Without a limit of tokens: whoever knows the endpoint adds it under the name that it wants.
[[nodiscard]] std::string model_body(const plan::ModelAsk& ask, std::uint64_t seed, const boost::json::object& own);

[[nodiscard]] std::string embedding_body(const plan::EmbedAsk& ask);

// With the credentials and the turn of the outer request; `mirrored`: arguments that stand in headers as well.
[[nodiscard]] HttpRequest tool_request(const plan::ToolAsk& ask, const HttpRequest& outer, std::string_view id,
                                       const std::vector<HeaderParam>& mirrored);

// `end` is kRefused where an account or a policy said no, kFailed where an endpoint broke. Tokens and costs are not
// read from the answer: they are the receipt's.
[[nodiscard]] plan::Observation read_model_answer(const InnerAnswer& answer);
// One vector for each of `texts` texts, in their order.
[[nodiscard]] plan::Observation read_embedding_answer(const InnerAnswer& answer, std::size_t texts);
// The text parts of the result, and what the call cost by its _meta.
[[nodiscard]] plan::Observation read_tool_answer(const InnerAnswer& answer, std::string_view id);

// The `message` of a chat answer's first choice, raw JSON; empty where there is none.
[[nodiscard]] std::string message_of(std::string_view body);

}  // namespace bursar::broker
