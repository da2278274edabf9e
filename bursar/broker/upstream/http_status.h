// What the answers of an HTTP upstream mean. Pure functions.
#pragma once

#include <string_view>

#include "bursar/broker/upstream/upstream.h"

namespace bursar::broker {

// "application/json; charset=utf-8" is application/json; case does not count.
[[nodiscard]] bool is_media_type(std::string_view header, std::string_view type);

// 1 … 1024 visible ASCII characters, as the protocol demands; anything else could not go back in a header.
[[nodiscard]] bool valid_session_id(std::string_view id);

// 404, or a 400 whose JSON-RPC error speaks of the session, as servers that restarted send it.
[[nodiscard]] bool says_session_is_gone(int status, std::string_view body);

// The reply for any status but 200. A JSON-RPC error in the body is passed on where the status says that the request
// was wrong (400, 404, 405, 409, 422); otherwise the status decides: 401, 403, 408, 413, 429, 500, 502 … 504 have
// causes of their own, a redirection is not followed, the rest breaks the protocol. Retry-After is seconds or a date,
// counted from `now`.
[[nodiscard]] UpstreamReply reply_of_refusal(
    int status, std::string_view retry_after, std::string_view body,
    WallTime now = std::chrono::floor<Duration>(std::chrono::system_clock::now()));

}  // namespace bursar::broker
