#include "bursar/broker/strategies/strategy_request.h"

#include <algorithm>

#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kBodyBytes = 32 << 20;
constexpr std::size_t kMostTools = 32;

// The text of a message: a string, or the text parts of an array.
std::string text_of(const boost::json::value& content) {
  if (content.is_string()) return std::string(content.get_string());
  std::string out;
  if (!content.is_array()) return out;
  for (const boost::json::value& part : content.get_array()) {
    const auto* object = part.if_object();
    const auto* text = object == nullptr ? nullptr : object->if_contains("text");
    if (text != nullptr && text->is_string()) out += std::string(text->get_string());
  }
  return out;
}

Result<void> read_messages(const boost::json::object& body, plan::JobSetup& setup) {
  const auto* messages = body.if_contains("messages");
  if (messages == nullptr || !messages->is_array()) return invalid_argument("messages: must be a list");
  for (const boost::json::value& message : messages->get_array()) {
    const auto* object = message.if_object();
    const auto* role = object == nullptr ? nullptr : object->if_contains("role");
    if (role == nullptr || !role->is_string()) return invalid_argument("messages: every one must have a role");
    const auto* content = object->if_contains("content");
    std::string text = content == nullptr ? "" : text_of(*content);
    if (role->get_string() == "user") setup.question = text;
    setup.messages.push_back({std::string(role->get_string()), std::move(text)});
  }
  if (setup.question.empty()) return invalid_argument("messages: the last one of a user must say something");
  return {};
}

// Time is a deadline; everything else is a limit of the job's purse.
Result<void> read_budget(std::string_view text, StrategyRequest& out) {
  auto amounts = parse_amounts(text);
  if (!amounts) return tl::unexpected(with_context("bursar.budget", amounts.error()));
  for (const Amount& amount : amounts->items()) {
    if (amount.units < 0) return invalid_argument("bursar.budget: must not be negative, is " + to_string(amount));
    if (amount.resource == kMs) {
      out.limits.time = std::min(out.limits.time.value_or(Duration::max()), Duration{amount.units});
    } else if (auto set = out.limits.purse.set(amount.resource, amount.units); !set) {
      return set;
    }
  }
  return {};
}

Result<void> read_explain(const boost::json::value& value, StrategyRequest& out) {
  const bool full = value.is_string() && value.get_string() == "full";
  if (!value.is_bool() && !full) return invalid_argument("bursar.explain: must be true, false or \"full\"");
  out.explain = full ? Explain::kFull : value.get_bool() ? Explain::kShort : Explain::kNo;
  return {};
}

Result<void> read_tools(const JsonView& own, plan::JobSetup& setup) {
  auto tools = own.find("tools");
  if (!tools) return tl::unexpected(tools.error());
  if (!*tools) return {};
  auto size = (*tools)->array_size(kMostTools);
  if (!size) return tl::unexpected(size.error());
  setup.tools.clear();
  for (std::size_t i = 0; i < *size; ++i) {
    auto name = (*tools)->element(i).and_then([](const JsonView& v) { return v.as_string(256); });
    if (!name) return tl::unexpected(name.error());
    setup.tools.emplace_back(*name);
  }
  return {};
}

Result<void> read_own(const boost::json::value& value, StrategyRequest& out) {
  const JsonView own(value, "bursar");
  if (!value.is_object()) return own.wrong("must be an object");
  if (auto ok = own.only(
          {"parameters", "model", "small_model", "judge_model", "embedding_model", "tools", "budget", "explain"});
      !ok) {
    return ok;
  }
  const boost::json::object& object = value.get_object();
  for (const auto& [name, where] : {std::pair{"model", &out.setup.model},
                                    {"small_model", &out.setup.small_model},
                                    {"judge_model", &out.setup.judge_model},
                                    {"embedding_model", &out.setup.embedding_model}}) {
    if (!object.contains(name)) continue;
    auto text = own.string_at(name, 256);
    if (!text) return tl::unexpected(text.error());
    *where = *text;
  }
  if (const auto* parameters = object.if_contains("parameters")) {
    if (!parameters->is_object()) return invalid_argument("bursar.parameters: must be an object");
    for (const auto& [key, given] : parameters->get_object()) out.setup.parameters[key] = given;
  }
  if (object.contains("budget")) {
    auto text = own.string_at("budget", 256);
    if (!text) return tl::unexpected(text.error());
    if (auto ok = read_budget(*text, out); !ok) return ok;
  }
  if (const auto* explain = object.if_contains("explain")) {
    if (auto ok = read_explain(*explain, out); !ok) return ok;
  }
  return read_tools(own, out.setup);
}

