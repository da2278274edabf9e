#include "bursar/broker/audit/digest.h"
#include "bursar/broker/mcp/modern_call.h"

namespace bursar::broker {

void ModernCalls::add(const std::shared_ptr<ModernCall>& call) {
  const std::scoped_lock lock(mutex_);
  running_.emplace(call.get(), call);
}

void ModernCalls::remove(const ModernCall& call) {
  std::shared_ptr<ModernCall> last;  // let go of outside the lock
  const std::scoped_lock lock(mutex_);
  const auto found = running_.find(&call);
  if (found == running_.end()) return;
  last = std::move(found->second);
  running_.erase(found);
}

std::optional<std::string> ModernCalls::park(const std::shared_ptr<ModernCall>& call, SteadyTime until) {
  const std::scoped_lock lock(mutex_);
  const std::string& subject = call->principal().subject;
  const auto own = per_principal_.find(subject);
  if (parked_.size() >= kMaxParked || (own != per_principal_.end() && own->second >= kMaxParkedPerPrincipal)) {
    return std::nullopt;
  }
  std::string id = base64url(random_bytes(16));
  if (id.empty()) return std::nullopt;
  ++per_principal_[subject];
  parked_[id] = {call, until};
  return id;
}

void ModernCalls::forget(std::unordered_map<std::string, Parked>::iterator parked) {
  const auto own = per_principal_.find(parked->second.call->principal().subject);
  if (own != per_principal_.end() && --own->second == 0) per_principal_.erase(own);
  parked_.erase(parked);
}

std::shared_ptr<ModernCall> ModernCalls::unpark(const std::string& id) {
  const std::scoped_lock lock(mutex_);
  const auto found = parked_.find(id);
  if (found == parked_.end()) return nullptr;
  auto call = found->second.call;
  forget(found);
  return call;
}

void ModernCalls::sweep() {
  std::vector<std::shared_ptr<ModernCall>> running, over;
  {
    const std::scoped_lock lock(mutex_);
    const SteadyTime now = std::chrono::steady_clock::now();
    for (auto it = parked_.begin(); it != parked_.end();) {
      const auto parked = it++;
      if (parked->second.until > now) continue;
      over.push_back(parked->second.call);
      forget(parked);
    }
    for (const auto& [raw, call] : running_) running.push_back(call);
  }
  for (const auto& call : over) call->reactor().post([call] { call->close(Cause::kTimeout); });
  for (const auto& call : running) call->reactor().post([call] { call->tick(); });
}

void ModernCalls::close_all(Cause cause) {
  std::unordered_map<const ModernCall*, std::shared_ptr<ModernCall>> running;
  {
    const std::scoped_lock lock(mutex_);
    running = running_;
    parked_.clear();
    per_principal_.clear();
  }
  for (const auto& [raw, call] : running) call->reactor().post([call, cause] { call->close(cause); });
}

std::size_t ModernCalls::parked() const {
  const std::scoped_lock lock(mutex_);
  return parked_.size();
}

}  // namespace bursar::broker
