// One agent on standard input and output (JSON-RPC, a message a line), a gateway behind it over HTTP: what a desktop
// client starts as its child process.
//
//   auto done = run_stdio_bridge({.url = "http://127.0.0.1:8484/mcp", .authorization = "Bearer sk-…"});
//
// Both eras: a legacy client gets the session, the event stream and the protocol version headers that it does not know
// of; for a modern client each message becomes a request of its own, with its body repeated in the headers, and
// notifications/cancelled closes the request's connection. Returns when the input ends, or after SIGTERM or SIGINT,
// which must be blocked in all threads. Nothing but messages is written to the output.
#pragma once

#include <string>

#include "bursar/broker/config/identity_config.h"
#include "bursar/core/result.h"

namespace bursar::broker {

struct BridgeOptions {
  std::string url;            // of the MCP endpoint
  std::string authorization;  // value of that header; empty for none
  TlsClientConfig tls = {};
  int in = 0, out = 1;  // file descriptors
};

// Errors: kInvalidArgument for the url; kUnavailable where the output cannot be written.
[[nodiscard]] Result<void> run_stdio_bridge(const BridgeOptions& options);

}  // namespace bursar::broker
