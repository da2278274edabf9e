#include "bursar/cli/sim_model/completion_json.h"

#include <algorithm>
#include <boost/json/value.hpp>
#include <charconv>

#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

using simulate::ChatChoice;
using simulate::ChatRequest;
using simulate::TokenProbability;

constexpr std::size_t kMostMessages = 4096;
constexpr std::int64_t kMostTokens = 10'000'000;

// A message's content: text, null, or parts that are text.
Result<std::string> content_of(const JsonView& message) {
  auto content = message.find("content");
  if (!content) return tl::unexpected(content.error());
  if (!*content || (*content)->value().is_null()) return std::string();
  if ((*content)->value().is_string()) return std::string(*(*content)->as_string());
  auto count = (*content)->array_size(kMostMessages);
  if (!count) return tl::unexpected(count.error());
  std::string text;
  for (std::size_t i = 0; i < *count; ++i) {
    auto part = (*content)->element(i).and_then([](const JsonView& p) { return p.string_at("text"); });
    if (!part) return tl::unexpected(with_context("only text is simulated", part.error()));
    text += *part;
  }
  return text;
}

Result<void> read_messages(const JsonView& root, ChatRequest& request) {
  auto messages = root.at("messages");
  if (!messages) return tl::unexpected(messages.error());
  auto count = messages->array_size(kMostMessages);
  if (!count) return tl::unexpected(count.error());
  for (std::size_t i = 0; i < *count; ++i) {
    auto message = messages->element(i);
    if (!message) return tl::unexpected(message.error());
    auto role = message->string_at("role", 64);
    if (!role) return tl::unexpected(role.error());
    auto content = content_of(*message);
    if (!content) return tl::unexpected(content.error());
    request.messages.push_back({std::string(*role), std::move(*content)});
  }
  return {};
}

Result<void> read_prompt(const JsonView& root, ChatRequest& request) {
  auto prompt = root.string_at("prompt");
  if (!prompt) return tl::unexpected(prompt.error());
  request.messages.push_back({"user", std::string(*prompt)});
  return {};
}

// A member that is there and not null.
Result<std::optional<JsonView>> given(const JsonView& root, std::string_view key) {
  auto found = root.find(key);
  if (found && *found && (*found)->value().is_null()) return std::optional<JsonView>();
  return found;
}

template <class Value, class Read>
Result<void> read(const JsonView& root, std::string_view key, Value& into, Read as) {
  auto found = given(root, key);
  if (!found) return tl::unexpected(found.error());
  if (!*found) return {};
  auto value = as(**found);
  if (!value) return tl::unexpected(value.error());
  into = static_cast<Value>(*value);
  return {};
}

auto whole(std::int64_t low, std::int64_t high) {
  return [low, high](const JsonView& v) { return v.as_int(low, high); };
}
constexpr auto kTruth = [](const JsonView& v) { return v.as_bool(); };

Result<void> read_stop(const JsonView& root, ChatRequest& request) {
  auto stop = given(root, "stop");
  if (!stop) return tl::unexpected(stop.error());
  if (!*stop) return {};
  if ((*stop)->value().is_string()) {
    request.stop.emplace_back(*(*stop)->as_string());
    return {};
  }
  auto count = (*stop)->array_size(16);
  if (!count) return tl::unexpected(count.error());
  for (std::size_t i = 0; i < *count; ++i) {
    auto text = (*stop)->element(i).and_then([](const JsonView& v) { return v.as_string(); });
    if (!text) return tl::unexpected(text.error());
    request.stop.emplace_back(*text);
  }
  return {};
}

