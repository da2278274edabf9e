// The agents' sessions by their ids: bounded, expiring, and each bound to the principal that opened it.
//
//   auto session = table.open(opening, reactor, limits);               // errors: kExhausted
//   auto same = table.find(id, principal, server, reactor, limits);    // kNotFound for another principal
//   table.end(*same);                                                  // DELETE: it does not come back
//
// Ids are handles (session_handle.h): one that this process does not know, because it was restarted or because another
// replica gave it out, opens the session anew, with what was negotiated; what the agent subscribed to and the level of
// its log lines are not in it. A session that was ended stays so until its id's lifetime is over; one that was quiet
// for too long only makes room. Sessions are spread over the reactors evenly, whoever accepted the connection that
// opened them; connections follow (Exchange::prefer). A principal that is at its limit loses its longest unused session
// (if that is quiet for a minute); so a client that never says goodbye harms only itself. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bursar/broker/mcp/agent_session.h"

namespace bursar::broker {

class SessionTable {
 public:
  explicit SessionTable(std::shared_ptr<McpServices> services) : services_(std::move(services)) {}

  // `opening` without its id.
  [[nodiscard]] Result<std::shared_ptr<AgentSession>> open(AgentSession::Opening opening, Reactor& reactor,
                                                           const LimitsConfig& limits);
  // Errors: kNotFound (never was, has ended, is too old, is another's), kExhausted.
  [[nodiscard]] Result<std::shared_ptr<AgentSession>> find(std::string_view id, const Principal& principal,
                                                           std::string_view server, Reactor& reactor,
                                                           const LimitsConfig& limits);
  void end(const std::shared_ptr<AgentSession>& session);
  bool remove(const std::shared_ptr<AgentSession>& session, Cause cause);  // ends it, on its own reactor
  void for_each(const std::function<void(const std::shared_ptr<AgentSession>&)>& visit) const;  // on their reactors
  void sweep(Duration session_idle);                                                            // once a second
  void close_all(Cause cause);
  [[nodiscard]] std::size_t size() const;

 private:
  [[nodiscard]] Reactor& place(Reactor& here);  // the reactor with the fewest sessions; under the lock
  [[nodiscard]] std::vector<std::shared_ptr<AgentSession>> all() const;
  [[nodiscard]] std::shared_ptr<AgentSession> known(std::string_view id, const Principal& principal,
                                                    std::string_view server) const;  // under the lock
  [[nodiscard]] Result<std::shared_ptr<AgentSession>> insert(AgentSession::Opening opening, Reactor& reactor,
                                                             const LimitsConfig& limits);
  void forget(const std::string& id);  // under the lock

  std::shared_ptr<McpServices> services_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<AgentSession>> sessions_;
  std::unordered_map<std::string, std::size_t> per_principal_;
  std::unordered_map<Reactor*, std::size_t> per_reactor_;
};

}  // namespace bursar::broker
