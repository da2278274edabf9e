// What revision 2026-07-28 wants of one request before anybody looks at what it asks for: its _meta, and headers that
// say the same as its body.
//
//   if (speaks_modern(message, header)) { if (auto refusal = check_request(message, request)) return answer(*refusal);
//   … }
//
//   400 -32602  _meta, protocolVersion or clientCapabilities is missing or of a wrong type
//   400 -32020  MCP-Protocol-Version, Mcp-Method, Mcp-Name or Mcp-Param-* is missing, twice there, not decodable, or
//   says
//               another thing than the body (values may be =?base64?…?=)
//   400 -32022  a revision that we do not speak; data: {supported, requested}
// Source: specification 2026-07-28, basic/transports (standard and custom headers) and basic (request _meta).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/http/server.h"
#include "bursar/broker/mcp/message.h"

namespace bursar::broker {

inline constexpr std::string_view kModernVersion = "2026-07-28";
inline constexpr std::string_view kVersionKey = "io.modelcontextprotocol/protocolVersion";
inline constexpr std::string_view kCapabilitiesKey = "io.modelcontextprotocol/clientCapabilities";
inline constexpr std::string_view kClientInfoKey = "io.modelcontextprotocol/clientInfo";
inline constexpr std::string_view kLogLevelKey = "io.modelcontextprotocol/logLevel";
inline constexpr std::string_view kServerInfoKey = "io.modelcontextprotocol/serverInfo";
inline constexpr std::string_view kTasksExtension = "io.modelcontextprotocol/tasks";
inline constexpr std::string_view kSubscriptionKey = "io.modelcontextprotocol/subscriptionId";

inline constexpr int kHeaderMismatch = -32020, kMissingCapability = -32021, kUnsupportedVersion = -32022;

// ["2026-07-28","2025-11-25",…]: what server/discover offers.
[[nodiscard]] std::string_view supported_versions();

struct ModernRefusal {
  int status = 400;
  int code = 0;
  std::string message;
  std::string data = {};  // raw JSON or empty
  [[nodiscard]] HttpResponse to_response(std::string_view id) const;
};

// A message belongs to the modern era if its _meta names a revision, or its header the modern one.
[[nodiscard]] bool speaks_modern(const Message& message, std::string_view version_header);
[[nodiscard]] std::optional<ModernRefusal> check_request(const Message& message, const HttpRequest& request);

// An argument that a tool wants to see in a header too: "x-mcp-header" in its inputSchema.
struct HeaderParam {
  std::vector<std::string> path;  // of member names, from the arguments down
  std::string header;             // without "Mcp-Param-"
  bool number = false;
};
// None where the schema has none, or one that no conforming client would mirror.
[[nodiscard]] std::vector<HeaderParam> header_params(std::string_view input_schema);
[[nodiscard]] std::optional<ModernRefusal> check_params(const std::vector<HeaderParam>& params,
                                                        std::string_view arguments, const HttpRequest& request);

// The headers that a client sends for them: what the arguments hold of each.
[[nodiscard]] HttpHeaders mirrored_headers(const std::vector<HeaderParam>& params, std::string_view arguments);

// The member of params that Mcp-Name repeats ("name", "uri", "taskId"); empty for methods without one.
[[nodiscard]] std::string_view named_member(std::string_view method);
// The text of a header's value; absent where it claims to be base64 and is none, or no UTF-8.
[[nodiscard]] std::optional<std::string> header_text(std::string_view value);
// The way back: as it is where it can stand there, else =?base64?…?=.
[[nodiscard]] std::string as_header(std::string_view text);

}  // namespace bursar::broker
