#include "bursar/broker/models/model_request.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "bursar/broker/mcp/json_scanner.h"
#include "bursar/broker/mcp/message.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kAnyDepth = 1024;
constexpr std::size_t kMaxMembers = 256;

// Members that steer the answer and never reach the prompt.
constexpr std::array<std::string_view, 23> kNoPrompt{"model",
                                                     "max_tokens",
                                                     "max_completion_tokens",
                                                     "n",
                                                     "best_of",
                                                     "stream",
                                                     "stream_options",
                                                     "temperature",
                                                     "top_p",
                                                     "seed",
                                                     "user",
                                                     "logprobs",
                                                     "top_logprobs",
                                                     "frequency_penalty",
                                                     "presence_penalty",
                                                     "logit_bias",
                                                     "store",
                                                     "parallel_tool_calls",
                                                     "service_tier",
                                                     "encoding_format",
                                                     "dimensions",
                                                     "safety_identifier",
                                                     "prompt_cache_key"};

Result<std::uint64_t> whole(std::string_view key, std::string_view raw, std::uint64_t low, std::uint64_t high) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
  if (error != std::errc{} || end != raw.data() + raw.size() || value < low || value > high) {
    return invalid_argument(std::string(key) + ": must be a whole number from " + std::to_string(low) + " to " +
                            std::to_string(high));
  }
  return value;
}

Result<bool> truth(std::string_view key, std::string_view raw) {
  if (raw == "true") return true;
  if (raw == "false") return false;
  return invalid_argument(std::string(key) + ": must be true or false");
}

bool is_empty(std::string_view raw) { return raw.empty() || raw == "null" || raw == "[]" || raw == "{}"; }

class Reader {
 public:
  Reader(ModelApi api, ModelRequest& out) : api_(api), out_(out) {}

  // The value is well-formed; null counts as absent.
  Result<void> member(std::string_view key, std::string_view raw) {
    if (raw == "null") return {};
    if (std::ranges::find(kNoPrompt, key) == kNoPrompt.end()) out_.prompt_tokens_max += text_bytes(raw);
    if (key == "model") return model(raw);
    if (key == "max_tokens" || key == "max_completion_tokens") return limit(key, raw);
    if (key == "n" || key == "best_of") return copies(key, raw);
    if (key == "stream") return truth(key, raw).map([this](bool on) { out_.stream = on; });
    if (key == "stream_options") return stream_options(raw);
    if (key == "messages" && api_ == ModelApi::kChat) return messages(raw);
    if (key == "prompt" && api_ == ModelApi::kCompletions) prompts_ = prompt_count(raw);
    if (key == "input" && api_ == ModelApi::kEmbeddings) has_input_ = true;
    if ((key == "tools" || key == "functions") && !is_empty(raw)) out_.prompt_tokens_max += kTokensForTools;
    if (key == "prediction") out_.extra_output += text_bytes(raw);
    costly(key, raw);
    return {};
  }

  Result<void> finish() {
    if (out_.model.empty()) return invalid_argument("model: is missing");
    if (api_ == ModelApi::kChat && !has_messages_) return invalid_argument("messages: is missing");
    if (api_ == ModelApi::kEmbeddings && !has_input_) return invalid_argument("input: is missing");
    out_.prompt_tokens_max += kTokensPerRequest;
    if (api_ == ModelApi::kEmbeddings) {
      out_.answers = 0;
      out_.stream = false;
      return {};
    }
    out_.answers = prompts_ * copies_;
    if (out_.answers > kMaxAnswers) {
      return invalid_argument("n: asks for more than " + std::to_string(kMaxAnswers) + " answers");
    }
    return {};
  }

 private:
  Result<void> model(std::string_view raw) {
    if (raw.front() != '"') return invalid_argument("model: must be a text");
    out_.model = raw_string(raw);
    if (out_.model.empty() || out_.model.size() > kMaxModelName) {
      return invalid_argument("model: must have 1 to " + std::to_string(kMaxModelName) + " bytes");
    }
    return {};
  }

  Result<void> limit(std::string_view key, std::string_view raw) {
    if (api_ == ModelApi::kEmbeddings) return {};
    const auto value = whole(key, raw, 1, kMaxOutputTokens);
    if (!value) return tl::unexpected(value.error());
    // Where both are given nobody knows which one the upstream obeys.
    out_.max_output = std::max(out_.max_output.value_or(0), *value);
    return {};
  }

  Result<void> copies(std::string_view key, std::string_view raw) {
    if (api_ == ModelApi::kEmbeddings) return {};
    const auto value = whole(key, raw, 1, kMaxAnswers);
    if (!value) return tl::unexpected(value.error());
    copies_ = std::max(copies_, *value);
    return {};
  }

  Result<void> stream_options(std::string_view raw) {
    if (raw.front() != '{') return invalid_argument("stream_options: must be an object");
    for (MemberCursor at(raw); at.next();) {
      if (at.key() != "include_usage" || at.value() == "null") continue;
      const auto on = truth("stream_options.include_usage", at.value());
      if (!on) return tl::unexpected(on.error());
      out_.usage_asked = *on;
    }
    return {};
  }

