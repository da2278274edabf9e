#include "bursar/ledger/shard.h"

#include <algorithm>

#include "bursar/ledger/assert.h"

namespace bursar::ledger {

bool Shard::try_take(const Tree& tree, AccountId leaf, const Asks& asks, std::int64_t now_us) {
  for (AccountId id = leaf; id != kNoAccount; id = tree.accounts[id].parent) {
    const Account& account = tree.accounts[id];
    if (account.frozen || account.sync) return false;
    for (const CellRef ref : account.cells) {
      const std::int64_t units = asks[ref.resource];
      if (units == 0) continue;
      const ShardCell& cell = cells[ref.cell];
      if (cell.free < units || now_us >= cell.until_us) return false;
    }
  }
  take(tree, leaf, asks);
  return true;
}

void Shard::take(const Tree& tree, AccountId leaf, const Asks& asks) {
  for (AccountId id = leaf; id != kNoAccount; id = tree.accounts[id].parent) {
    for (const CellRef ref : tree.accounts[id].cells) {
      const std::int64_t units = asks[ref.resource];
      if (units == 0) continue;
      ShardCell& cell = cells[ref.cell];
      LEDGER_ASSERT(cell.free >= units);
      cell.free -= units;
      cell.held += units;
      touch(ref.cell);
    }
  }
}

void Shard::give_back(const Tree& tree, const HoldEntry& hold) {
  const Asks held(hold.amounts);
  for (AccountId id = hold.account; id != kNoAccount; id = tree.accounts[id].parent) {
    for (const CellRef ref : tree.accounts[id].cells) {
      ShardCell& cell = cells[ref.cell];
      const std::int64_t units = held[ref.resource];
      if (units == 0 || cell.born > hold.born) continue;  // its instance of the window has ended
      cell.held -= units;
      cell.free += units;
      LEDGER_ASSERT(cell.held >= 0);
      touch(ref.cell);
    }
  }
}

bool Shard::pay(const Tree& tree, const HoldEntry& hold, const Amounts& actual, bool late, std::int64_t now_us) {
  bool debt = false;
  const Asks held(late ? Amounts{} : hold.amounts);
  const Asks paid(actual);
  for (AccountId id = hold.account; id != kNoAccount; id = tree.accounts[id].parent) {
    for (const CellRef ref : tree.accounts[id].cells) {
      ShardCell& cell = cells[ref.cell];
      const std::int64_t h = held[ref.resource], a = paid[ref.resource];
      if ((h | a) == 0) continue;
      // What was held belongs to the window it was taken in; what was not belongs to the window of now.
      if (h != 0 && cell.born > hold.born) continue;
      cell.held -= h;
      cell.spent += a;
      cell.free += h - a;
      cell.overrun += std::max<std::int64_t>(0, a - h);
      cell.settled_at_us = now_us;
      LEDGER_ASSERT(cell.held >= 0);
      debt = debt || cell.free < 0;
      touch(ref.cell);
    }
  }
  return debt;
}

bool Shard::window_ended(const Tree& tree, AccountId leaf, std::int64_t now_us) const {
  for (AccountId id = leaf; id != kNoAccount; id = tree.accounts[id].parent) {
    for (const CellRef ref : tree.accounts[id].cells) {
      if (now_us >= cells[ref.cell].until_us) return true;
    }
  }
  return false;
}

std::uint32_t Shard::new_hold(std::atomic<std::int64_t>& slots_left) {
  if (free_slots_.empty()) {
    const std::int64_t left = slots_left.fetch_sub(kPage, std::memory_order_relaxed);
    if (left <= 0) {
      slots_left.fetch_add(kPage, std::memory_order_relaxed);
      return kNoSlot;
    }
    const std::size_t old = pages_.size() * kPage;
    pages_.push_back(std::make_unique<std::array<HoldEntry, kPage>>());
    for (std::size_t i = old + std::min<std::size_t>(kPage, static_cast<std::size_t>(left)); i > old; --i) {
      free_slots_.push_back(static_cast<std::uint32_t>(i - 1));
    }
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  LEDGER_ASSERT(at(slot).state == HoldState::kFree);
  return slot;
}

void Shard::free_hold(std::uint32_t slot) {
  HoldEntry& hold = at(slot);
  LEDGER_ASSERT(hold.refs == 0 && hold.state != HoldState::kHeld && hold.state != HoldState::kFree);
  hold.state = HoldState::kFree;
  hold.id = 0;
  free_slots_.push_back(slot);
}

HoldEntry* Shard::find(std::uint32_t slot, HoldId id) {
  if (slot >= pages_.size() * kPage || at(slot).id != id || at(slot).state == HoldState::kFree) return nullptr;
  return &at(slot);
}

void Shard::watch(std::uint32_t slot) {
  HoldEntry& hold = at(slot);
  std::uint32_t& head = wheel_[bucket_of(hold.expires_us)];
  hold.previous = kNoSlot;
  hold.next = head;
  if (head != kNoSlot) at(head).previous = slot;
  head = slot;
  ++watched_;
}

void Shard::unwatch(std::uint32_t slot) {
  HoldEntry& hold = at(slot);
  if (hold.previous != kNoSlot) {
    at(hold.previous).next = hold.next;
  } else {
    LEDGER_ASSERT(wheel_[bucket_of(hold.expires_us)] == slot);
    wheel_[bucket_of(hold.expires_us)] = hold.next;
  }
  if (hold.next != kNoSlot) at(hold.next).previous = hold.previous;
  hold.previous = hold.next = kNoSlot;
  --watched_;
}

void Shard::void_hold(const Tree& tree, std::uint32_t slot, HoldState state) {
  HoldEntry& hold = at(slot);
  LEDGER_ASSERT(hold.state == HoldState::kHeld);
  unwatch(slot);
  give_back(tree, hold);
  hold.state = state;
  if (hold.sync) closed.push_back(hold.id);
}

void Shard::expire(const Tree& tree, std::int64_t now_us) {
  const std::int64_t tick = now_us >> kTickBits;
  const std::int64_t first = std::max(wheel_tick_, tick - static_cast<std::int64_t>(kWheel) + 1);
  wheel_tick_ = std::max(wheel_tick_, tick);
  if (watched_ == 0) return;
  for (std::int64_t t = first; t <= tick; ++t) {
    for (std::uint32_t slot = wheel_[static_cast<std::size_t>(t) % kWheel]; slot != kNoSlot;) {
      const std::uint32_t next = at(slot).next;
      if (at(slot).expires_us <= now_us) {
        void_hold(tree, slot, HoldState::kExpired);
        if (at(slot).refs == 0) free_hold(slot);
      }
      slot = next;
    }
  }
}

}  // namespace bursar::ledger
