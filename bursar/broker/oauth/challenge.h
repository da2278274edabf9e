// What a server says when it refuses a credential (RFC 6750, RFC 9728, section 5.1), and sets of scopes.
//
//   Challenge c = read_challenge(R"(Bearer resource_metadata="https://files.example/.well-known/…", scope="read")");
//   c.resource_metadata; c.scopes;                        // {"read"}
//
// Hostile input: it is bounded, and whatever could not stand in a request of ours is left out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bursar::broker::oauth {

using Scopes = std::vector<std::string>;  // in the order in which they came, each once

struct Challenge {
  bool bearer = false;  // there was a challenge of that scheme; the first with metadata counts, else the first
  std::string resource_metadata, error;
  Scopes scopes;
};

// Reads WWW-Authenticate, several values joined by ", ".
[[nodiscard]] Challenge read_challenge(std::string_view header);

// Words between spaces that may be scopes (RFC 6749, section 3.3); others are left out, and what is past 64 of them.
[[nodiscard]] Scopes split_scopes(std::string_view text);
[[nodiscard]] std::string join_scopes(const Scopes& scopes);
[[nodiscard]] Scopes united(Scopes first, const Scopes& then);
[[nodiscard]] bool has_scope(const Scopes& scopes, std::string_view scope);
[[nodiscard]] bool has_all(const Scopes& scopes, const Scopes& wanted);

}  // namespace bursar::broker::oauth
