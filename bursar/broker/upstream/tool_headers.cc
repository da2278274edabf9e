#include "bursar/broker/upstream/tool_headers.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "bursar/broker/mcp/message.h"
#include "bursar/broker/net/header_text.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/upstream/modern.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

namespace json = boost::json;

constexpr std::string_view kAnnotation = "x-mcp-header";
constexpr std::size_t kHeadersMax = 64;  // of one tool
constexpr int kDepthMax = 64;

std::string_view text_of(const json::string& s) { return {s.data(), s.size()}; }

// Walks a schema. An annotation that is not reached through `properties` alone is wrong, so everything else is only
// searched for one.
class Walk {
 public:
  std::vector<ParamHeader> found;
  std::string wrong;

  void schema(const json::value& value, bool reachable, int depth) {
    const json::object* node = value.if_object();
    if (node == nullptr || !wrong.empty()) return;
    if (depth > kDepthMax) return fail("the schema is nested too deep");
    if (const json::value* annotation = node->if_contains(to_json(kAnnotation)))
      annotated(*node, *annotation, reachable && !path_.empty());
    for (const auto& [raw_key, child] : *node) {
      const std::string_view key(raw_key.data(), raw_key.size());
      if (key == "properties" && child.is_object()) {
        for (const auto& [name, property] : child.as_object()) {
          path_.emplace_back(name.data(), name.size());
          schema(property, reachable, depth + 1);
          path_.pop_back();
        }
      } else if (holds_schemas(key)) {
        elsewhere(child, depth + 1);
      }
    }
  }

 private:
  static json::string_view to_json(std::string_view s) { return {s.data(), s.size()}; }

  static bool holds_schemas(std::string_view key) {
    constexpr std::array<std::string_view, 18> kKeys{"items",
                                                     "prefixItems",
                                                     "contains",
                                                     "additionalProperties",
                                                     "unevaluatedProperties",
                                                     "propertyNames",
                                                     "patternProperties",
                                                     "oneOf",
                                                     "dependentSchemas",
                                                     "unevaluatedItems",
                                                     "anyOf",
                                                     "allOf",
                                                     "not",
                                                     "if",
                                                     "then",
                                                     "else",
                                                     "$defs",
                                                     "definitions"};
    return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
  }

  // A schema, a list of schemas, or schemas by name.
  void elsewhere(const json::value& value, int depth) {
    if (const json::array* list = value.if_array()) {
      for (const json::value& one : *list) schema(one, false, depth);
    } else if (const json::object* node = value.if_object()) {
      schema(value, false, depth);
      for (const auto& [key, one] : *node) schema(one, false, depth + 1);
    }
  }

  void annotated(const json::object& node, const json::value& annotation, bool reachable) {
    const json::string* name = annotation.if_string();
    const json::value* type = node.if_contains("type");
    const std::string_view kind =
        type != nullptr && type->is_string() ? text_of(type->as_string()) : std::string_view();
    if (!reachable) return fail("x-mcp-header stands where only properties of the arguments may have it");
    if (name == nullptr || !is_token(text_of(*name))) return fail("x-mcp-header is no header name");
    if (kind != "string" && kind != "integer" && kind != "boolean")
      return fail("x-mcp-header stands on a property that is no string, integer or boolean");
    for (const ParamHeader& other : found) {
      if (same_ignoring_case(other.name, text_of(*name)))
        return fail("two properties have the x-mcp-header " + other.name);
    }
    if (found.size() >= kHeadersMax) return fail("more than " + std::to_string(kHeadersMax) + " x-mcp-header");
    found.push_back({.path = path_, .name = std::string(text_of(*name))});
  }

  void fail(std::string why) {
    if (wrong.empty()) wrong = std::move(why);
  }

  std::vector<std::string> path_;
};

// The elements of a raw JSON array of objects, as they stand.
std::vector<std::string_view> elements(std::string_view array) {
  std::vector<std::string_view> out;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < array.size(); ++i) {
    const char c = array[i];
    if (c == '"') {
      for (++i; i < array.size() && array[i] != '"'; ++i) i += array[i] == '\\' ? 1 : 0;
    } else if (c == '{' || c == '[') {
      if (++depth == 2) begin = i;
    } else if (c == '}' || c == ']') {
      if (--depth == 1) out.push_back(array.substr(begin, i + 1 - begin));
    }
  }
  return out;
}

// A primitive as the text of a header; nothing for null, numbers with a fraction and what is no primitive.
std::optional<std::string> text_of_argument(std::string_view raw) {
  if (raw.starts_with('"')) return raw_string(raw);
  if (raw == "true" || raw == "false") return std::string(raw);
  const bool number = !raw.empty() && (raw[0] == '-' || (raw[0] >= '0' && raw[0] <= '9'));
  if (number && raw.size() <= 32) return std::string(raw);
  return std::nullopt;
}

}  // namespace

Result<std::vector<ParamHeader>> param_headers(const json::value& schema) {
  Walk walk;
  walk.schema(schema, true, 0);
  if (!walk.wrong.empty()) return invalid_argument(std::move(walk.wrong));
  return std::move(walk.found);
}

std::optional<std::string> ToolHeaders::learn(std::string_view result, std::vector<std::string>& refused) {
  if (!any_ && result.find(kAnnotation) == std::string_view::npos) return std::nullopt;
  std::string kept = "[";
  bool all = true;
  const std::scoped_lock lock(mutex_);
  for (const std::string_view tool : elements(raw_member(result, "tools"))) {
    const std::string name = raw_string(raw_member(tool, "name"));
    const std::string_view schema = raw_member(tool, "inputSchema");
    Result<std::vector<ParamHeader>> headers{std::vector<ParamHeader>()};
    if (schema.find(kAnnotation) != std::string_view::npos) {
      headers = parse_json(schema, {.max_bytes = 1 << 20, .max_depth = 128}).and_then([](const json::value& parsed) {
        return param_headers(parsed);
      });
    }
    if (!headers) {
      all = false;
      tools_.erase(name);
      refused.push_back(name.substr(0, 128) + ": " + headers.error().message);
      continue;
    }
    if (kept.size() > 1) kept += ',';
    kept += tool;
    if (headers->empty()) {
      tools_.erase(name);
    } else if (tools_.size() < kToolsMax || tools_.contains(name)) {
      tools_[name] = std::make_shared<const std::vector<ParamHeader>>(std::move(*headers));
    }
  }
  any_ = !tools_.empty();
  if (all) return std::nullopt;
  return with_member(result, "tools", kept += ']');
}

std::string ToolHeaders::lines(std::string_view tool, std::string_view arguments) const {
  if (!any_) return {};
  std::shared_ptr<const std::vector<ParamHeader>> headers;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = tools_.find(tool);
    if (found == tools_.end()) return {};
    headers = found->second;
  }
  std::string out;
  for (const ParamHeader& header : *headers) {
    std::string_view value = arguments;
    for (const std::string& step : header.path) value = raw_member(value, step);
    if (const auto text = text_of_argument(value))
      out.append("Mcp-Param-").append(header.name).append(": ").append(header_value(*text)).append("\r\n");
  }
  return out;
}

}  // namespace bursar::broker
