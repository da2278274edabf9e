#include "bursar/simulate/model.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "bursar/simulate/profile.h"
#include "bursar/simulate/prose.h"
#include "bursar/simulate/tasks.h"
#include "bursar/simulate/tokens.h"

namespace bursar::simulate {
namespace {

constexpr std::size_t kMostChoices = 128, kMostStops = 16, kMostTop = 20, kMostBytes = 4 << 20;
constexpr std::size_t kMostSeen = 1 << 20;  // requests that are remembered; past it, counting begins anew
constexpr std::int64_t kTokensAMessage = 3, kTokensARequest = 3;

Result<void> check(const ChatRequest& request) {
  if (request.messages.empty()) return invalid_argument("messages: at least one is needed");
  std::size_t bytes = 0;
  for (const ChatMessage& message : request.messages) bytes += message.content.size();
  if (bytes > kMostBytes) return invalid_argument("messages: more than 4 MiB of text");
  if (request.max_tokens && *request.max_tokens < 1)
    return invalid_argument("max_tokens: must be at least 1, is " + std::to_string(*request.max_tokens));
  if (!(request.temperature >= 0 && request.temperature <= 2))
    return invalid_argument("temperature: must be from 0 to 2, is " + std::to_string(request.temperature));
  if (request.n < 1 || request.n > kMostChoices)
    return invalid_argument("n: must be from 1 to 128, is " + std::to_string(request.n));
  if (request.stop.size() > kMostStops || std::ranges::any_of(request.stop, &std::string::empty))
    return invalid_argument("stop: at most 16 sequences, none of them empty");
  if (request.top_logprobs > kMostTop)
    return invalid_argument("top_logprobs: must be from 0 to 20, is " + std::to_string(request.top_logprobs));
  return {};
}

// The token that begins `text`.
std::string first_token(std::string_view text) {
  const auto tokens = tokens_of(text);
  return tokens.empty() ? std::string() : std::string(tokens.front());
}

using Alternatives = std::vector<std::pair<std::string, double>>;  // tokens and probabilities

// At the beginning of a line of reasoning: the end of it, or another sentence.
Alternatives line_starts(const Draft& draft, std::size_t written) {
  const double progress = static_cast<double>(draft.begun + written) / std::max(draft.mean_reasoning, 1.);
  const double end = .01 + .5 / (1 + std::exp(-(progress - 1.1) / .12));
  Alternatives out{{draft.ending, end}};
  for (const std::string_view opening : openings())
    out.emplace_back(opening, (1 - end) / static_cast<double>(openings().size()));
  return out;
}

// The candidates' first tokens and their probabilities together, where several begin alike.
Alternatives first_tokens(const Draft& draft) {
  Alternatives tokens;
  for (const auto& [text, p] : draft.candidates) {
    const std::string token = first_token(text);
    const auto found = std::ranges::find(tokens, token, &std::pair<std::string, double>::first);
    if (found == tokens.end()) {
      tokens.emplace_back(token, p);
    } else {
      found->second += p;
    }
  }
  return tokens;
}

void add_rivals(TokenProbability& at, double left, std::size_t most, RandomStream& draw) {
  // Each takes half of what is left, so that all together stay below 1.
  while (at.top.size() < most && left > 1e-9) {
    std::string token = " " + std::string(any_word(draw));
    if (std::ranges::find(at.top, token, &std::pair<std::string, double>::first) != at.top.end())
      token += std::to_string(at.top.size());
    left /= 2;
    at.top.emplace_back(std::move(token), std::log(left));
  }
}

std::vector<TokenProbability> probabilities_of(const std::vector<std::string>& tokens, const Draft& draft,
                                               std::size_t top, RandomStream draw) {
  std::vector<TokenProbability> out;
  std::size_t at = 0;
  bool line_begins = draft.line_begins;
  for (const std::string& token : tokens) {
    RandomStream own = draw.split(at);
    TokenProbability entry{.token = token, .logprob = std::log(own.uniform(.55, .999)), .top = {}};
    Alternatives known;
    if (at == draft.decisive) known = first_tokens(draft);
    if (at < draft.decisive && line_begins && !draft.ending.empty()) known = line_starts(draft, out.size());
    double left = 1;
    for (const auto& [rival, p] : known) {
      const double logprob = std::log(std::clamp(p, 1e-12, 1 - 1e-9));
      if (rival == token) entry.logprob = logprob;
      if (rival != token && top > 0) entry.top.emplace_back(rival, logprob);
      left -= p;
    }
    if (known.empty()) left = 1 - std::exp(entry.logprob);
    if (top > 0) entry.top.emplace_back(token, entry.logprob);
    add_rivals(entry, std::max(0., left), top, own);
    line_begins = token.ends_with('\n');
    std::ranges::stable_sort(entry.top, std::ranges::greater{}, &std::pair<std::string, double>::second);
    if (entry.top.size() > top) entry.top.resize(top);
    at += token.size();
    out.push_back(std::move(entry));
  }
  return out;
}

ChatChoice choice_of(const Draft& draft, const ChatRequest& request, const RandomStream& draw) {
  std::string_view text = draft.text;
  for (const std::string& stop : request.stop) text = text.substr(0, text.find(stop));
  ChatChoice choice;
  auto tokens = tokens_of(text);
  if (request.max_tokens && tokens.size() > static_cast<std::size_t>(*request.max_tokens)) {
    tokens.resize(static_cast<std::size_t>(*request.max_tokens));
    choice.cut = true;
  }
  choice.tokens.assign(tokens.begin(), tokens.end());
  for (const std::string& token : choice.tokens) choice.text += token;
  if (request.logprobs)
    choice.probabilities = probabilities_of(choice.tokens, draft, request.top_logprobs, draw.split("probabilities"));
  return choice;
}

}  // namespace

std::int64_t prompt_tokens(const std::vector<ChatMessage>& messages) {
  std::int64_t tokens = kTokensARequest;
  for (const ChatMessage& message : messages)
    tokens += kTokensAMessage + static_cast<std::int64_t>(count_tokens(message.content));
  return tokens;
}

RandomStream SimulatedModel::stream_of(const ChatRequest& request) {
  // A label before each text says how long it is, so that no two lists of messages give one path.
  RandomStream stream = RandomStream(seed_).split("chat").split(request.model);
  for (const ChatMessage& message : request.messages) {
    stream = stream.split(message.role.size()).split(message.role);
    stream = stream.split(message.content.size()).split(message.content);
  }
  stream = stream.split("temperature").split(static_cast<std::uint64_t>(std::llround(request.temperature * 1e6)));
  if (request.seed) return stream.split("seed").split(*request.seed);
  if (request.temperature == 0) return stream;
  if (seen_.size() >= kMostSeen) seen_.clear();
  return stream.split("count").split(seen_[RandomStream(stream)()]++);
}

Result<ChatReply> SimulatedModel::chat(const ChatRequest& request) {
  if (auto ok = check(request); !ok) return tl::unexpected(ok.error());
  const Prompt prompt = read_prompt(request.messages);
  const Profile& profile = profile_of(request.model);
  const Situation situation{.seed = seed_, .prompt = prompt, .profile = profile, .temperature = request.temperature};
  const RandomStream stream = stream_of(request);
  ChatReply reply;
  reply.usage.prompt_tokens = prompt_tokens(request.messages);
  for (std::size_t i = 0; i < request.n; ++i) {
    const RandomStream own = stream.split("choice").split(i);
    reply.choices.push_back(choice_of(draft_reply(situation, own.split("text")), request, own));
    reply.usage.completion_tokens += static_cast<std::int64_t>(reply.choices.back().tokens.size());
  }
  RandomStream latency = stream.split("latency");
  reply.first_token_ms = profile.first_token_ms * std::exp(.3 * latency.normal());
  reply.token_ms = profile.token_ms * std::exp(.2 * latency.normal());
  return reply;
}

}  // namespace bursar::simulate
