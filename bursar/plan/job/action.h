// What a job does outside, what came of it, and what the job may still spend.
//
//   Action ask{.purpose = "sample", .ask = ModelAsk{.max_tokens = 512}};     // the request's own messages, once more
//   Action look{.purpose = "search", .ask = ToolAsk{"search", {{"query", "who built it"}}}};
//   Observation seen{.action = 3, .end = ActionEnd::kDone, .text = "…", .cost = *parse_amounts("57 tokens, 1 calls")};
//
// Amounts are in smallest units (core/amount.h); tokens are those that the endpoint counted.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "bursar/core/amount.h"
#include "bursar/core/clock.h"

namespace bursar::plan {

struct Message {
  std::string role, content;  // role: system, user, assistant
};

struct ModelAsk {
  std::string model;                   // as the gateway knows it; empty: the job's main model
  std::vector<Message> messages = {};  // empty: the request's own, tools and formats with them
  std::int64_t max_tokens = 1024;      // >= 1
  std::int64_t least_tokens = 0;       // a purse that does not hold max_tokens may cut down to this; 0: it may not
  double temperature = .7;
  std::vector<std::string> stop = {};
  int top_logprobs = 0;  // of the first token, 0 … 20
};
struct ToolAsk {
  std::string tool;  // as the gateway shows it
  boost::json::object arguments;
};
struct EmbedAsk {
  std::string model;
  std::vector<std::string> texts;  // one vector comes back for each
};

struct Action {
  std::uint64_t id = 0;    // within the job, from 1; the job gives it
  std::uint64_t seed = 0;  // of the model's draws; the job gives it
  std::string purpose;     // one word for the trace: "sample", "judge", "verify"
  std::variant<ModelAsk, ToolAsk, EmbedAsk> ask;
};

enum class ActionEnd : std::uint8_t {
  kDone,
  kRefused,    // purse, account or policy: nothing was sent and nothing was paid
  kFailed,     // it was sent, and nothing useful came back
  kCancelled,  // the job stopped meanwhile
};

struct TokenChance {
  std::string token;
  double logprob = 0;  // <= 0
};

struct Observation {
  std::uint64_t action = 0;
  ActionEnd end = ActionEnd::kDone;
  std::string text;         // of the answer, or of the tool's result
  std::string finish = {};  // "stop", "length", "tool_calls"; empty where the endpoint said nothing
  std::int64_t prompt_tokens = 0, completion_tokens = 0;
  Amounts cost = {};  // what the ledger settled
  Duration took{0};
  std::optional<double> mean_logprob = std::nullopt;  // of the answer's tokens, where it has them
  std::vector<TokenChance> first_token = {};          // with top_logprobs
  std::vector<std::vector<float>> vectors = {};       // of an EmbedAsk: one for each text, all of one length
  std::string why = {};                               // of what did not end well, in one sentence
  [[nodiscard]] bool ok() const { return end == ActionEnd::kDone; }
};

struct Answer {
  std::string text;
  std::uint64_t source = 0;  // the action whose whole answer this is; 0: put together
  double certainty = 0;      // how sure the strategy is, in [0, 1]; 0 where it does not say
  bool operator==(const Answer&) const = default;
};

// A job's own limits; the accounts of the ledger stand behind them. Resources that are absent have no limit of the job.
struct Purse {
  Amounts limit, spent, held;  // held: the worst cases of what runs
  std::optional<Duration> time, time_left;

  [[nodiscard]] bool limits(Resource resource) const;
  // What is neither spent nor held, >= 0; absent without a limit.
  [[nodiscard]] std::optional<std::int64_t> left(Resource resource) const;
  // Of the scarcest of all, time among them, in [0, 1]; 1 where nothing is limited.
  [[nodiscard]] double share() const;
};

}  // namespace bursar::plan
