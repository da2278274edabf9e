// What an agent asks of a model, read as far as budgets need it, and the bytes that go to the upstream instead.
//
//   auto asked = read_model_request(ModelApi::kChat, body, {.bytes = 4 << 20, .depth = 64});
//   asked->prompt_tokens_max;                      // never less than what a tokenizer makes of it
//   asked->answers * *asked->max_output;           // completion tokens at most
//   std::string out = outgoing_body(ModelApi::kChat, body, *asked, {.model = "gpt-4o", .max_output = 4096});
//
// The bound on prompt tokens. A byte-level BPE token, and a SentencePiece token with byte fallback, stands for at least
// one byte of text, so a text has at most as many tokens as bytes. Every member of the request that can reach the
// prompt counts with all its bytes, the JSON around its texts included (escapes as what they stand for); that pays for
// roles, names and the special tokens of each message, input or tool. On top come kTokensPerRequest,
// kTokensPerMessage for each message, and kTokensForTools where there are tools (templates put a text of their own
// before them). Tokenizers that normalise texts to longer ones (NFKC) are outside of the bound; what they need more is
// settled as an overrun. Images, audio and files have no bound in bytes: `unbounded` names the first of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bursar/core/result.h"

namespace bursar::broker {

enum class ModelApi : std::uint8_t { kChat, kCompletions, kEmbeddings };
[[nodiscard]] std::string_view name_of(ModelApi api);  // "chat/completions": the path below /v1/

inline constexpr std::uint64_t kTokensPerRequest = 32;
inline constexpr std::uint64_t kTokensPerMessage = 8;
inline constexpr std::uint64_t kTokensForTools = 512;
inline constexpr std::uint64_t kMaxOutputTokens = 10'000'000;
inline constexpr std::uint64_t kMaxAnswers = 4096;  // prompts times n
inline constexpr std::size_t kMaxModelName = 256;

struct ModelRequest {
  std::string model;  // as the agent asks for it
  bool stream = false;
  bool usage_asked = false;                 // stream_options.include_usage: the agent wants the chunk with the usage
  std::optional<std::uint64_t> max_output;  // tokens of each answer; absent where the agent names none
  std::uint64_t answers = 1;                // prompts times n (or best_of)
  std::uint64_t prompt_tokens_max = 0;
  std::uint64_t extra_output = 0;  // completion tokens beside the answers: a prediction that is not used
  std::string unbounded;           // the first part whose tokens or price nobody can bound: "messages[2]: image_url"
};

struct RequestLimits {
  std::size_t bytes = 4 << 20;
  std::size_t depth = 64;
};

// Errors: kInvalidArgument, the message begins with the member that is wrong ("max_tokens: must be …"); refused are
// also a member that stands twice (two readers could take different ones) and anything that is not strict JSON.
[[nodiscard]] Result<ModelRequest> read_model_request(ModelApi api, std::string_view body, const RequestLimits& limits);

struct Outgoing {
  std::string model;                   // the upstream's name for it
  std::uint64_t max_output = 0;        // asked for where the agent names none
  bool max_completion_tokens = false;  // the upstream wants chat limits under that name, not as max_tokens
};
// The agent's bytes with the upstream's model name, with a limit where there is none, and with
// stream_options.include_usage in streams; everything else as it stands. `body` was read by read_model_request().
[[nodiscard]] std::string outgoing_body(ModelApi api, std::string_view body, const ModelRequest& request,
                                        const Outgoing& outgoing);

// Calls `visit` with the raw JSON of each element, until it answers false; anything but an array has none. Safe on text
// that is no JSON: the walk ends there.
template <class Visit>
void each_element(std::string_view array, Visit visit);

// Bytes of the text that a raw JSON value stands for, at most: escapes count as what they mean, all else as it is.
[[nodiscard]] std::uint64_t text_bytes(std::string_view raw);

// The length of the value that `text` begins with; 0 where it is none.
[[nodiscard]] std::size_t value_length(std::string_view text);

template <class Visit>
void each_element(std::string_view array, Visit visit) {
  const auto space = [&](std::size_t at) {
    while (at < array.size() && (array[at] == ' ' || array[at] == '\n' || array[at] == '\r' || array[at] == '\t')) ++at;
    return at;
  };
  if (array.empty() || array.front() != '[') return;
  for (std::size_t at = space(1); at < array.size() && array[at] != ']';) {
    const std::size_t length = value_length(array.substr(at));
    if (length == 0 || !visit(array.substr(at, length))) return;
    at = space(at + length);
    if (at >= array.size() || array[at] != ',') return;
    at = space(at + 1);
  }
}

}  // namespace bursar::broker