  Result<void> messages(std::string_view raw) {
    if (raw.front() != '[') return invalid_argument("messages: must be an array");
    has_messages_ = true;
    std::uint64_t count = 0;
    each_element(raw, [&](std::string_view message) {
      for (MemberCursor at(message); at.next();) {
        if (at.key() == "content") parts(count, at.value());
        if (at.key() == "audio" && at.value() != "null") name_unbounded("messages", count, "audio");
      }
      ++count;
      return true;
    });
    out_.prompt_tokens_max += kTokensPerMessage * count;
    return {};
  }

  void parts(std::uint64_t message, std::string_view content) {
    each_element(content, [&](std::string_view part) {
      const std::string type = raw_string(raw_member(part, "type"));
      const bool text = type == "text" || type == "refusal" || type == "thinking";
      if (!text) name_unbounded("messages", message, type.empty() ? "a part without a type" : type);
      return text;
    });
  }

  void name_unbounded(std::string_view list, std::uint64_t index, std::string_view what) {
    if (!out_.unbounded.empty()) return;
    out_.unbounded.append(list).append("[").append(std::to_string(index)).append("]: ");
    out_.unbounded += utf8_prefix(what, 64);
  }

  // What is paid for beside tokens, or at other prices.
  void costly(std::string_view key, std::string_view raw) {
    if (!out_.unbounded.empty()) return;
    const bool audio = key == "audio" || (key == "modalities" && raw.find("audio") != std::string_view::npos);
    const bool dearer = key == "service_tier" && raw != R"("auto")" && raw != R"("default")" && raw != R"("flex")";
    if (audio || dearer || key == "web_search_options") out_.unbounded = key;
  }

  // "a", [1, 2, 3] are one prompt; ["a", "b"], [[1], [2]] are two.
  static std::uint64_t prompt_count(std::string_view raw) {
    std::uint64_t count = 0;
    bool tokens = false;
    each_element(raw, [&](std::string_view element) {
      tokens = element.front() != '"' && element.front() != '[';
      ++count;
      return !tokens;
    });
    return tokens ? 1 : std::max<std::uint64_t>(count, 1);
  }

  ModelApi api_;
  ModelRequest& out_;
  std::uint64_t prompts_ = 1, copies_ = 1;
  bool has_messages_ = false, has_input_ = false;
};

}  // namespace

std::string_view name_of(ModelApi api) {
  switch (api) {
    case ModelApi::kChat: return "chat/completions";
    case ModelApi::kCompletions: return "completions";
    case ModelApi::kEmbeddings: return "embeddings";
  }
  return "";
}

std::uint64_t text_bytes(std::string_view raw) {
  std::uint64_t bytes = raw.size();
  for (std::size_t at = raw.find('\\'); at < raw.size(); at = raw.find('\\', at)) {
    // \uXXXX is at most three bytes of UTF-8, a pair of them four; any other escape is one.
    const bool unicode = at + 5 < raw.size() && raw[at + 1] == 'u';
    bytes -= unicode ? 3 : 1;
    at += unicode ? 6 : 2;
  }
  return bytes;
}

std::size_t value_length(std::string_view text) {
  JsonScanner scan(text, kAnyDepth);
  return scan.value(1, false) ? scan.position() : 0;
}

Result<ModelRequest> read_model_request(ModelApi api, std::string_view body, const RequestLimits& limits) {
  if (body.size() > limits.bytes) return invalid_argument("the request is larger than limits.body");
  if (!is_utf8(body)) return invalid_argument("the request is no UTF-8");
  std::vector<std::pair<std::string_view, std::string_view>> members;
  JsonScanner scan(body, limits.depth);
  scan.space();
  if (scan.peek() != '{') return invalid_argument("the request must be a JSON object");
  const bool good = scan.object(1, true, [&](std::string_view key) {
    const std::size_t begin = scan.position();
    // Duplicates are refused in objects that we read ourselves; below others they are text for the upstream.
    const bool ours = key == "stream_options" || key == "messages";
    if (members.size() == kMaxMembers) return scan.refuse(kInvalidRequest, "the request has too many members");
    if (!scan.value(2, ours)) return false;
    members.emplace_back(key, scan.since(begin));
    return true;
  });
  if (!good || !scan.at_end()) {
    return invalid_argument(scan.problem().empty() ? "something stands after the request's object" : scan.problem());
  }
  // Only now: the reader scans on its own, and one scan at a time owns the thread's scratch space.
  ModelRequest out;
  Reader reader(api, out);
  Result<void> told;
  for (std::size_t i = 0; told && i < members.size(); ++i) told = reader.member(members[i].first, members[i].second);
  if (told) told = reader.finish();
  if (!told) return tl::unexpected(told.error());
  return out;
}

std::string outgoing_body(ModelApi api, std::string_view body, const ModelRequest& request, const Outgoing& outgoing) {
  std::string out(body);
  if (outgoing.model != request.model) out = with_member(out, "model", json_string(outgoing.model));
  if (api == ModelApi::kEmbeddings) return out;
  if (!request.max_output) {
    const bool modern = api == ModelApi::kChat && outgoing.max_completion_tokens;
    out = with_member(out, modern ? "max_completion_tokens" : "max_tokens", std::to_string(outgoing.max_output));
  }
  if (request.stream && !request.usage_asked) {
    const std::string_view options = member(out, "stream_options");
    out = with_member(out, "stream_options",
                      with_member(options.starts_with('{') ? options : "{}", "include_usage", "true"));
  }
  return out;
}

}  // namespace bursar::broker
