// Session ids of the legacy era as handles: what a session needs to be opened anew stands in its id, sealed.
//
//   std::string id = session_handle(handles, opening, now);
//   std::optional<SessionHandle> known = read_session_handle(handles, id, principal);   // in another process, later
//
// So a gateway that was restarted, or another replica with the same secret, goes on with sessions that it never saw. An
// agent that says more about itself than kMaxSealed gets an id that only its own process knows.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bursar/broker/mcp/agent_session.h"

namespace bursar::broker {

inline constexpr std::size_t kMaxSealed = 4096;                       // bytes of capabilities and client info
inline constexpr Duration kSessionLifetime = std::chrono::hours{24};  // of an id that no process remembers

struct SessionHandle {
  AgentSession::Opening opening;
  WallTime made{};
};

[[nodiscard]] Result<std::string> session_handle(const Handles& handles, const AgentSession::Opening& opening,
                                                 WallTime now);
// Absent for what is no handle of ours, or of another principal. Whether it is too old is the caller's to say.
[[nodiscard]] std::optional<SessionHandle> read_session_handle(const Handles& handles, std::string_view id,
                                                               const Principal& principal);

// Gives the services what handles need: the secret, of the configuration or of the database, and the ended sessions.
// Errors: those of the database.
[[nodiscard]] Result<void> open_handles(McpServices& services, const HandlesConfig& config,
                                        const std::string& database);

}  // namespace bursar::broker