Result<void> read_limits(const JsonView& root, CompletionForm form, ChatRequest& request) {
  std::int64_t most = 0;
  for (const char* key : {"max_tokens", "max_completion_tokens"}) {
    if (auto ok = read(root, key, most, whole(1, kMostTokens)); !ok) return ok;
  }
  if (most > 0) request.max_tokens = most;
  std::int64_t seed = 0;
  if (auto ok = read(root, "seed", seed, whole(INT64_MIN, INT64_MAX)); !ok) return ok;
  if (auto set = given(root, "seed"); set && *set) request.seed = static_cast<std::uint64_t>(seed);
  if (auto ok = read(root, "n", request.n, whole(1, 128)); !ok) return ok;
  if (auto ok = read(root, "temperature", request.temperature, [](const JsonView& v) { return v.as_double(0, 2); });
      !ok)
    return ok;
  if (form == CompletionForm::kChat) {
    if (auto ok = read(root, "logprobs", request.logprobs, kTruth); !ok) return ok;
    return read(root, "top_logprobs", request.top_logprobs, whole(0, 20));
  }
  auto logprobs = given(root, "logprobs");
  request.logprobs = logprobs && *logprobs;
  return read(root, "logprobs", request.top_logprobs, whole(0, 20));
}

std::string decimal(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

std::string bytes_of(std::string_view token) {
  std::string out = "[";
  for (const char c : token) out += (out.size() > 1 ? "," : "") + std::to_string(static_cast<unsigned char>(c));
  return out + "]";
}

std::string one_probability(std::string_view token, double logprob) {
  return "{\"token\":" + json_string(token) + ",\"logprob\":" + decimal(logprob) + ",\"bytes\":" + bytes_of(token);
}

std::string chat_probability(const TokenProbability& at) {
  std::string out = one_probability(at.token, at.logprob) + ",\"top_logprobs\":[";
  for (const auto& [token, logprob] : at.top)
    out += (out.ends_with('[') ? "" : ",") + one_probability(token, logprob) + "}";
  return out + "]}";
}

// Of the tokens [from, to) of a choice.
std::string probabilities_json(const CompletionRequest& asked, const ChatChoice& choice, std::size_t from,
                               std::size_t to) {
  if (choice.probabilities.empty()) return "null";
  if (asked.form == CompletionForm::kChat) {
    std::string out = "{\"content\":[";
    for (std::size_t i = from; i < to; ++i) out += (i > from ? "," : "") + chat_probability(choice.probabilities[i]);
    return out + "],\"refusal\":null}";
  }
  std::string tokens, logprobs, top;
  for (std::size_t i = from; i < to; ++i) {
    const TokenProbability& at = choice.probabilities[i];
    const char* comma = i > from ? "," : "";
    tokens += comma + json_string(at.token);
    logprobs += comma + decimal(at.logprob);
    top += std::string(comma) + "{";
    for (const auto& [token, logprob] : at.top)
      top += (top.ends_with('{') ? "" : ",") + json_string(token) + ":" + decimal(logprob);
    top += '}';
  }
  return "{\"tokens\":[" + tokens + "],\"token_logprobs\":[" + logprobs + "],\"top_logprobs\":[" + top + "]}";
}

std::string usage_json(const simulate::TokenCounts& usage) {
  return "{\"prompt_tokens\":" + std::to_string(usage.prompt_tokens) +
         ",\"completion_tokens\":" + std::to_string(usage.completion_tokens) +
         ",\"total_tokens\":" + std::to_string(usage.prompt_tokens + usage.completion_tokens) + "}";
}

std::string head(const CompletionRequest& asked, const AnswerLabels& labels, bool chunk) {
  const std::string object = asked.form == CompletionForm::kText ? "text_completion"
                             : chunk                             ? "chat.completion.chunk"
                                                                 : "chat.completion";
  return "{\"id\":" + json_string(labels.id) + ",\"object\":\"" + object +
         "\",\"created\":" + std::to_string(labels.created) + ",\"model\":" + json_string(asked.request.model) +
         ",\"system_fingerprint\":\"simulated-" + std::to_string(labels.seed) + "\"";
}

std::string finish_of(const ChatChoice& choice) { return choice.cut ? "\"length\"" : "\"stop\""; }

}  // namespace

