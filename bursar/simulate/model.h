// A model to test with: it plays a solver whose questions have a difficulty and a right answer that follow from the
// text and a seed (question.h). It is no language model, and nothing but tests, reproductions and quick starts may use
// it.
//
//   SimulatedModel model(/*seed=*/7);
//   auto reply = model.chat({.model = "sim-small", .messages = {{"user", "How many? [difficulty 0.3]"}}});
//   reply->choices[0].text;             // some reasoning, and on its last line "Answer: \boxed{417}"
//   reply->usage.completion_tokens;     // as tokens.h counts it
//
// A system message whose first line is "Task: <name>" says what is asked of it; the last line of the reply is then
//   solve, step, combine, finalise, repair   Answer: <text>
//   judge                                    Score: 0.73            whether <answer> (else the last answer in <steps>)
//                                                                   is right: a noisy signal in [0, 1]
//   verify                                   Verdict: right | wrong, and then Answer: …   mends some wrong answers
//   check                                    Clue 1: satisfied | contradicted | unknown   a line for each of <clues>
//   assess                                   Level: 1 … 5           by difficulty
//   decompose                                lines "1. …" with "Hint: …" below each, 2 to 5 of them
//   critic                                   Gain: 0.40             of the newest <evidence>, in [-1, 1]
//   sufficiency                              Sufficiency: 0.60      share of what must be known that <evidence> tells
//   act                                      Search: <query> | Answer: <text>
//   select                                   Choice: 2              which of several <answer>
// and without a Task line, or with another, Answer: \boxed{<text>}. A <step> is a question of its own; sub-questions
// that decompose wrote are recognised in <steps>, and their answers help or mislead. Wrong answers are correlated: a
// question has one or two popular ones, so that a vote over a hard question settles on the wrong one.
//
// A last message of the assistant is gone on with. Where it holds <think>, the reasoning ends with </think>; where that
// stands there already, the answer follows, the worse the less was thought. Among the likeliest tokens at the beginning
// of a line is the one that ends the reasoning, the likelier the more was written.
//
// What is drawn depends on the seed, the model's name, messages and temperature, the request's own seed or else how
// many such requests came before, and the choice's index: the same requests in any order get the same replies, and a
// limit on tokens cuts the very reply that would have come. At temperature 0 a request is always answered the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/core/result.h"
#include "bursar/simulate/prompt.h"

namespace bursar::simulate {

struct ChatRequest {
  std::string model;
  std::vector<ChatMessage> messages;
  std::optional<std::int64_t> max_tokens;  // of each choice; >= 1
  double temperature = 1;                  // [0, 2]
  std::optional<std::uint64_t> seed;
  std::size_t n = 1;              // choices, 1 … 128
  std::vector<std::string> stop;  // at most 16, none empty
  bool logprobs = false;
  std::size_t top_logprobs = 0;  // at most 20
};

struct TokenProbability {
  std::string token;
  double logprob = 0;                               // natural logarithm
  std::vector<std::pair<std::string, double>> top;  // the likeliest tokens at its place, itself among them; descending
};

struct ChatChoice {
  std::string text;
  std::vector<std::string> tokens;              // of the text, joined they are it
  std::vector<TokenProbability> probabilities;  // one a token where they were asked for; else empty
  bool cut = false;                             // by max_tokens: finish_reason "length", else "stop"
};

struct TokenCounts {
  std::int64_t prompt_tokens = 0, completion_tokens = 0;
};

struct ChatReply {
  std::vector<ChatChoice> choices;
  TokenCounts usage;
  double first_token_ms = 0,
         token_ms = 0;  // the latency that was drawn; a reply is there after first + longest * token
};

// Of the messages: the tokens of their texts, 3 a message and 3 more, as chat templates add them.
[[nodiscard]] std::int64_t prompt_tokens(const std::vector<ChatMessage>& messages);

// Not thread-safe.
class SimulatedModel {
 public:
  explicit SimulatedModel(std::uint64_t seed) : seed_(seed) {}

  // Errors: kInvalidArgument naming the field that is out of range.
  [[nodiscard]] Result<ChatReply> chat(const ChatRequest& request);
  [[nodiscard]] std::uint64_t seed() const { return seed_; }

 private:
  [[nodiscard]] RandomStream stream_of(const ChatRequest& request);

  std::uint64_t seed_;
  std::unordered_map<std::uint64_t, std::uint64_t> seen_;  // requests without a seed: how many of each
};

}  // namespace bursar::simulate
