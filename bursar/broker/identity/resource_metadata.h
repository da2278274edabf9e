// What we tell clients about whose tokens we take (RFC 9728), and how a refusal points there (RFC 6750).
//
//   GET /.well-known/oauth-protected-resource/mcp   ->  {"resource":"https://gateway.example.com/mcp", …}
//   401 WWW-Authenticate: Bearer realm="bursar", resource_metadata="https://gateway.example.com/.well-known/…", …
//
// The gateway is one resource, identity.resource, whatever server a request is for: a token is meant for all or for
// none of them. So the same document stands at /.well-known/oauth-protected-resource, under /mcp, and under
// /mcp/<server>.
#pragma once

#include <string>
#include <string_view>

#include "bursar/broker/config/identity_config.h"
#include "bursar/broker/identity/token_verifier.h"

namespace bursar::broker {

[[nodiscard]] bool is_resource_metadata(std::string_view path);

// The document; empty where there is no issuer, so nothing to tell.
[[nodiscard]] std::string resource_metadata(const IdentityConfig& identity);

// "https://gateway.example.com/.well-known/oauth-protected-resource/mcp"; empty where there is no issuer.
[[nodiscard]] std::string resource_metadata_url(const IdentityConfig& identity);

// The value of WWW-Authenticate for a caller without (`error` empty) or with a bad credential, or with too few scopes.
// `scope` is what to ask the authorization server for; by default the scopes that every token needs.
[[nodiscard]] std::string bearer_challenge(const IdentityConfig& identity, std::string_view error = {},
                                           std::string_view description = {}, std::string_view scope = {});

}  // namespace bursar::broker
