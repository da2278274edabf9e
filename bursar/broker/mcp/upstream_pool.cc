#include "bursar/broker/mcp/upstream_pool.h"

#include <algorithm>
#include <vector>

#include "bursar/broker/audit/digest.h"
#include "bursar/broker/pipeline/raw_json.h"

namespace bursar::broker {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

std::optional<ListKind> changed_list(std::string_view method) {
  if (method == "notifications/tools/list_changed") return ListKind::kTools;
  if (method == "notifications/prompts/list_changed") return ListKind::kPrompts;
  if (method == "notifications/resources/list_changed") return ListKind::kResources;
  return std::nullopt;
}

}  // namespace

bool can_be_asked(std::string_view capabilities) {
  return std::ranges::any_of(std::initializer_list<std::string_view>{"sampling", "elicitation", "roots"},
                             [&](std::string_view one) { return !raw_member(capabilities, one).empty(); });
}

struct UpstreamPool::State {
  State(std::shared_ptr<CatalogueKeeper> keeper, Said told) : catalogue(std::move(keeper)), said(std::move(told)) {}

  std::shared_ptr<CatalogueKeeper> catalogue;
  Said said;

  std::mutex mutex;
  std::unordered_map<std::string, std::list<std::shared_ptr<Slot>>> slots;  // by key; most recently used first
  std::unordered_map<std::string, std::size_t> per_subject;
  std::size_t count = 0, next = 1;
};

constexpr std::size_t kNoLevel = 8;  // quieter than any

struct UpstreamPool::Slot {
  Slot(Reactor& on, std::string k, std::shared_ptr<Upstream> u, std::string n, std::string s)
      : reactor(on), key(std::move(k)), upstream(std::move(u)), name(std::move(n)), subject(std::move(s)) {}

  Reactor& reactor;
  const std::string key;
  const std::shared_ptr<Upstream> upstream;
  const std::string name, subject;  // of the upstream and the principal
  std::shared_ptr<State> state;
  bool exclusive = false, modern = false;
  std::shared_ptr<UpstreamSession> session;
  std::atomic<bool> lost{false};
  std::atomic<std::size_t> level{kNoLevel};  // that its server was told
  // Under the state's lock.
  std::size_t users = 0;
  std::weak_ptr<Holder> holder;  // of an exclusive slot in use
  SteadyTime last_used = std::chrono::steady_clock::now();
};

// What a session says outside of a request goes to who holds it.
class SlotEvents final : public UpstreamEvents {
 public:
  explicit SlotEvents(std::weak_ptr<UpstreamPool::Slot> slot) : slot_(std::move(slot)) {}

  void on_notification(Message message) override {
    const auto slot = slot_.lock();
    if (!slot) return;
    if (const auto kind = changed_list(message.method())) return slot->state->catalogue->refresh(slot->name, *kind);
    if (message.method() == "notifications/message" || message.method() == "notifications/cancelled") {
      return to_holder(slot, std::move(message));
    }
    if (slot->state->said) slot->state->said(slot.get(), message);
  }
  void on_request(Message message) override {
    if (const auto slot = slot_.lock()) to_holder(slot, std::move(message));
  }
  void on_closed(std::string) override {
    if (const auto slot = slot_.lock()) slot->lost.store(true);
  }

 private:
  static void to_holder(const std::shared_ptr<UpstreamPool::Slot>& slot, Message message) {
    auto owned = std::make_shared<Message>(std::move(message));
    slot->reactor.post([slot, owned] {
      std::shared_ptr<UpstreamPool::Holder> holder;
      {
        const std::scoped_lock lock(slot->state->mutex);
        holder = slot->holder.lock();
      }
      if (holder) return holder->upstream_said(slot->session, *owned);
      if (owned->kind() != MessageKind::kRequest) return;
      slot->session->respond(owned->method() == "ping"
                                 ? make_result(owned->id(), "{}")
                                 : make_error(owned->id(), -32601, "no agent is behind this session now"));
    });
  }

  std::weak_ptr<UpstreamPool::Slot> slot_;
};

UpstreamPool::Lease::~Lease() {
  const std::scoped_lock lock(slot_->state->mutex);
  slot_->users -= 1;
  slot_->last_used = std::chrono::steady_clock::now();
  if (slot_->exclusive) slot_->holder.reset();
}

const std::shared_ptr<UpstreamSession>& UpstreamPool::Lease::session() const { return slot_->session; }
const std::string& UpstreamPool::Lease::upstream() const { return slot_->name; }
bool UpstreamPool::Lease::louder(std::size_t level) {
  if (slot_->modern) return false;
  for (std::size_t told = slot_->level.load(); level < told;) {
    if (slot_->level.compare_exchange_weak(told, level)) return true;
  }
  return false;
}
bool UpstreamPool::Lease::lost() const { return slot_->lost.load(); }

