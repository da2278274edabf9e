// Idempotency: what a key has led to so far. A key belongs to its account, so that tenants cannot meet in one.
#include <algorithm>

#include "bursar/ledger/assert.h"
#include "bursar/ledger/engine.h"

namespace bursar::ledger {
namespace {

std::string full_key(std::string_view account, std::string_view key) {
  std::string full;
  full.reserve(account.size() + key.size() + 1);
  full.append(account).append(1, '\n').append(key);
  return full;
}

}  // namespace

Engine::KeyStripe& Engine::stripe_of(std::string_view key) { return stripes_[StringHash{}(key) % stripes_.size()]; }

// Absent where the key is new or free again (released, expired). Needs the stripe; `locked`: every shard is locked too.
std::optional<Reservation> Engine::known_key(KeyStripe& stripe, const ReserveRequest& request, bool locked) {
  const auto found = stripe.keys.find(full_key(request.account, request.idempotency_key));
  if (found == stripe.keys.end()) return std::nullopt;
  const Key& key = found->second;
  const Refusal conflict{.why = Refusal::Why::kKeyConflict, .account = request.account};
  if (key.finished) {
    if (!(key.reserved == request.amounts)) return conflict;
    if (auto hold = finished_hold(key, request, locked)) return std::move(*hold);
    return unavailable(request.account, "no more holds can be open at once; settle or release some");
  }
  Shard& shard = shards_[key.shard];
  std::unique_lock<std::mutex> lock;
  if (!locked) lock = std::unique_lock(shard.mutex);
  HoldEntry* hold = shard.find(key.slot, key.hold);
  if (hold == nullptr) return std::nullopt;
  const std::int64_t now_us = shard.monotone(unix_us(clock_.now()));
  if (hold->state == HoldState::kHeld && now_us >= hold->expires_us) return std::nullopt;
  if (hold->state != HoldState::kHeld && hold->state != HoldState::kSettled) return std::nullopt;
  if (!(hold->amounts == request.amounts)) return conflict;
  if (hold->pending) return NeedsGrant{};
  return hand_out(key.shard, key.slot);
}

// A hold that was settled before, so that its settle() answers with that receipt. It lives in the shard that its id
// names, which an earlier process may have had and this one does not use: such shards exist, and hold nothing else.
std::optional<Hold> Engine::finished_hold(const Key& key, const ReserveRequest& request, bool locked) {
  const auto index = static_cast<unsigned>(key.hold & (kMaxShards - 1));
  Shard& shard = shards_[index];
  std::unique_lock<std::mutex> lock;
  if (!locked || index >= shard_count_) lock = std::unique_lock(shard.mutex);
  const AccountId account = tree_.find(request.account);
  const std::uint32_t slot = account == kNoAccount ? kNoSlot : shard.new_hold(hold_slots_left_);
  if (slot == kNoSlot) return std::nullopt;
  HoldEntry& entry = shard.at(slot);
  entry.id = key.hold;
  entry.state = HoldState::kSettled;
  entry.sync = entry.pending = false;
  entry.refs = 0;
  entry.account = account;
  entry.settled_us = key.at_us;
  entry.sequence = key.sequence;
  entry.amounts = key.reserved;
  entry.actual = key.actual;
  entry.overrun = key.overrun;
  entry.uncertain = key.uncertain;
  entry.key = request.idempotency_key;
  entry.memo = key.memo;
  return hand_out(index, slot);
}

void Engine::remember_key(KeyStripe& stripe, const ReserveRequest& request, const Hold& hold, unsigned shard) {
  insert_key(stripe, full_key(request.account, request.idempotency_key),
             {.hold = hold.id_, .slot = hold.slot_, .shard = static_cast<std::uint8_t>(shard)});
}

void Engine::insert_key(KeyStripe& stripe, std::string full, Key key) {
  const auto [at, added] = stripe.keys.insert_or_assign(std::move(full), std::move(key));
  if (!added) return;
  stripe.order.push_back(at->first);
  const std::size_t most = std::max<std::size_t>(1, options_.max_idempotency_keys / stripes_.size());
  while (stripe.order.size() > most) {
    stripe.keys.erase(stripe.order.front());
    stripe.order.pop_front();
  }
}

void Engine::finish_key(const Receipt& receipt) {
  KeyStripe& stripe = stripe_of(receipt.idempotency_key);
  const std::lock_guard lock(stripe.mutex);
  const auto found = stripe.keys.find(full_key(receipt.account, receipt.idempotency_key));
  // A hold that expired may settle late, when its key already leads to another one.
  if (found == stripe.keys.end() || found->second.hold != receipt.hold) return;
  Key& key = found->second;
  key.finished = true;
  key.reserved = receipt.reserved;
  key.actual = receipt.actual;
  key.overrun = receipt.overrun;
  key.at_us = unix_us(receipt.at);
  key.sequence = receipt.sequence;
  key.uncertain = receipt.uncertain;
  key.memo = receipt.memo;
}

void Engine::load_keys(std::vector<FinishedKey> keys) {
  for (FinishedKey& k : keys) {
    KeyStripe& stripe = stripe_of(k.key);
    Receipt& r = k.receipt;
    insert_key(stripe, full_key(k.account, k.key),
               {.hold = r.hold,
                .finished = true,
                .reserved = r.reserved,
                .actual = r.actual,
                .overrun = r.overrun,
                .at_us = unix_us(r.at),
                .sequence = r.sequence,
                .uncertain = r.uncertain,
                .memo = std::move(r.memo)});
  }
}

}  // namespace bursar::ledger
