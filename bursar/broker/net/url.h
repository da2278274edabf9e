// The address of an HTTP server that we call, taken apart.
//
//   auto url = parse_url("https://mcp.example.org/mcp?team=a");  // tls, host, port 443, target "/mcp?team=a"
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bursar/core/result.h"

namespace bursar::broker {

struct Url {
  bool tls = false;
  std::string host;  // without brackets
  std::uint16_t port = 0;
  std::string authority;  // as the Host header says it: the port only where it is not the scheme's own
  std::string target;     // path and query; at least "/"
};

// Errors: kInvalidArgument for another scheme, an empty host, a user name or password (credentials belong into
// headers), a port out of range, and bytes that cannot stand in a request line. A fragment is dropped.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

}  // namespace bursar::broker
