#include "bursar/broker/mcp/session_table.h"

#include "bursar/broker/mcp/session_handle.h"

namespace bursar::broker {
namespace {

constexpr auto kQuiet = std::chrono::minutes{1};

}  // namespace

void SessionTable::forget(const std::string& id) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  const auto count = per_principal_.find(found->second->opening().principal.subject);
  if (count != per_principal_.end() && --count->second == 0) per_principal_.erase(count);
  --per_reactor_[&found->second->reactor()];
  sessions_.erase(found);
  if (services_->calls.metrics != nullptr) services_->calls.metrics->add(Gauge::kSessions, -1);
}

Reactor& SessionTable::place(Reactor& here) {
  Reactor* best = &here;
  for (std::size_t i = 0; services_->reactors != nullptr && i < services_->reactors->size(); ++i) {
    Reactor* const other = &services_->reactors->at(i);
    if (per_reactor_[other] < per_reactor_[best]) best = other;
  }
  return *best;
}

Result<std::shared_ptr<AgentSession>> SessionTable::open(AgentSession::Opening opening, Reactor& reactor,
                                                         const LimitsConfig& limits) {
  auto id = session_handle(services_->handles, opening, services_->calls.clock->now());
  if (!id) return tl::unexpected(id.error());
  opening.id = std::move(*id);
  return insert(std::move(opening), reactor, limits);
}

Result<std::shared_ptr<AgentSession>> SessionTable::insert(AgentSession::Opening opening, Reactor& reactor,
                                                           const LimitsConfig& limits) {
  opening.principal.token = nullptr;  // it belongs to a call, and a session outlives those
  std::shared_ptr<AgentSession> evicted;
  std::shared_ptr<AgentSession> session;
  {
    const std::scoped_lock lock(mutex_);
    // Two requests may come with the same unknown id at once.
    if (auto same = known(opening.id, opening.principal, opening.server)) return same;
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
    Reactor& home = place(reactor);
    ++per_reactor_[&home];
    session = std::make_shared<AgentSession>(services_, home, std::move(opening));
    sessions_[session->opening().id] = session;
  }
  if (services_->calls.metrics != nullptr) services_->calls.metrics->add(Gauge::kSessions, 1);
  if (evicted) evicted->reactor().post([evicted] { evicted->close(Cause::kCancelled); });
  return session;
}

std::shared_ptr<AgentSession> SessionTable::known(std::string_view id, const Principal& principal,
                                                  std::string_view server) const {
  const auto found = sessions_.find(std::string(id));
  if (found == sessions_.end()) return nullptr;
  const AgentSession::Opening& opening = found->second->opening();
  const bool own = opening.principal.subject == principal.subject && opening.principal.account == principal.account;
  return own && opening.server == server ? found->second : nullptr;
}

Result<std::shared_ptr<AgentSession>> SessionTable::find(std::string_view id, const Principal& principal,
                                                         std::string_view server, Reactor& reactor,
                                                         const LimitsConfig& limits) {
  {
    const std::scoped_lock lock(mutex_);
    if (auto session = known(id, principal, server)) return session;
  }
  auto handle = read_session_handle(services_->handles, id, principal);
  const WallTime now = services_->calls.clock->now();
  const bool good = handle && handle->opening.server == server && now < handle->made + kSessionLifetime &&
                    !services_->ended->contains(id);
  if (!good) return fail(ErrorCode::kNotFound, "Session not found: initialize a new one");
  return insert(std::move(handle->opening), reactor, limits);
}

void SessionTable::end(const std::shared_ptr<AgentSession>& session) {
  const AgentSession::Opening& opening = session->opening();
  if (const auto handle = read_session_handle(services_->handles, opening.id, opening.principal)) {
    services_->ended->add(opening.id, handle->made + kSessionLifetime);
  }
  remove(session, Cause::kCancelled);
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
