// What both transports say and check in the legacy handshake (MCP up to 2025-11-25).
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "bursar/broker/mcp/message.h"

namespace bursar::broker {

inline constexpr std::string_view kLegacyOffered = "2025-11-25";
inline constexpr std::array<std::string_view, 4> kLegacyVersions{"2025-11-25", "2025-06-18", "2025-03-26",
                                                                 "2024-11-05"};

[[nodiscard]] inline std::string initialize_params(std::string_view capabilities, std::string_view client_info) {
  std::string params = R"({"protocolVersion":"2025-11-25","capabilities":)";
  params += capabilities.empty() ? "{}" : capabilities;
  params += ",\"clientInfo\":";
  params += client_info.empty() ? R"({"name":"bursar","version":"0.1.0"})" : client_info;
  return params += '}';
}

// The version that the server chose, empty where it is none that we speak.
[[nodiscard]] inline std::string_view accepted_version(std::string_view initialize_result) {
  std::string_view version = member(initialize_result, "protocolVersion");
  if (version.size() < 2) return {};
  version = version.substr(1, version.size() - 2);
  const bool known = std::find(kLegacyVersions.begin(), kLegacyVersions.end(), version) != kLegacyVersions.end();
  return known ? version : std::string_view{};
}

[[nodiscard]] inline std::string cancelled_params(std::string_view raw_id, std::string_view reason) {
  // The reason is plain text of ours or of an agent: let the builder that escapes do it.
  const std::string quoted = make_notification(reason, {});
  constexpr std::string_view kBefore = R"({"jsonrpc":"2.0","method":)";
  const std::string_view text = std::string_view(quoted).substr(kBefore.size(), quoted.size() - kBefore.size() - 1);
  return std::string(R"({"requestId":)").append(raw_id).append(",\"reason\":").append(text) += '}';
}

}  // namespace bursar::broker