Result<void> read_headers(const HttpRequest& request, StrategyRequest& out) {
  if (const auto text = request.header("x-bursar-budget"); !text.empty()) {
    if (auto ok = read_budget(text, out); !ok) return tl::unexpected(with_context("x-bursar-budget", ok.error()));
  }
  if (const auto text = request.header("x-bursar-explain"); !text.empty()) {
    if (text != "true" && text != "full" && text != "false") {
      return invalid_argument("x-bursar-explain: must be true, false or full");
    }
    out.explain = text == "full" ? Explain::kFull : text == "true" ? Explain::kShort : Explain::kNo;
  }
  const auto text = request.header("x-bursar-parameters");
  if (text.empty()) return {};
  auto words = parse_policy_words("p:" + std::string(text));
  if (!words) return invalid_argument("x-bursar-parameters: must be name=value,name=value");
  out.setup.parameters = std::move(words->parameters);
  return {};
}

Result<void> read_standard(const JsonView& body, StrategyRequest& out) {
  const boost::json::object& object = body.value().get_object();
  if (const auto* n = object.if_contains("n"); n != nullptr && !n->is_null() && *n != 1) {
    return invalid_argument("n: must be 1; how many answers are drawn is for the strategy to say");
  }
  for (const char* name : {"max_completion_tokens", "max_tokens"}) {
    if (!object.contains(name) || object.at(name).is_null()) continue;
    auto tokens = body.int_at(name, 1, 10'000'000);
    if (!tokens) return tl::unexpected(tokens.error());
    out.setup.max_tokens = *tokens;
  }
  if (object.contains("temperature") && !object.at("temperature").is_null()) {
    auto temperature = body.double_at("temperature", 0, 2);
    if (!temperature) return tl::unexpected(temperature.error());
    out.setup.temperature = *temperature;
  }
  if (object.contains("seed") && !object.at("seed").is_null()) {
    auto seed = body.int_at("seed");
    if (!seed) return tl::unexpected(seed.error());
    out.setup.seed = static_cast<std::uint64_t>(*seed);
  }
  if (const auto* stream = object.if_contains("stream")) out.stream = stream->is_bool() && stream->get_bool();
  const auto* options = object.if_contains("stream_options");
  if (options != nullptr && options->is_object()) {
    const auto* usage = options->get_object().if_contains("include_usage");
    out.usage_asked = usage != nullptr && usage->is_bool() && usage->get_bool();
  }
  return {};
}

}  // namespace

Result<StrategyRequest> read_strategy_request(const HttpRequest& request, const StrategyConfig& config,
                                              const PipelineTable& pipelines) {
  auto document = parse_json(request.body, {.max_bytes = kBodyBytes});
  if (!document) return tl::unexpected(document.error());
  const JsonView body(*document, "");
  auto model = body.string_at("model", 256);
  if (!model) return tl::unexpected(model.error());
  std::string_view name = model->substr(kStrategyPrefix.size());
  const auto* pipeline =
      name.starts_with(kPipelinePrefix) ? pipelines.find(name.substr(kPipelinePrefix.size())) : nullptr;
  if (pipeline != nullptr) name = "pipeline";
  auto entry = plan::strategy_named(name);
  if (!entry) return tl::unexpected(with_context("model", entry.error()));
  StrategyRequest out{.entry = *entry};
  out.setup.model = config.model;
  out.setup.small_model = config.small_model;
  out.setup.judge_model = config.judge_model;
  out.setup.embedding_model = config.embedding_model;
  out.setup.tools = config.tools;
  out.setup.max_tokens = static_cast<std::int64_t>(config.max_output_tokens);
  out.limits = {.time = config.time, .parallel = config.parallel, .actions = config.calls};
  out.own = document->get_object();
  if (auto ok = read_messages(out.own, out.setup); !ok) return tl::unexpected(ok.error());
  if (auto ok = read_standard(body, out); !ok) return tl::unexpected(ok.error());
  if (auto ok = read_headers(request, out); !ok) return tl::unexpected(ok.error());
  if (const auto* own = out.own.if_contains("bursar")) {
    if (auto ok = read_own(*own, out); !ok) return tl::unexpected(ok.error());
  }
  if (pipeline != nullptr) out.setup.parameters["pipeline"] = *pipeline;
  for (const char* ours : {"bursar", "model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "seed",
                           "temperature", "n"}) {
    out.own.erase(ours);
  }
  return out;
}

}  // namespace bursar::broker
