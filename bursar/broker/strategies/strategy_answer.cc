#include "bursar/broker/strategies/strategy_answer.h"

#include <algorithm>

#include "bursar/broker/models/model_answer.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

using boost::json::object;

constexpr std::size_t kPiece = 64;  // bytes of one event's text

object frame(const StrategyAnswer& answer, std::string_view kind) {
  return {{"id", answer.id},
          {"object", kind},
          {"created", std::chrono::duration_cast<std::chrono::seconds>(answer.at.time_since_epoch()).count()},
          {"model", std::string(kStrategyPrefix) + std::string(answer.strategy)}};
}

object usage_of(const plan::JobResult& result) {
  return {{"prompt_tokens", result.prompt_tokens},
          {"completion_tokens", result.completion_tokens},
          {"total_tokens", result.prompt_tokens + result.completion_tokens}};
}

object own_part(const StrategyAnswer& answer) {
  const plan::JobResult& result = *answer.result;
  object out{{"strategy", answer.strategy},
             {"ended", name_of(result.end)},
             {"calls", result.launched},
             {"refused", result.refused},
             {"failed", result.failed},
             {"cost", cost_text(result.cost)},
             {"certainty", result.answer->certainty}};
  if (!result.why.empty()) out["why"] = result.why;
  if (answer.trace != nullptr) out["trace"] = *answer.trace;
  if (answer.job != nullptr) out["job"] = *answer.job;
  return out;
}

std::string_view finish_of(const plan::JobResult& result) {
  return result.end == plan::JobEnd::kAnswered ? "stop" : "length";
}

// The own message of the action that answered, which may call tools, or one that says the text.
object message_of(const StrategyAnswer& answer) {
  if (!answer.message.empty()) {
    if (auto message = parse_json(answer.message, {.max_bytes = answer.message.size()});
        message && message->is_object()) {
      return std::move(message->get_object());
    }
  }
  return {{"role", "assistant"}, {"content", answer.result->answer->text}};
}

std::string event(object chunk, object delta, const char* finish) {
  object choice{{"index", 0}, {"delta", std::move(delta)}};
  if (finish == nullptr)
    choice["finish_reason"] = nullptr;
  else
    choice["finish_reason"] = finish;
  chunk["choices"].emplace_array().push_back(std::move(choice));
  return "data: " + to_json(chunk) + "\n\n";
}

}  // namespace

std::string whole_answer(const StrategyAnswer& answer) {
  object body = frame(answer, "chat.completion");
  object message = message_of(answer);
  const bool calls_tools = message.contains("tool_calls");
  body["choices"].emplace_array().push_back(
      object{{"index", 0},
             {"message", std::move(message)},
             {"finish_reason", calls_tools ? "tool_calls" : finish_of(*answer.result)}});
  body["usage"] = usage_of(*answer.result);
  body["bursar"] = own_part(answer);
  return to_json(body);
}

std::vector<std::string> streamed_answer(const StrategyAnswer& answer, bool usage_asked) {
  const object chunk = frame(answer, "chat.completion.chunk");
  std::vector<std::string> out{event(chunk, {{"role", "assistant"}, {"content", ""}}, nullptr)};
  const object message = message_of(answer);
  const auto* calls = message.if_contains("tool_calls");
  if (calls != nullptr && calls->is_array()) {
    boost::json::array indexed = calls->get_array();
    for (std::size_t i = 0; i < indexed.size(); ++i) indexed[i].as_object()["index"] = i;
    out.push_back(event(chunk, {{"tool_calls", std::move(indexed)}}, nullptr));
  }
  std::string_view rest = answer.result->answer->text;
  while (!rest.empty()) {
    std::size_t bytes = std::min(kPiece, rest.size());
    while (bytes < rest.size() && (static_cast<unsigned char>(rest[bytes]) & 0xC0U) == 0x80U) ++bytes;
    out.push_back(event(chunk, {{"content", rest.substr(0, bytes)}}, nullptr));
    rest.remove_prefix(bytes);
  }
  object last = chunk;
  last["bursar"] = own_part(answer);
  out.push_back(event(std::move(last), {}, calls != nullptr ? "tool_calls" : finish_of(*answer.result).data()));
  if (usage_asked) {
    object usage = chunk;
    usage["choices"].emplace_array();
    usage["usage"] = usage_of(*answer.result);
    out.push_back("data: " + to_json(usage) + "\n\n");
  }
  out.emplace_back("data: [DONE]\n\n");
  return out;
}

}  // namespace bursar::broker
