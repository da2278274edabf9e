#include "bursar/cli/sim_model/model_door.h"

#include <bit>
#include <boost/json/value.hpp>
#include <charconv>
#include <chrono>

#include "bursar/broker/http/abort.h"
#include "bursar/broker/http/query.h"
#include "bursar/broker/mcp/base64.h"
#include "bursar/cli/sim_model/answering.h"
#include "bursar/cli/sim_model/mcp_tools.h"
#include "bursar/core/json.h"
#include "bursar/sample/hashed_ngrams.h"
#include "bursar/simulate/profile.h"
#include "bursar/simulate/question.h"
#include "bursar/simulate/tokens.h"

namespace bursar::cli {
namespace {

using broker::HttpRequest;
using broker::HttpResponse;

constexpr std::size_t kMostInputs = 2048, kDimensions = 512, kMostDimensions = 4096;

HttpResponse refusal(int status, std::string_view message, std::string_view type = "invalid_request_error",
                     std::string_view param = "") {
  return {.status = status, .body = error_body(message, type, param)};
}

// "$.messages[0].role: must be …" and "n: must be …" name the field before their colon.
HttpResponse wrong(const Error& error) {
  std::string_view field = std::string_view(error.message).substr(0, error.message.find(':'));
  if (field.starts_with("$.")) field.remove_prefix(2);
  return refusal(400, error.message, "invalid_request_error", field.contains(' ') ? "" : field);
}

HttpResponse not_found(const HttpRequest& request) {
  return refusal(404, request.method + " " + request.path + " is nothing that the simulated model answers");
}

std::string model_json(std::string_view name) {
  return "{\"id\":" + json_string(name) + ",\"object\":\"model\",\"created\":0,\"owned_by\":\"bursar-simulated\"}";
}

Result<std::vector<std::string>> inputs_of(const JsonView& root) {
  auto input = root.at("input");
  if (!input) return tl::unexpected(input.error());
  if (input->value().is_string()) return std::vector<std::string>{std::string(*input->as_string())};
  auto count = input->array_size(kMostInputs);
  if (!count) return tl::unexpected(count.error());
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < *count; ++i) {
    auto text = input->element(i).and_then([](const JsonView& v) { return v.as_string(); });
    if (!text) return tl::unexpected(text.error());
    texts.emplace_back(*text);
  }
  return texts;
}

std::string embedding_json(const std::vector<float>& numbers, bool base64) {
  static_assert(std::endian::native == std::endian::little);
  if (base64) {
    return json_string(
        broker::encode_base64({reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)}));
  }
  std::string out = "[";
  for (const float number : numbers) {
    char text[32];
    if (out.size() > 1) out += ',';
    out.append(text, std::to_chars(text, text + sizeof text, number).ptr);
  }
  return out + "]";
}

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

void ModelDoor::handle(const HttpRequest& request, const std::shared_ptr<broker::Exchange>& exchange) {
  exchange->always({{"x-simulated", "true"}});
  if (request.method == "GET") return exchange->answer(look(request));
  if (request.method != "POST") return exchange->answer(refusal(405, "only GET and POST are answered"));
  if (request.path == "/mcp") return exchange->answer(answer_mcp(request.body, options_.seed));
  if (request.path == "/v1/chat/completions") return complete(request, exchange, CompletionForm::kChat);
  if (request.path == "/v1/completions") return complete(request, exchange, CompletionForm::kText);
  if (request.path == "/v1/embeddings") return exchange->answer(embed(request));
  exchange->answer(not_found(request));
}

