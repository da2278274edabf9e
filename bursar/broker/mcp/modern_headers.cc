#include "bursar/broker/mcp/modern_headers.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <charconv>
#include <cmath>

#include "bursar/broker/mcp/base64.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr int kInvalidParams = -32602;
constexpr std::string_view kMark = "x-mcp-header";
constexpr std::size_t kMaxParams = 64, kMaxDepth = 16;

ModernRefusal mismatch(std::string what) {
  return {.code = kHeaderMismatch, .message = "Header mismatch: " + std::move(what)};
}

ModernRefusal invalid_meta(std::string_view key, std::string_view problem) {
  return {.code = kInvalidParams,
          .message = "Invalid params: _meta[\"" + std::string(key) + "\"] " + std::string(problem),
          .data = R"({"envelope":{"key":)" + json_string(key) + R"(,"problem":)" + json_string(problem) + "}}"};
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string shown(std::string_view value) { return json_string(utf8_prefix(value, 128)); }

std::optional<ModernRefusal> check_meta(const Message& message) {
  const std::string_view meta = message.meta();
  if (meta.empty()) {
    return ModernRefusal{.code = kInvalidParams,
                         .message = "Invalid params: every request needs params._meta with " +
                                    std::string(kVersionKey) + " and " + std::string(kCapabilitiesKey),
                         .data = R"({"envelope":{"missing":["_meta"]}})"};
  }
  const std::string_view version = raw_member(meta, kVersionKey), capabilities = raw_member(meta, kCapabilitiesKey);
  if (version.empty()) return invalid_meta(kVersionKey, "is missing");
  if (capabilities.empty()) return invalid_meta(kCapabilitiesKey, "is missing");
  if (!version.starts_with('"')) return invalid_meta(kVersionKey, "must be a string");
  if (!capabilities.starts_with('{')) return invalid_meta(kCapabilitiesKey, "must be an object");
  const std::string_view client = raw_member(meta, kClientInfoKey);
  if (!client.empty() && !client.starts_with('{')) return invalid_meta(kClientInfoKey, "must be an object");
  return std::nullopt;
}

std::optional<ModernRefusal> check_name(const Message& message, const HttpRequest& request) {
  const std::string_view field = named_member(message.method());
  if (field.empty()) return std::nullopt;
  const std::string_view raw = raw_member(message.params(), field);
  const std::size_t headers = request.count("mcp-name");
  if (headers > 1) return mismatch("Mcp-Name is there more than once");
  if (!raw.starts_with('"')) return std::nullopt;  // the method itself says what is wrong with it
  const std::string body = raw_string(raw);
  if (headers == 0) {
    return mismatch("the body has params." + std::string(field) + "=" + shown(body) +
                    ", the header Mcp-Name is missing");
  }
  const auto header = header_text(trimmed(request.header("mcp-name")));
  if (!header) return mismatch("Mcp-Name is no valid =?base64?…?= value");
  if (*header == body) return std::nullopt;
  return mismatch("the body has params." + std::string(field) + "=" + shown(body) + ", the header Mcp-Name says " +
                  shown(*header));
}

bool token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return word || (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
  });
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return out;
}

// Walks `properties` only: what stands under anything else belongs to no argument that is always there.
class Declarations {
 public:
  std::vector<HeaderParam> read(const boost::json::value& schema) {
    visit(schema, {}, true);
    if (!valid_) found_.clear();
    return std::move(found_);
  }

 private:
  void visit(const boost::json::value& node, const std::vector<std::string>& path, bool reachable) {
    const auto* const schema = node.if_object();
    if (schema == nullptr || !valid_ || path.size() > kMaxDepth) return;
    if (const auto* const mark = schema->if_contains(kMark)) declare(*schema, *mark, path, reachable);
    for (const auto& [key, child] : *schema) {
      if (key == "properties") {
        const auto* const members = child.if_object();
        if (members == nullptr) continue;
        for (const auto& [name, member] : *members) {
          std::vector<std::string> below = path;
          below.emplace_back(name);
          visit(member, below, reachable);
        }
      } else if (child.is_object()) {
        visit(child, path, false);
      } else if (const auto* const branches = child.if_array()) {
        for (const auto& branch : *branches) visit(branch, path, false);
      }
    }
  }

  void declare(const boost::json::object& schema, const boost::json::value& mark, const std::vector<std::string>& path,
               bool reachable) {
    const auto* const name = mark.if_string();
    const auto* const type = schema.if_contains("type");
    const std::string_view kind = type != nullptr && type->is_string() ? std::string_view(type->get_string()) : "";
    const bool simple = kind == "string" || kind == "integer" || kind == "boolean" || kind == "number";
    valid_ = reachable && !path.empty() && name != nullptr && token(*name) && simple && found_.size() < kMaxParams;
    if (!valid_) return;
    for (const HeaderParam& other : found_) valid_ = valid_ && lower(other.header) != lower(*name);
    found_.push_back({.path = path, .header = std::string(*name), .number = kind == "integer" || kind == "number"});
  }

  std::vector<HeaderParam> found_;
  bool valid_ = true;
};

