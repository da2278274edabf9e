#include "bursar/broker/strategies/inner_call.h"

#include <algorithm>
#include <boost/json/value_to.hpp>

#include "bursar/broker/mcp/message.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

using boost::json::object;
using boost::json::value;

const object* member_object(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  return found == nullptr ? nullptr : found->if_object();
}

std::string member_text(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

const object* first_choice(const value& document) {
  const auto* body = document.if_object();
  const auto* choices = body == nullptr ? nullptr : body->if_contains("choices");
  const auto* list = choices == nullptr ? nullptr : choices->if_array();
  return list == nullptr || list->empty() ? nullptr : list->front().if_object();
}

// The logprobs of a chat choice: of its tokens, and the alternatives of the first.
void read_logprobs(const object& choice, plan::Observation& seen) {
  const auto* logprobs = member_object(choice, "logprobs");
  const auto* content = logprobs == nullptr ? nullptr : logprobs->if_contains("content");
  const auto* tokens = content == nullptr ? nullptr : content->if_array();
  if (tokens == nullptr || tokens->empty()) return;
  const auto chance = [](const value& token) -> std::optional<plan::TokenChance> {
    const auto* entry = token.if_object();
    const auto* logprob = entry == nullptr ? nullptr : entry->if_contains("logprob");
    if (logprob == nullptr || !logprob->is_number()) return std::nullopt;
    return plan::TokenChance{member_text(*entry, "token"), logprob->to_number<double>()};
  };
  double sum = 0;
  for (const value& token : *tokens) {
    const auto read = chance(token);
    if (!read) return;
    sum += read->logprob;
  }
  seen.mean_logprob = sum / static_cast<double>(tokens->size());
  const auto* first = tokens->front().if_object();
  const auto* top = first == nullptr ? nullptr : first->if_contains("top_logprobs");
  if (top == nullptr || !top->is_array()) return;
  for (const value& token : top->get_array()) {
    if (auto read = chance(token)) seen.first_token.push_back(std::move(*read));
  }
}

// Whether asking cost nothing because somebody said no: a budget, a policy, a limit.
bool refused(int status) { return status == 402 || status == 403 || status == 404 || status == 429; }

bool good(const InnerAnswer& answer) { return answer.response.status >= 200 && answer.response.status < 300; }

plan::Observation not_answered(const InnerAnswer& answer, const Result<value>& document) {
  plan::Observation seen;
  const int status = answer.response.status;
  seen.end = refused(status) ? plan::ActionEnd::kRefused : plan::ActionEnd::kFailed;
  const auto* body = document ? document->if_object() : nullptr;
  const auto* error = body == nullptr ? nullptr : member_object(*body, "error");
  seen.why = error == nullptr ? "the endpoint answered " + std::to_string(status) : member_text(*error, "message");
  return seen;
}

std::string text_of_parts(const object& result) {
  std::string out;
  const auto* content = result.if_contains("content");
  if (content == nullptr || !content->is_array()) return out;
  for (const value& part : content->get_array()) {
    const auto* entry = part.if_object();
    if (entry == nullptr || member_text(*entry, "type") != "text") continue;
    out += (out.empty() ? "" : "\n") + member_text(*entry, "text");
  }
  return out;
}

// The JSON-RPC answer to `id`: the body, or the last such event of a stream.
std::string reply_of(const InnerAnswer& answer, std::string_view id) {
  if (!answer.streamed) return answer.body;
  std::string found;
  constexpr std::string_view kData = "data: ";
  for (std::size_t at = 0; at < answer.body.size();) {
    const std::size_t end = std::min(answer.body.find('\n', at), answer.body.size());
    const std::string_view line = std::string_view(answer.body).substr(at, end - at);
    if (line.starts_with(kData) && raw_member(line.substr(kData.size()), "id") == id) found = line.substr(kData.size());
    at = end + 1;
  }
  return found;
}

}  // namespace

std::string model_body(const plan::ModelAsk& ask, std::uint64_t seed, const object& own) {
  object body = ask.messages.empty() ? own : object{};
  body["model"] = ask.model;
  if (!ask.messages.empty()) {
    boost::json::array& messages = body["messages"].emplace_array();
    for (const plan::Message& message : ask.messages) {
      messages.push_back(object{{"role", message.role}, {"content", message.content}});
    }
  }
  body["temperature"] = ask.temperature;
  body["seed"] = seed;
  if (!ask.stop.empty()) {
    boost::json::array& stop = body["stop"].emplace_array();
    for (const std::string& text : ask.stop) stop.emplace_back(text);
  }
  if (ask.top_logprobs > 0) {
    body["logprobs"] = true;
    body["top_logprobs"] = ask.top_logprobs;
  }
  return to_json(body);
}

std::string embedding_body(const plan::EmbedAsk& ask) {
  object body{{"model", ask.model}};
  boost::json::array& input = body["input"].emplace_array();
  for (const std::string& text : ask.texts) input.emplace_back(text);
  return to_json(body);
}

