#include "bursar/broker/mcp/session_handle.h"

#include <charconv>

#include "bursar/broker/audit/digest.h"

namespace bursar::broker {
namespace {

constexpr std::string_view kKind = "session";

std::string binding(const Principal& principal) { return pack({principal.subject, principal.account}); }

}  // namespace

Result<std::string> session_handle(const Handles& handles, const AgentSession::Opening& opening, WallTime now) {
  const bool fits = opening.capabilities.size() + opening.client_info.size() <= kMaxSealed;
  std::string id = fits ? handles.seal(kKind, binding(opening.principal),
                                       pack({std::to_string(unix_us(now)), opening.server, opening.protocol_version,
                                             opening.capabilities, opening.client_info}))
                        : base64url(random_bytes(24));
  if (id.empty()) return fail(ErrorCode::kUnavailable, "the operating system gives no random bytes", true);
  return id;
}

Result<void> open_handles(McpServices& services, const HandlesConfig& config, const std::string& database) {
  auto secret = config.secret.empty() ? handle_secret(database) : Result<std::string>(config.secret);
  if (!secret) return tl::unexpected(with_context("handles", secret.error()));
  auto ended = EndedSessions::open(database, services.calls.clock->now());
  if (!ended) return tl::unexpected(with_context("handles", ended.error()));
  services.handles = Handles(*secret);
  services.ended = std::move(*ended);
  services.state_lifetime = config.state_lifetime;
  return {};
}

std::optional<SessionHandle> read_session_handle(const Handles& handles, std::string_view id,
                                                 const Principal& principal) {
  const auto content = handles.open(kKind, binding(principal), id);
  const auto fields = content ? unpack(*content) : std::nullopt;
  if (!fields || fields->size() != 5) return std::nullopt;
  std::int64_t made = 0;
  (void)std::from_chars((*fields)[0].data(), (*fields)[0].data() + (*fields)[0].size(), made);
  return SessionHandle{.opening = {.id = std::string(id),
                                   .principal = principal,
                                   .server = (*fields)[1],
                                   .protocol_version = (*fields)[2],
                                   .capabilities = (*fields)[3],
                                   .client_info = (*fields)[4]},
                       .made = wall_from_unix_us(made)};
}

}  // namespace bursar::broker