void ModelDoor::complete(const HttpRequest& request, const std::shared_ptr<broker::Exchange>& exchange,
                         CompletionForm form) {
  auto asked = read_completion(request.body, form);
  if (!asked) return exchange->answer(wrong(asked.error()));
  const FaultDraw fault = options_.faults.draw(request.body);
  if (fault.kind == Fault::kStatus) {
    usage_->refused(asked->request.model);
    HttpResponse answer = refusal(fault.status, "a simulated fault", "server_error");
    if (fault.status == 429 || fault.status == 503) answer.headers = {{"retry-after", "1"}, {"retry-after-ms", "50"}};
    return exchange->answer(std::move(answer));
  }
  auto reply = model_.chat(asked->request);
  if (!reply) return exchange->answer(wrong(reply.error()));
  auto call = usage_->begin(asked->request.model, reply->usage.prompt_tokens);
  const std::string id =
      (form == CompletionForm::kChat ? "chatcmpl-simulated-" : "cmpl-simulated-") + std::to_string(++answers_);
  answer_call({.exchange = exchange,
               .asked = std::move(*asked),
               .reply = std::move(*reply),
               .labels = {.id = id, .created = seconds_now(), .seed = options_.seed},
               .call = std::move(call),
               .fault = fault,
               .latency_scale = options_.latency_scale});
}

HttpResponse ModelDoor::embed(const HttpRequest& request) {
  auto document = parse_json(request.body);
  if (!document) return wrong(document.error());
  const JsonView root(*document);
  auto model = root.string_at("model", 256);
  if (!model) return wrong(model.error());
  auto texts = inputs_of(root);
  if (!texts) return wrong(texts.error());
  std::size_t dimensions = kDimensions;
  if (auto given = root.find("dimensions"); given && *given) {
    auto value = (*given)->as_int(1, kMostDimensions);
    if (!value) return wrong(value.error());
    dimensions = static_cast<std::size_t>(*value);
  }
  const auto encoding = root.string_at("encoding_format");
  const bool base64 = encoding && *encoding == "base64";
  std::string data;
  std::int64_t tokens = 0;
  for (std::size_t i = 0; i < texts->size(); ++i) {
    tokens += static_cast<std::int64_t>(simulate::count_tokens((*texts)[i]));
    data += (i > 0 ? "," : "") + ("{\"object\":\"embedding\",\"index\":" + std::to_string(i)) +
            ",\"embedding\":" + embedding_json(sample::embed_ngrams((*texts)[i], dimensions), base64) + "}";
  }
  usage_->begin(std::string(*model), tokens)->whole();
  const std::string count = std::to_string(tokens);
  return {.body = "{\"object\":\"list\",\"model\":" + json_string(*model) + ",\"data\":[" + data +
                  "],\"usage\":{\"prompt_tokens\":" + count + ",\"total_tokens\":" + count + "}}"};
}

HttpResponse ModelDoor::look(const HttpRequest& request) const {
  constexpr std::string_view kModels = "/v1/models";
  if (request.path == kModels) {
    std::string list;
    for (const auto& profile : simulate::kProfiles) list += (list.empty() ? "" : ",") + model_json(profile.name);
    return {.body = "{\"object\":\"list\",\"data\":[" + list + "]}"};
  }
  if (request.path.starts_with("/v1/models/"))
    return {.body = model_json(broker::percent_decoded(request.path.substr(kModels.size() + 1)))};
  if (request.path == "/v1/simulated/usage") return {.body = usage_->json()};
  if (request.path == "/v1/simulated/truth") {
    const auto text = broker::find_query_value(request.target, "question");
    if (!text) return refusal(400, "question: is missing", "invalid_request_error", "question");
    const simulate::Question question = simulate::question_of(options_.seed, *text);
    return {.body = "{\"simulated\":true,\"question\":" + json_string(question.text) + ",\"truth\":" +
                    json_string(question.truth) + ",\"popular\":" + json_string(question.wrong.front()) +
                    ",\"difficulty\":" + std::to_string(question.difficulty) +
                    ",\"hops\":" + std::to_string(question.hops()) + "}"};
  }
  if (request.path == "/mcp") return {.status = 405, .content_type = ""};
  return not_found(request);
}

}  // namespace bursar::cli