UpstreamPool::UpstreamPool(std::shared_ptr<CatalogueKeeper> catalogue, Said said)
    : state_(std::make_shared<State>(std::move(catalogue), std::move(said))) {}

UpstreamPool::~UpstreamPool() { close(); }

Result<std::shared_ptr<UpstreamPool::Lease>> UpstreamPool::take(const UpstreamEntry& entry, const Wish& wish,
                                                                Reactor& reactor, std::weak_ptr<Holder> holder) {
  const bool shared = entry.config.isolation == Isolation::kShared;
  const bool asked = can_be_asked(wish.capabilities);
  const std::string& subject = wish.principal.subject;
  std::string key = std::to_string(reinterpret_cast<std::uintptr_t>(&reactor)) + '\n' + entry.config.name + '\n';
  if (!shared) key += subject + '\n' + wish.principal.account;
  // What the agent can is told to a legacy server when the session begins; a modern one hears it with each request.
  bool plain = wish.capabilities.size() <= 2;
  const std::scoped_lock lock(state_->mutex);
  if (!plain) {
    const auto known = state_->slots.find(key);
    const bool usable = known != state_->slots.end() && !known->second.empty() && known->second.front()->modern;
    if (usable || entry.upstream->status().era == Era::kModern)
      plain = true;
    else
      key.append("\n").append(wish.capabilities);
  }
  auto& same = state_->slots[key];
  for (auto it = same.begin(); it != same.end();) {
    Slot& slot = **it;
    if (slot.upstream != entry.upstream) slot.lost.store(true);
    if (slot.lost.load()) {
      state_->count -= 1;
      state_->per_subject[slot.subject] -= 1;
      it = same.erase(it);
      continue;
    }
    if (!slot.exclusive || slot.users == 0) {
      slot.users += 1;
      if (slot.exclusive) slot.holder = std::move(holder);
      auto lease = std::make_shared<Lease>(*it);
      same.splice(same.begin(), same, it);
      return lease;
    }
    ++it;
  }
  std::size_t& own = state_->per_subject[subject];
  if (own >= kMaxSlotsPerPrincipal || state_->count >= kMaxSlots) {
    return fail(ErrorCode::kExhausted, "too many sessions with upstreams are in use", true);
  }
  auto slot = std::make_shared<Slot>(reactor, key, entry.upstream, entry.config.name, subject);
  slot->state = state_;
  slot->modern = entry.upstream->status().era == Era::kModern;
  slot->exclusive = entry.config.isolation == Isolation::kSession || (asked && !shared && !slot->modern);
  OpenSession open{.capabilities = std::string(plain ? "{}" : wish.capabilities),
                   .client_info = std::string(wish.client_info),
                   .events = std::make_shared<SlotEvents>(slot)};
  if (!shared) open.key = subject;
  if (entry.authorize) open.authorization = entry.authorize(subject);
  if (!shared && !plain) open.key += '\n' + hex(sha256(wish.capabilities));
  if (slot->exclusive) open.key += '\n' + std::to_string(state_->next++);
  auto session = entry.upstream->open(std::move(open));
  if (!session) return tl::unexpected(session.error());
  slot->session = std::move(*session);
  slot->users = 1;
  if (slot->exclusive) slot->holder = std::move(holder);
  own += 1;
  state_->count += 1;
  same.push_front(slot);
  return std::make_shared<Lease>(slot);
}

void UpstreamPool::sweep() {
  std::vector<std::shared_ptr<Slot>> gone;  // let go of outside the lock
  const std::scoped_lock lock(state_->mutex);
  const SteadyTime now = std::chrono::steady_clock::now();
  for (auto it = state_->slots.begin(); it != state_->slots.end();) {
    std::erase_if(it->second, [&](const std::shared_ptr<Slot>& slot) {
      if (slot->users > 0 || (!slot->lost.load() && now - slot->last_used < kIdle)) return false;
      gone.push_back(slot);
      state_->count -= 1;
      if (const auto own = state_->per_subject.find(slot->subject); own != state_->per_subject.end()) {
        if (--own->second == 0) state_->per_subject.erase(own);
      }
      return true;
    });
    it = it->second.empty() ? state_->slots.erase(it) : std::next(it);
  }
}

void UpstreamPool::close() {
  std::unordered_map<std::string, std::list<std::shared_ptr<Slot>>> all;
  const std::scoped_lock lock(state_->mutex);
  all.swap(state_->slots);
  state_->per_subject.clear();
  state_->count = 0;
}

std::size_t UpstreamPool::size() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->count;
}

}  // namespace bursar::broker
