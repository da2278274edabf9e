// What a token endpoint gives (RFC 6749, section 5).
//
//   auto grant = parse_grant(reply.status, reply.body, now);
//   header = "Bearer " + grant->access_token;
//
// Errors: kPermissionDenied where the endpoint says no, with its error code and never its description, which may repeat
// what it was sent; kUnavailable (retryable) where it says nothing (5xx, 429); kInvalidArgument for anything that is no
// bearer token or cannot stand in a header.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bursar/broker/oauth/challenge.h"
#include "bursar/core/clock.h"
#include "bursar/core/result.h"

namespace bursar::broker::oauth {

struct Grant {
  std::string access_token, refresh_token;  // the latter may be empty
  std::optional<WallTime> expires;          // of the access token; absent: not said
  Scopes scopes;                            // granted; empty: those that were asked for
  bool operator==(const Grant&) const = default;
};

[[nodiscard]] Result<Grant> parse_grant(int status, std::string_view body, WallTime now);

}  // namespace bursar::broker::oauth
