// What is said and checked with servers of MCP 2026-07-28, over both transports. Pure functions.
//
//   std::string params = modern_params(request.params, {.capabilities = agent, .client_info = info});
//   std::string head = modern_headers("tools/call", params, declared);   // HTTP only
//
// There is no session: every request says in its _meta which version it speaks and what its client can do.
#pragma once

#include <string>
#include <string_view>

#include "bursar/broker/upstream/upstream.h"

namespace bursar::broker {

inline constexpr std::string_view kModernVersion = "2026-07-28";

inline constexpr std::string_view kMetaVersion = "io.modelcontextprotocol/protocolVersion";
inline constexpr std::string_view kMetaCapabilities = "io.modelcontextprotocol/clientCapabilities";
inline constexpr std::string_view kMetaClientInfo = "io.modelcontextprotocol/clientInfo";
inline constexpr std::string_view kMetaLogLevel = "io.modelcontextprotocol/logLevel";
inline constexpr std::string_view kMetaSubscription = "io.modelcontextprotocol/subscriptionId";
inline constexpr std::string_view kMetaServerInfo = "io.modelcontextprotocol/serverInfo";

inline constexpr std::string_view kProbeMethod = "server/discover";

inline constexpr int kHeaderMismatch = -32020;
inline constexpr int kMissingCapability = -32021;
inline constexpr int kUnsupportedVersion = -32022;

// What a request says of its client where its own _meta does not; raw JSON, empty for the defaults.
struct Envelope {
  std::string_view capabilities, client_info, log_level;
};

// The params with the envelope in their _meta; what the caller wrote there itself stays, except the version, which is
// ours. O(bytes).
[[nodiscard]] std::string modern_params(std::string_view params, const Envelope& envelope);

// The params without the members that only _meta of the modern era has.
[[nodiscard]] std::string legacy_params(std::string params);

// What an answer to server/discover tells.
enum class ProbeVerdict : std::uint8_t {
  kModern,       // the result is a discovery, and we share a version
  kLegacy,       // anything that such a server would not say: try initialize
  kAgain,        // it refused the version, and names ours as one that it speaks
  kUnsupported,  // a modern server, of versions that we do not speak
  kFailed,       // says nothing about the era: not reached, not let in, or broken
};
[[nodiscard]] ProbeVerdict judge_probe(const UpstreamReply& reply);

// The code of a raw JSON-RPC error object; 0 where it has none.
[[nodiscard]] int error_code_of(std::string_view error);

// Whether a refusal is none that a modern server would give, or is one of our version: then its era is to be asked
// anew.
[[nodiscard]] bool contradicts_modern(const UpstreamReply& reply);
// Whether a refusal of a legacy request comes from a server that is modern now.
[[nodiscard]] bool contradicts_legacy(const UpstreamReply& reply);

// A refusal that our own way of speaking brought about (headers, version) is a failure of ours to the agent, not an
// error that it could mend; a missing capability it must hear of.
[[nodiscard]] UpstreamReply without_our_mistakes(UpstreamReply reply);

// A text as a header's value: as it is where it can stand there, else =?base64?…?=.
[[nodiscard]] std::string header_value(std::string_view text);

// MCP-Protocol-Version, Mcp-Method and, for the methods that have one, Mcp-Name; each line with its end.
[[nodiscard]] std::string modern_headers(std::string_view method, std::string_view params);

}  // namespace bursar::broker
