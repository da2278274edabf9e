#include "bursar/broker/mcp/session_table.h"

#include <array>
#include <cstdint>
#include <sys/random.h>

namespace bursar::broker {
namespace {

constexpr auto kQuiet = std::chrono::minutes{1};

Result<std::string> random_id() {
  std::array<std::uint8_t, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return fail(ErrorCode::kUnavailable, "the operating system gives no random bytes", true);
  }
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id = "s-";
  for (const std::uint8_t byte : bytes) {
    id += kDigits[byte >> 4];
    id += kDigits[byte & 15];
  }
  return id;
}

}  // namespace

void SessionTable::forget(const std::string& id) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  const auto count = per_principal_.find(found->second->opening().principal.subject);
  if (count != per_principal_.end() && --count->second == 0) per_principal_.erase(count);
  sessions_.erase(found);
  if (services_->calls.metrics != nullptr) services_->calls.metrics->add(Gauge::kSessions, -1);
}

Result<std::shared_ptr<AgentSession>> SessionTable::open(AgentSession::Opening opening, Reactor& reactor,
                                                         const LimitsConfig& limits) {
  auto id = random_id();
  if (!id) return tl::unexpected(id.error());
  opening.id = std::move(*id);
  std::shared_ptr<AgentSession> evicted;
  std::shared_ptr<AgentSession> session;
  {
    const std::scoped_lock lock(mutex_);
    const std::string& subject = opening.principal.subject;
    const auto own = per_principal_.find(subject);
    const bool full = own != per_principal_.end() && own->second >= limits.sessions_per_principal;
    if (full || sessions_.size() >= limits.sessions) {
      for (const auto& [key, candidate] : sessions_) {
        if (candidate->opening().principal.subject != subject || !candidate->idle_for(kQuiet)) continue;
        if (!evicted || candidate->last_used() < evicted->last_used()) evicted = candidate;
      }
      if (!evicted) {
        return fail(ErrorCode::kExhausted,
                    full ? "this principal has limits.sessions_per_principal sessions already; end one with DELETE"
                         : "the gateway has limits.sessions sessions already",
                    true);
      }
      forget(evicted->opening().id);
    }
    ++per_principal_[subject];
    session = std::make_shared<AgentSession>(services_, reactor, std::move(opening));
    sessions_[session->opening().id] = session;
  }
  if (services_->calls.metrics != nullptr) services_->calls.metrics->add(Gauge::kSessions, 1);
  if (evicted) evicted->reactor().post([evicted] { evicted->close(Cause::kCancelled); });
  return session;
}

std::shared_ptr<AgentSession> SessionTable::find(std::string_view id, const Principal& principal,
                                                 std::string_view server) const {
  const std::scoped_lock lock(mutex_);
  const auto found = sessions_.find(std::string(id));
  if (found == sessions_.end()) return nullptr;
  const AgentSession::Opening& opening = found->second->opening();
  const bool own = opening.principal.subject == principal.subject && opening.principal.account == principal.account;
  return own && opening.server == server ? found->second : nullptr;
}

bool SessionTable::remove(const std::shared_ptr<AgentSession>& session, Cause cause) {
  {
    const std::scoped_lock lock(mutex_);
    const auto found = sessions_.find(session->opening().id);
    if (found == sessions_.end() || found->second != session) return false;
    forget(session->opening().id);
  }
  session->reactor().post([session, cause] { session->close(cause); });
  return true;
}

std::vector<std::shared_ptr<AgentSession>> SessionTable::all() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::shared_ptr<AgentSession>> out;
  out.reserve(sessions_.size());
  for (const auto& [id, session] : sessions_) out.push_back(session);
  return out;
}

void SessionTable::for_each(const std::function<void(const std::shared_ptr<AgentSession>&)>& visit) const {
  for (const auto& session : all()) session->reactor().post([session, visit] { visit(session); });
}

void SessionTable::sweep(Duration session_idle) {
  for (const auto& session : all()) {
    if (session->busy())
      session->reactor().post([session] { session->tick(); });
    else if (session->idle_for(session_idle))
      remove(session, Cause::kCancelled);
  }
}

void SessionTable::close_all(Cause cause) {
  for (const auto& session : all()) remove(session, cause);
}

std::size_t SessionTable::size() const {
  const std::scoped_lock lock(mutex_);
  return sessions_.size();
}

}  // namespace bursar::broker
