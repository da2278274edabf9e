// What an agent asks of a strategy: an ordinary chat request, and beside it a `bursar` object or headers.
//
//   {"model": "bursar/pets", "messages": […], "max_tokens": 512, "seed": 7,
//    "bursar": {"parameters": {"samples": 8}, "budget": "5k tokens, 0.01 usd, 20 s", "explain": true}}
//
//   x-bursar-budget: 5k tokens, 0.01 usd, 20 s        x-bursar-explain: true | full
//   x-bursar-parameters: samples=8,answers=exact      (what the object says counts)
//
// Members of the object: parameters (of the strategy), model, small_model, judge_model, embedding_model, tools, budget
// (time in it is a deadline), explain. Everything else of the request (temperature, tools, response_format, …) goes
// with every answer that the strategy draws to the request itself. n must be 1: how many answers are drawn is the
// strategy's affair.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "bursar/broker/config/strategy_config.h"
#include "bursar/broker/http/server.h"
#include "bursar/broker/strategies/pipeline_table.h"
#include "bursar/plan/job/executor.h"
#include "bursar/plan/strategies/strategies.h"

namespace bursar::broker {

inline constexpr std::string_view kStrategyPrefix = "bursar/";
inline constexpr std::string_view kPipelinePrefix = "pipeline-";  // "bursar/pipeline-qa" runs the pipeline qa

enum class Explain : std::uint8_t { kNo, kShort, kFull };  // short: a trace with cut texts; full: a job that replays

struct StrategyRequest {
  const plan::StrategyEntry* entry = nullptr;
  plan::JobSetup setup;
  plan::JobLimits limits;
  bool stream = false;
  bool usage_asked = false;  // stream_options.include_usage
  Explain explain = Explain::kNo;
  boost::json::object own;  // the request without what is ours: what goes with an ask that has no messages of its own
};

// Errors: kNotFound for a strategy that there is not, kInvalidArgument; the message begins with the member that is
// wrong ("bursar.budget: …"). `body` is JSON that read_model_request() has let through.
[[nodiscard]] Result<StrategyRequest> read_strategy_request(const HttpRequest& request, const StrategyConfig& config,
                                                            const PipelineTable& pipelines = {});

}  // namespace bursar::broker
