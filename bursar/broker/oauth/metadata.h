// The documents by which an MCP server and its authorization server describe themselves: where they are, and what may
// be believed of them.
//
//   for (const auto& url : resource_metadata_urls("https://files.example/mcp")) …   // RFC 9728: the path's, the root's
//   auto resource = parse_resource_metadata(body, "https://files.example/mcp");
//   for (const auto& url : server_metadata_urls(resource->servers.front())) …       // RFC 8414, OpenID Connect
//   auto server = parse_server_metadata(body, resource->servers.front());
//
// Refused: metadata of a resource that is not the server we call (the same, or above it on the same host), metadata of
// another issuer (compared byte by byte), a server without PKCE by S256. Errors: kInvalidArgument; they repeat at most
// 200 bytes of what came.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/oauth/challenge.h"
#include "bursar/core/result.h"

namespace bursar::broker::oauth {

struct ResourceMetadata {
  std::string resource;              // exactly as published: what goes into `resource` (RFC 8707)
  std::vector<std::string> servers;  // issuers, at least one
  Scopes scopes;
};

struct ServerMetadata {
  std::string issuer, authorization_endpoint, token_endpoint, registration_endpoint;  // the latter may be empty
  std::vector<std::string> token_auth_methods;                                        // empty: not said
  Scopes scopes;
  bool says_issuer = false;             // its answers carry `iss` (RFC 9207)
  bool reads_client_documents = false;  // Client ID Metadata Documents
};

[[nodiscard]] std::vector<std::string> resource_metadata_urls(std::string_view server_url);
[[nodiscard]] Result<ResourceMetadata> parse_resource_metadata(std::string_view body, std::string_view server_url);

[[nodiscard]] std::vector<std::string> server_metadata_urls(std::string_view issuer);
// `browser`: somebody will be sent to its authorization endpoint, so it must have one, and S256.
[[nodiscard]] Result<ServerMetadata> parse_server_metadata(std::string_view body, std::string_view issuer,
                                                           bool browser = true);

}  // namespace bursar::broker::oauth
