#include "bursar/broker/upstream/modern.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <charconv>

#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::string_view kOurInfo = R"({"name":"bursar","version":"0.1.0"})";
constexpr int kMethodNotFound = -32601;
constexpr int kInvalidParams = -32602;

bool is_envelope(std::string_view key) {
  return key == kMetaVersion || key == kMetaCapabilities || key == kMetaClientInfo || key == kMetaLogLevel;
}

void add(std::string& out, std::string_view key, std::string_view value) {
  if (out.back() != '{') out += ',';
  out.append("\"").append(key).append("\":").append(value);
}

void add_raw(std::string& out, std::string_view raw) {
  if (out.back() != '{') out += ',';
  out.append(raw);
}

// The versions that an error or a discovery lists: does ours stand there, and any other modern one?
struct Versions {
  bool listed = false, ours = false, modern = false;
};

Versions versions_in(std::string_view list) {
  Versions found;
  const auto parsed = parse_json(list, {.max_bytes = 64 << 10, .max_depth = 8});
  if (!parsed || !parsed->is_array()) return found;
  for (const boost::json::value& version : parsed->as_array()) {
    if (!version.is_string()) continue;
    found.listed = true;
    const std::string_view text(version.as_string().data(), version.as_string().size());
    found.ours = found.ours || text == kModernVersion;
    found.modern = found.modern || text >= kModernVersion;
  }
  return found;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    unsigned word = 0;
    for (std::size_t k = 0; k < 3; ++k) word = word << 8 | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += k <= n ? kDigits[(word >> (18 - 6 * k)) & 63] : '=';
  }
  return out;
}

std::string_view name_member(std::string_view method) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kNames{{{"tools/call", "name"},
                                                                                 {"prompts/get", "name"},
                                                                                 {"resources/read", "uri"},
                                                                                 {"tasks/get", "taskId"},
                                                                                 {"tasks/update", "taskId"},
                                                                                 {"tasks/cancel", "taskId"}}};
  for (const auto& [of, name] : kNames) {
    if (of == method) return name;
  }
  return {};
}

}  // namespace

std::string modern_params(std::string_view params, const Envelope& envelope) {
  const std::string_view before = raw_member(params, "_meta");
  std::string_view capabilities = envelope.capabilities, info = envelope.client_info, level = envelope.log_level;
  std::string meta = "{";
  for (MemberCursor at(before); at.next();) {
    if (at.key() == kMetaCapabilities) {
      capabilities = at.value();
    } else if (at.key() == kMetaClientInfo) {
      info = at.value();
    } else if (at.key() == kMetaLogLevel) {
      level = at.value();
    } else if (at.key() != kMetaVersion) {
      add_raw(meta, at.raw());
    }
  }
  add(meta, kMetaVersion, R"("2026-07-28")");
  add(meta, kMetaClientInfo, info.empty() ? kOurInfo : info);
  add(meta, kMetaCapabilities, capabilities.empty() ? std::string_view("{}") : capabilities);
  if (!level.empty()) add(meta, kMetaLogLevel, level);
  meta += '}';
  std::string out;
  out.reserve(params.size() + meta.size() + 16);
  out = "{";
  for (MemberCursor at(params); at.next();) {
    if (at.key() != "_meta") add_raw(out, at.raw());
  }
  add(out, "_meta", meta);
  return out += '}';
}

std::string legacy_params(std::string params) {
  if (params.find("io.modelcontextprotocol/") == std::string::npos) return params;
  const std::string_view before = raw_member(params, "_meta");
  std::string meta = "{";
  bool any = false;
  for (MemberCursor at(before); at.next();) {
    if (is_envelope(at.key())) {
      any = true;
    } else {
      add_raw(meta, at.raw());
    }
  }
  if (!any) return params;
  meta += '}';
  return with_member(params, "_meta", meta == "{}" ? std::nullopt : std::optional<std::string_view>(meta));
}

int error_code_of(std::string_view error) {
  const std::string_view raw = raw_member(error, "code");
  int code = 0;
  std::from_chars(raw.data(), raw.data() + raw.size(), code);
  return code;
}

ProbeVerdict judge_probe(const UpstreamReply& reply) {
  if (!reply.result.empty()) {
    const Versions versions = versions_in(raw_member(reply.result, "supportedVersions"));
    if (versions.ours) return ProbeVerdict::kModern;
    return versions.modern ? ProbeVerdict::kUnsupported : ProbeVerdict::kLegacy;
  }
  if (!reply.error.empty()) {
    if (error_code_of(reply.error) != kUnsupportedVersion) return ProbeVerdict::kLegacy;
    const Versions versions = versions_in(raw_member(raw_member(reply.error, "data"), "supported"));
    if (versions.ours) return ProbeVerdict::kAgain;
    return versions.modern ? ProbeVerdict::kUnsupported : ProbeVerdict::kLegacy;
  }
  // A status without a JSON-RPC error: what a server of old makes of a request that it does not know. Who wants a
  // credential, or is ill, would say the same to initialize.
  const int status = reply.http_status;
  const bool refused =
      status >= 400 && status < 500 && status != 401 && status != 403 && status != 408 && status != 429;
  return refused ? ProbeVerdict::kLegacy : ProbeVerdict::kFailed;
}

bool contradicts_modern(const UpstreamReply& reply) {
  const int code = error_code_of(reply.error);
  if (code == kUnsupportedVersion) return true;
  const bool status = reply.http_status == 400 || reply.http_status == 404 || reply.http_status == 405 ||
                      reply.http_status == 406 || reply.http_status == 409;
  const bool known = code == kHeaderMismatch || code == kMissingCapability || code == kMethodNotFound ||
                     code == kInvalidParams || code == -32600 || code == -32700;
  return status && !known;
}

bool contradicts_legacy(const UpstreamReply& reply) {
  const int code = error_code_of(reply.error);
  return code == kUnsupportedVersion || code == kHeaderMismatch ||
         (reply.http_status == 400 && code == kInvalidParams &&
          reply.error.find("io.modelcontextprotocol") != std::string::npos);
}

UpstreamReply without_our_mistakes(UpstreamReply reply) {
  const int code = error_code_of(reply.error);
  if (code != kHeaderMismatch && code != kUnsupportedVersion) return reply;
  reply.failure = Cause::kUpstreamProtocol;
  reply.detail = "refused how we speak: " + std::string(utf8_prefix(reply.error, 200));
  reply.error.clear();
  return reply;
}

std::string header_value(std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c == '\t' || (c >= ' ' && c < 0x7F); });
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  const bool looks_encoded = text.starts_with("=?base64?") && text.ends_with("?=");
  if (plain && !text.empty() && !blank(text.front()) && !blank(text.back()) && !looks_encoded) return std::string(text);
  return "=?base64?" + base64(text) + "?=";
}

std::string modern_headers(std::string_view method, std::string_view params) {
  std::string out = "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: ";
  out.append(header_value(method)).append("\r\n");
  const std::string_view member = name_member(method);
  const std::string_view raw = member.empty() ? std::string_view() : raw_member(params, member);
  if (raw.starts_with('"')) out.append("Mcp-Name: ").append(header_value(raw_string(raw))).append("\r\n");
  return out;
}

}  // namespace bursar::broker