Result<CompletionRequest> read_completion(std::string_view body, CompletionForm form) {
  auto document = parse_json(body);
  if (!document) return tl::unexpected(document.error());
  const JsonView root(*document);
  CompletionRequest asked{.form = form};
  auto model = root.string_at("model", 256);
  if (!model) return tl::unexpected(model.error());
  asked.request.model = *model;
  auto text = form == CompletionForm::kChat ? read_messages(root, asked.request) : read_prompt(root, asked.request);
  if (!text) return tl::unexpected(text.error());
  if (auto ok = read_limits(root, form, asked.request); !ok) return tl::unexpected(ok.error());
  if (auto ok = read_stop(root, asked.request); !ok) return tl::unexpected(ok.error());
  if (auto ok = read(root, "stream", asked.stream, kTruth); !ok) return tl::unexpected(ok.error());
  auto options = given(root, "stream_options");
  if (!options) return tl::unexpected(options.error());
  if (*options) {
    if (auto ok = read(**options, "include_usage", asked.include_usage, kTruth); !ok) return tl::unexpected(ok.error());
  }
  return asked;
}

std::string whole_answer(const CompletionRequest& asked, const simulate::ChatReply& reply, const AnswerLabels& labels) {
  std::string out = head(asked, labels, false) + ",\"choices\":[";
  for (std::size_t i = 0; i < reply.choices.size(); ++i) {
    const ChatChoice& choice = reply.choices[i];
    if (i > 0) out += ',';
    out += "{\"index\":" + std::to_string(i);
    if (asked.form == CompletionForm::kChat) {
      out += ",\"message\":{\"role\":\"assistant\",\"content\":" + json_string(choice.text) + ",\"refusal\":null}";
    } else {
      out += ",\"text\":" + json_string(choice.text);
    }
    out += ",\"logprobs\":" + probabilities_json(asked, choice, 0, choice.tokens.size());
    out += ",\"finish_reason\":" + finish_of(choice) + "}";
  }
  return out + "],\"usage\":" + usage_json(reply.usage) + "}";
}

std::vector<StreamEvent> stream_events(const CompletionRequest& asked, const simulate::ChatReply& reply,
                                       const AnswerLabels& labels) {
  const bool chat = asked.form == CompletionForm::kChat;
  const std::string begin = "data: " + head(asked, labels, true) + ",\"choices\":[";
  const std::string usage = asked.include_usage ? ",\"usage\":null}\n\n" : "}\n\n";
  std::vector<StreamEvent> events;
  const auto add = [&](std::size_t index, const std::string& what, const std::string& logprobs,
                       const std::string& finish, std::int64_t tokens) {
    events.push_back({begin + "{\"index\":" + std::to_string(index) + "," + what + ",\"logprobs\":" + logprobs +
                          ",\"finish_reason\":" + finish + "}]" + usage,
                      tokens});
  };
  for (std::size_t i = 0; i < reply.choices.size(); ++i) {
    const ChatChoice& choice = reply.choices[i];
    if (chat) add(i, "\"delta\":{\"role\":\"assistant\",\"content\":\"\"}", "null", "null", 0);
    for (std::size_t t = 0; t < choice.tokens.size(); ++t) {
      const std::string text = json_string(choice.tokens[t]);
      add(i, chat ? "\"delta\":{\"content\":" + text + "}" : "\"text\":" + text,
          probabilities_json(asked, choice, t, t + 1), "null", 1);
    }
    add(i, chat ? "\"delta\":{}" : "\"text\":\"\"", "null", finish_of(choice), 0);
  }
  if (asked.include_usage) events.push_back({begin + "],\"usage\":" + usage_json(reply.usage) + "}\n\n", 0});
  events.push_back({"data: [DONE]\n\n", 0});
  return events;
}

std::string error_body(std::string_view message, std::string_view type, std::string_view param) {
  return "{\"error\":{\"message\":" + json_string(message) + ",\"type\":" + json_string(type) +
         ",\"param\":" + (param.empty() ? "null" : json_string(param)) + ",\"code\":null}}";
}

}  // namespace bursar::cli
