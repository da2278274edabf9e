#include "bursar/cli/sim_model/mcp_tools.h"

#include <algorithm>
#include <array>
#include <boost/json/value.hpp>
#include <charconv>

#include "bursar/core/json.h"
#include "bursar/simulate/world.h"

namespace bursar::cli {
namespace {

using broker::HttpResponse;

constexpr auto kVersions = std::to_array<std::string_view>({"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"});

constexpr std::string_view kTools = R"json({"tools":[
{"name":"search","description":"Finds facts of a simulated world: where a name leads","inputSchema":{"type":"object",
"properties":{"query":{"type":"string"}},"required":["query"]},"annotations":{"readOnlyHint":true,"idempotentHint":true}},
{"name":"calculator","description":"Computes + - * / and brackets, beside the simulated world","inputSchema":{
"type":"object","properties":{"expression":{"type":"string"}},"required":["expression"]},
"annotations":{"readOnlyHint":true,"idempotentHint":true}}]})json";

HttpResponse answer(std::string_view id, std::string_view what) {
  return {.body = "{\"jsonrpc\":\"2.0\",\"id\":" + std::string(id) + "," + std::string(what) + "}"};
}
HttpResponse result(std::string_view id, std::string_view json) {
  return answer(id, "\"result\":" + std::string(json));
}
HttpResponse failure(std::string_view id, int code, std::string_view message) {
  return answer(id, "\"error\":{\"code\":" + std::to_string(code) + ",\"message\":" + json_string(message) + "}");
}

std::string content(std::string_view text, bool is_error) {
  return "{\"content\":[{\"type\":\"text\",\"text\":" + json_string(text) +
         "}],\"isError\":" + (is_error ? "true" : "false") + "}";
}

std::string decimal(double value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

HttpResponse call(std::string_view id, const JsonView& params, std::uint64_t seed) {
  auto name = params.string_at("name", 64);
  if (!name) return failure(id, -32602, name.error().message);
  if (*name != "search" && *name != "calculator") return failure(id, -32602, "there is no such tool");
  auto text = params.at("arguments").and_then([&](const JsonView& arguments) {
    return arguments.string_at(*name == "search" ? "query" : "expression", 4096);
  });
  if (!text) return result(id, content(text.error().message, true));
  if (*name == "search") return result(id, content(simulate::search(seed, *text), false));
  const auto value = calculate(*text);
  return result(id, value ? content(decimal(*value), false) : content(value.error().message, true));
}

HttpResponse initialize(std::string_view id, const JsonView& params) {
  const auto asked = params.string_at("protocolVersion", 64);
  const bool known = asked && std::ranges::find(kVersions, *asked) != kVersions.end();
  return result(id,
                "{\"protocolVersion\":" + json_string(known ? *asked : kVersions.front()) +
                    ",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"bursar-simulated\",\"version\":\"1\"},"
                    "\"instructions\":\"A simulated world: nothing that it says is true outside of it.\"}");
}

}  // namespace

HttpResponse answer_mcp(std::string_view body, std::uint64_t seed) {
  auto document = parse_json(body);
  if (!document) return failure("null", -32700, document.error().message);
  const JsonView root(*document);
  auto method = root.string_at("method", 128);
  if (!method) return failure("null", -32600, method.error().message);
  const auto given = root.find("id");
  if (!given || !*given) return {.status = 202, .content_type = ""};  // a notification
  const std::string id = to_json((*given)->value());
  if (*method == "ping") return result(id, "{}");
  if (*method == "tools/list") return result(id, kTools);
  if (*method != "initialize" && *method != "tools/call") return failure(id, -32601, "there is no such method here");
  auto params = root.at("params");
  if (!params) return failure(id, -32602, params.error().message);
  return *method == "initialize" ? initialize(id, *params) : call(id, *params, seed);
}

}  // namespace bursar::cli
