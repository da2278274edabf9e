#include "bursar/cli/plan/simulated_calls.h"

#include "bursar/sample/hashed_ngrams.h"
#include "bursar/simulate/world.h"

namespace bursar::cli {
namespace {

Amounts amounts(std::int64_t tokens) {
  Amounts out;
  (void)out.set(kTokens, tokens);  // two resources fit
  (void)out.set(kCalls, 1);
  return out;
}

// A gateway's name for a model has its upstream before it.
std::string own_name(const std::string& model) { return model.substr(model.rfind('/') + 1); }

}  // namespace

void SimulatedCalls::run(plan::Executor& executor) {
  while (!executor.finished() && !waiting_.empty()) {
    const plan::Action action = waiting_.front();
    waiting_.pop_front();
    plan::Observation seen = perform(action);
    now_ += seen.took;
    executor.ended(std::move(seen), now_);
    for (; !cancelled_.empty(); cancelled_.pop_back()) {
      executor.ended({.action = cancelled_.back(), .end = plan::ActionEnd::kCancelled, .text = {}}, now_);
    }
  }
}

Result<Amounts> SimulatedCalls::bound(const plan::Action& action) {
  const auto* ask = std::get_if<plan::ModelAsk>(&action.ask);
  return amounts(ask == nullptr ? 0 : simulate::prompt_tokens(messages_of(*ask)) + ask->max_tokens);
}

void SimulatedCalls::cancel(std::uint64_t action) {
  std::erase_if(waiting_, [&](const plan::Action& a) { return a.id == action; });
  cancelled_.push_back(action);
}

std::vector<simulate::ChatMessage> SimulatedCalls::messages_of(const plan::ModelAsk& ask) const {
  if (ask.messages.empty()) return question_;
  std::vector<simulate::ChatMessage> out;
  out.reserve(ask.messages.size());
  for (const plan::Message& message : ask.messages) out.push_back({message.role, message.content});
  return out;
}

plan::Observation SimulatedCalls::perform(const plan::Action& action) {
  if (const auto* tool = std::get_if<plan::ToolAsk>(&action.ask)) {
    std::string query;
    for (const auto& member : tool->arguments) {
      if (member.value().is_string()) query += std::string(member.value().get_string()) + " ";
    }
    return {.action = action.id, .text = simulate::search(seed_, query), .cost = amounts(0)};
  }
  if (const auto* embed = std::get_if<plan::EmbedAsk>(&action.ask)) {
    plan::Observation seen{.action = action.id, .text = {}, .cost = amounts(0)};
    for (const std::string& text : embed->texts) seen.vectors.push_back(sample::embed_ngrams(text));
    return seen;
  }
  const auto& ask = std::get<plan::ModelAsk>(action.ask);
  const auto reply = model_.chat({.model = own_name(ask.model),
                                  .messages = messages_of(ask),
                                  .max_tokens = ask.max_tokens,
                                  .temperature = ask.temperature,
                                  .seed = action.seed,
                                  .stop = ask.stop,
                                  .logprobs = ask.top_logprobs > 0,
                                  .top_logprobs = static_cast<std::size_t>(ask.top_logprobs)});
  if (!reply) return {.action = action.id, .end = plan::ActionEnd::kFailed, .text = {}, .why = reply.error().message};
  const simulate::ChatChoice& choice = reply->choices.front();
  plan::Observation seen{.action = action.id, .text = choice.text, .finish = choice.cut ? "length" : "stop"};
  seen.prompt_tokens = reply->usage.prompt_tokens;
  seen.completion_tokens = reply->usage.completion_tokens;
  seen.cost = amounts(seen.prompt_tokens + seen.completion_tokens);
  const double ms = reply->first_token_ms + reply->token_ms * static_cast<double>(seen.completion_tokens);
  seen.took = Duration(static_cast<std::int64_t>(ms * 1000));
  if (!choice.probabilities.empty()) {
    for (const auto& [token, logprob] : choice.probabilities.front().top) seen.first_token.push_back({token, logprob});
  }
  return seen;
}

}  // namespace bursar::cli
