#include "bursar/broker/oauth/grant.h"

#include <algorithm>

#include "bursar/broker/net/header_text.h"
#include "bursar/core/json.h"

namespace bursar::broker::oauth {
namespace {

constexpr std::size_t kMaxAnswer = 64 << 10, kMaxToken = 12 << 10;
constexpr std::int64_t kMaxLifetime = std::int64_t{10} * 365 * 24 * 3600;  // seconds

bool clean(std::string_view token) {
  return std::ranges::all_of(token, [](char c) { return c > ' ' && c <= '~'; });
}

// Only what an error code may be, for it is told on.
std::string error_code_in(std::string_view body) {
  const auto document = parse_json(body, {.max_bytes = kMaxAnswer, .max_depth = 8});
  if (!document) return {};
  const auto code = JsonView(*document).string_at("error", 64);
  if (!code || !std::ranges::all_of(*code, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; })) return {};
  return " " + std::string(*code);
}

}  // namespace

Result<Grant> parse_grant(int status, std::string_view body, WallTime now) {
  if (status != 200) {
    const bool silent = status >= 500 || status == 429 || status == 408;
    return fail(silent ? ErrorCode::kUnavailable : ErrorCode::kPermissionDenied,
                "the token endpoint answered " + std::to_string(status) + error_code_in(body), silent);
  }
  const auto document = parse_json(body, {.max_bytes = kMaxAnswer, .max_depth = 8});
  if (!document) return invalid_argument("the token endpoint's answer is no JSON");
  const JsonView root(*document);
  const auto type = root.string_at("token_type", 32);
  const auto token = root.string_at("access_token", kMaxToken);
  if (!type || !token) return invalid_argument("the token endpoint's answer has no access_token and token_type");
  if (!same_ignoring_case(*type, "bearer")) return invalid_argument("the token endpoint's answer is no bearer token");
  if (token->empty() || !clean(*token)) {
    return invalid_argument("the token endpoint's access_token cannot stand in a header");
  }
  Grant out{.access_token = std::string(*token)};
  if (const auto refresh = root.string_at("refresh_token", kMaxToken); refresh && clean(*refresh)) {
    out.refresh_token = *refresh;
  }
  if (const auto lifetime = root.int_at("expires_in", 1)) {
    out.expires = now + std::chrono::seconds{std::min(*lifetime, kMaxLifetime)};
  }
  if (const auto scope = root.string_at("scope", 8 << 10)) out.scopes = split_scopes(*scope);
  return out;
}

}  // namespace bursar::broker::oauth
