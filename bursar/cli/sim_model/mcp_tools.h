// The simulated model's tools, behind an MCP door without sessions: one JSON-RPC message in, one answer out.
//
//   search {query}          what the simulated world knows (bursar/simulate/world.h)
//   calculator {expression} + - * / ( ) over decimal numbers
// initialize, ping, tools/list and tools/call; notifications are taken and forgotten. Both tools only read.
#pragma once

#include <cstdint>
#include <string_view>

#include "bursar/broker/http/server.h"
#include "bursar/core/result.h"

namespace bursar::cli {

[[nodiscard]] broker::HttpResponse answer_mcp(std::string_view body, std::uint64_t seed);

// Errors: kInvalidArgument for what is no expression, divides by zero, or nests deeper than 64.
[[nodiscard]] Result<double> calculate(std::string_view expression);

}  // namespace bursar::cli