bool plain_decimal(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const std::size_t dot = text.find('.');
  const auto digits = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  return digits(text.substr(0, dot)) && (dot == std::string_view::npos || digits(text.substr(dot + 1)));
}

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Whether a header says what the argument says; `raw` is a string, a number or a boolean.
bool same_value(const HeaderParam& param, std::string_view raw, std::string_view header) {
  if (raw.starts_with('"')) return header == raw_string(raw);
  if (header == raw) return true;
  if (!param.number || !plain_decimal(header)) return false;
  const auto mine = number_of(header), theirs = number_of(raw);
  constexpr double kExact = 9007199254740991;  // beyond it two integers can be one double
  return mine && theirs && *mine == *theirs && std::abs(*mine) <= kExact;
}

}  // namespace

std::string_view named_member(std::string_view method) {
  if (method == "tools/call" || method == "prompts/get") return "name";
  if (method == "resources/read") return "uri";
  if (method == "tasks/get" || method == "tasks/update" || method == "tasks/cancel") return "taskId";
  return {};
}

std::string_view supported_versions() {
  return R"(["2026-07-28","2025-11-25","2025-06-18","2025-03-26","2024-11-05","2024-10-07"])";
}

HttpResponse ModernRefusal::to_response(std::string_view id) const {
  return {.status = status, .body = make_error(id, code, message, data)};
}

bool speaks_modern(const Message& message, std::string_view version_header) {
  if (version_header == kModernVersion) return true;
  return !message.meta().empty() && !raw_member(message.meta(), kVersionKey).empty();
}

std::optional<std::string> header_text(std::string_view value) {
  constexpr std::string_view kBegin = "=?base64?", kEnd = "?=";
  if (!value.starts_with(kBegin) || !value.ends_with(kEnd) || value.size() < kBegin.size() + kEnd.size()) {
    return std::string(value);
  }
  auto text = decode_base64(value.substr(kBegin.size(), value.size() - kBegin.size() - kEnd.size()));
  if (!text || !is_utf8(*text)) return std::nullopt;
  return text;
}

std::optional<ModernRefusal> check_request(const Message& message, const HttpRequest& request) {
  if (auto refusal = check_meta(message)) return refusal;
  const std::string version = raw_string(raw_member(message.meta(), kVersionKey));
  const std::string_view header = request.header("mcp-protocol-version");
  const bool known = version == kModernVersion;
  if (request.count("mcp-protocol-version") > 1) return mismatch("MCP-Protocol-Version is there more than once");
  if (header != version && (known || !header.empty())) {
    return mismatch(header.empty() ? "the header MCP-Protocol-Version is missing"
                                   : "the body names revision " + shown(version) +
                                         ", the header MCP-Protocol-Version says " + shown(header));
  }
  if (!known) {
    return ModernRefusal{.code = kUnsupportedVersion,
                         .message = "Unsupported protocol version",
                         .data = R"({"supported":)" + std::string(supported_versions()) + R"(,"requested":)" +
                                 json_string(utf8_prefix(version, 64)) + "}"};
  }
  const std::size_t methods = request.count("mcp-method");
  if (methods != 1) return mismatch(methods == 0 ? "the header Mcp-Method is missing" : "Mcp-Method is there twice");
  if (const auto method = header_text(trimmed(request.header("mcp-method"))); method != message.method()) {
    return mismatch("the body names method " + shown(message.method()) + ", the header Mcp-Method says " +
                    shown(request.header("mcp-method")));
  }
  return check_name(message, request);
}

std::vector<HeaderParam> header_params(std::string_view input_schema) {
  if (input_schema.find(kMark) == std::string_view::npos) return {};
  const auto schema = parse_json(input_schema);
  return schema ? Declarations().read(*schema) : std::vector<HeaderParam>{};
}

std::optional<ModernRefusal> check_params(const std::vector<HeaderParam>& params, std::string_view arguments,
                                          const HttpRequest& request) {
  for (const HeaderParam& param : params) {
    std::string_view raw = arguments;
    for (const std::string& name : param.path) raw = raw_member(raw, name);
    if (raw.empty() || raw == "null" || raw.starts_with('{') || raw.starts_with('[')) continue;
    const std::string name = "Mcp-Param-" + param.header;
    const std::size_t headers = request.count(name);
    if (headers > 1) return mismatch(name + " is there more than once");
    if (headers == 0) {
      const auto number = param.number ? number_of(raw) : std::nullopt;
      if (number && std::abs(*number) > 9007199254740991) continue;  // a client cannot mirror it exactly
      return mismatch("the header " + name + " is missing; the body has " + shown(raw));
    }
    const auto header = header_text(trimmed(request.header(name)));
    if (!header) return mismatch(name + " is no valid =?base64?…?= value");
    if (!same_value(param, raw, *header)) {
      return mismatch("the header " + name + " says " + shown(*header) + ", the body has " + shown(raw));
    }
  }
  return std::nullopt;
}

std::string as_header(std::string_view text) {
  bool plain = !text.empty() && text.front() != ' ' && text.back() != ' ' && !text.starts_with("=?base64?");
  for (const char c : text) plain = plain && c >= ' ' && c <= '~';
  return plain ? std::string(text) : "=?base64?" + encode_base64(text) + "?=";
}

HttpHeaders mirrored_headers(const std::vector<HeaderParam>& params, std::string_view arguments) {
  HttpHeaders out;
  for (const HeaderParam& param : params) {
    std::string_view raw = arguments;
    for (const std::string& name : param.path) raw = raw_member(raw, name);
    if (raw.empty() || raw == "null" || raw.starts_with('{') || raw.starts_with('[')) continue;
    out.emplace_back("Mcp-Param-" + param.header, as_header(raw.starts_with('"') ? raw_string(raw) : std::string(raw)));
  }
  return out;
}

}  // namespace bursar::broker