HttpRequest tool_request(const plan::ToolAsk& ask, const HttpRequest& outer, std::string_view id,
                         const std::vector<HeaderParam>& mirrored) {
  const std::string arguments = to_json(ask.arguments);
  std::string meta = R"({"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
                     R"("io.modelcontextprotocol/clientCapabilities":{})";
  if (const auto turn = outer.header("x-bursar-turn"); !turn.empty()) {
    const bool object = turn.starts_with('{');
    meta += R"(,"dev.bursar/turn":)" + (object ? std::string(turn) : R"({"id":)" + json_string(turn) + "}");
  }
  HttpRequest out{.id = outer.id, .method = "POST", .target = "/mcp", .path = "/mcp", .loopback = outer.loopback};
  out.caller = outer.caller;
  out.headers = {{"content-type", "application/json"},
                 {"accept", "application/json, text/event-stream"},
                 {"mcp-protocol-version", std::string(kModernVersion)},
                 {"mcp-method", "tools/call"},
                 {"mcp-name", as_header(ask.tool)}};
  for (const char* name : {"authorization", "host", "origin", "traceparent"}) {
    if (const auto value = outer.header(name); !value.empty()) out.headers.emplace_back(name, value);
  }
  for (auto& header : mirrored_headers(mirrored, arguments)) out.headers.push_back(std::move(header));
  out.body = make_request(
      id, "tools/call",
      R"({"name":)" + json_string(ask.tool) + R"(,"arguments":)" + arguments + R"(,"_meta":)" + meta + "}}");
  return out;
}

plan::Observation read_model_answer(const InnerAnswer& answer) {
  plan::Observation seen;
  const auto document = parse_json(answer.body, {.max_bytes = InnerExchange::kMost});
  if (!good(answer)) return not_answered(answer, document);
  const object* choice = document ? first_choice(*document) : nullptr;
  const object* message = choice == nullptr ? nullptr : member_object(*choice, "message");
  if (message == nullptr) {
    seen.end = plan::ActionEnd::kFailed;
    seen.why = "the endpoint's answer has no choices[0].message";
    return seen;
  }
  seen.text = member_text(*message, "content");
  seen.finish = member_text(*choice, "finish_reason");
  read_logprobs(*choice, seen);
  return seen;
}

plan::Observation read_embedding_answer(const InnerAnswer& answer, std::size_t texts) {
  plan::Observation seen;
  const auto document = parse_json(answer.body, {.max_bytes = InnerExchange::kMost});
  if (!good(answer)) return not_answered(answer, document);
  const auto* body = document ? document->if_object() : nullptr;
  const auto* data = body == nullptr ? nullptr : body->if_contains("data");
  seen.vectors.resize(texts);
  for (std::size_t i = 0; data != nullptr && data->is_array() && i < data->get_array().size(); ++i) {
    const auto* entry = data->get_array()[i].if_object();
    const auto* numbers = entry == nullptr ? nullptr : entry->if_contains("embedding");
    const auto* index = entry == nullptr ? nullptr : entry->if_contains("index");
    const auto place = index != nullptr && index->is_int64() ? static_cast<std::size_t>(index->get_int64()) : i;
    if (numbers == nullptr || place >= texts) continue;
    if (auto vector = boost::json::try_value_to<std::vector<float>>(*numbers)) seen.vectors[place] = std::move(*vector);
  }
  const std::size_t length = texts > 0 ? seen.vectors.front().size() : 0;
  if (length == 0 || std::ranges::any_of(seen.vectors, [&](const auto& v) { return v.size() != length; })) {
    seen.end = plan::ActionEnd::kFailed;
    seen.why = "the endpoint's answer has not one embedding of one length for each text";
    seen.vectors.clear();
  }
  return seen;
}

plan::Observation read_tool_answer(const InnerAnswer& answer, std::string_view id) {
  plan::Observation seen;
  const auto document = parse_json(reply_of(answer, id), {.max_bytes = InnerExchange::kMost});
  const auto* body = document ? document->if_object() : nullptr;
  const auto* result = body == nullptr ? nullptr : member_object(*body, "result");
  if (result == nullptr) {
    const auto* error = body == nullptr ? nullptr : member_object(*body, "error");
    seen.end = plan::ActionEnd::kFailed;
    seen.why = error == nullptr ? "the tool's answer is none: " + std::to_string(answer.response.status)
                                : member_text(*error, "message");
    return seen;
  }
  seen.text = text_of_parts(*result);
  if (const auto* meta = member_object(*result, "_meta")) {
    if (const auto* budget = member_object(*meta, "dev.bursar/budget")) {
      if (auto cost = parse_amounts(member_text(*budget, "cost"))) seen.cost = *cost;
    }
    // Our own refusals say what would help; a tool's own error is a result that a model may read.
    if (const auto* error = member_object(*meta, "dev.bursar/error")) {
      seen.end = seen.cost.empty() ? plan::ActionEnd::kRefused : plan::ActionEnd::kFailed;
      seen.why = member_text(*error, "message");
    }
  }
  return seen;
}

std::string message_of(std::string_view body) {
  const auto document = parse_json(body, {.max_bytes = InnerExchange::kMost});
  const object* choice = document ? first_choice(*document) : nullptr;
  const value* message = choice == nullptr ? nullptr : choice->if_contains("message");
  return message == nullptr ? "" : to_json(*message);
}

}  // namespace bursar::broker
