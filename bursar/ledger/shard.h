// One thread's share of the ledger: what it may spend without asking anyone, its holds, and its queue of receipts.
//
// A shard is to the engine what a process is to the store: it spends only what it was given. `free` is that allowance;
// the engine fills it from the process's leases and takes it back. Nothing here locks or waits: the caller holds the
// shard's mutex. The tree of accounts changes only while every shard is locked, so that any one lock makes it readable.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bursar/ledger/codec.h"
#include "bursar/ledger/store.h"

namespace bursar::ledger {

inline constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t kMaxUnits = std::int64_t{1} << 50;  // of one resource in one reservation or settlement
inline constexpr std::uint32_t kNoSlot = std::numeric_limits<std::uint32_t>::max();
inline constexpr unsigned kMaxShards = 16;

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};

struct CellRef {
  CellId cell = 0;
  std::uint8_t resource = 0;
};

struct Account {
  AccountSpec spec;
  AccountId parent = kNoAccount;
  bool live = false;    // false until its creation is durable
  bool frozen = false;  // effective, as are the two below: a restriction holds before it is durable, a relaxation after
  bool sync = false;
  bool fail_open = false;
  std::vector<CellRef> cells;
  std::vector<CellId> retired;  // limits that were taken away; they keep their count
};

struct Tree {
  std::vector<Account> accounts;
  std::unordered_map<std::string, AccountId, StringHash, std::equal_to<>> by_path;
  std::uint32_t born = 1;  // grows whenever a cell begins anew, so that a hold knows which instance it was taken from

  [[nodiscard]] AccountId find(std::string_view path) const {
    const auto found = by_path.find(path);
    return found == by_path.end() || !accounts[found->second].live ? kNoAccount : found->second;
  }
};

// Amounts spread out by resource, for a look-up in one step.
class Asks {
 public:
  explicit Asks(const Amounts& amounts) {
    for (const Amount& a : amounts.items()) {
      units_[a.resource.index()] = a.units;
      if (a.units != 0) mask_ |= std::uint64_t{1} << a.resource.index();
    }
  }
  [[nodiscard]] std::int64_t operator[](std::uint8_t resource) const {
    return mask_ >> resource & 1 ? units_[resource] : 0;
  }

 private:
  static_assert(Resource::kMaxDeclared <= 64);
  std::array<std::int64_t, 64> units_;  // valid where mask_ says so
  std::uint64_t mask_ = 0;
};

struct ShardCell {
  std::int64_t free = 0;  // negative after an overrun or a late settlement
  std::int64_t held = 0;
  std::int64_t spent = 0;
  std::int64_t overrun = 0;   // part of spent
  std::int64_t until_us = 0;  // the instance ends; 0 sends the first use to the engine
  std::int64_t settled_at_us = 0;
  std::uint32_t born = 0;
  bool dirty = false;
};

enum class HoldState : std::uint8_t { kFree, kHeld, kSettled, kReleased, kExpired };

struct HoldEntry {
  HoldId id = 0;
  HoldState state = HoldState::kFree;
  bool sync = false;
  bool pending = false;  // of a sync account, and its row is not on disk yet
  bool uncertain = false;
  std::uint32_t refs = 0;  // Hold objects; the last one that is dropped releases
  AccountId account = 0;
  std::uint32_t born = 0;
  std::uint32_t previous = kNoSlot, next = kNoSlot;  // in the timing wheel
  std::int64_t expires_us = 0, settled_us = 0;
  std::uint64_t sequence = 0;
  Amounts amounts, actual, overrun;
  std::string key, memo;
};

class alignas(64) Shard {
 public:
  mutable std::mutex mutex;

  // All or nothing over the path: false where any cell cannot pay from this shard, and nothing has changed.
  [[nodiscard]] bool try_take(const Tree& tree, AccountId leaf, const Asks& asks, std::int64_t now_us);
  void take(const Tree& tree, AccountId leaf, const Asks& asks);
  void give_back(const Tree& tree, const HoldEntry& hold);
  // True where it left a cell in debt: the allowances of other shards must be called back.
  [[nodiscard]] bool pay(const Tree& tree, const HoldEntry& hold, const Amounts& actual, bool late,
                         std::int64_t now_us);

  [[nodiscard]] bool window_ended(const Tree& tree, AccountId leaf, std::int64_t now_us) const;

  // A slot for a new hold; kNoSlot where no page of slots is left for all shards together.
  [[nodiscard]] std::uint32_t new_hold(std::atomic<std::int64_t>& slots_left);
  void return_slot(std::uint32_t slot) { free_slots_.push_back(slot); }  // one that was not used
  void free_hold(std::uint32_t slot);
  [[nodiscard]] HoldEntry* find(std::uint32_t slot, HoldId id);
  [[nodiscard]] HoldEntry& at(std::uint32_t slot) { return (*pages_[slot / kPage])[slot % kPage]; }

  void watch(std::uint32_t slot);  // starts to wait for its expiry
  void unwatch(std::uint32_t slot);
  void void_hold(const Tree& tree, std::uint32_t slot, HoldState state);  // released or expired
  void expire(const Tree& tree, std::int64_t now_us);
  [[nodiscard]] std::size_t active_holds() const { return watched_; }

  [[nodiscard]] std::int64_t monotone(std::int64_t now_us) { return last_now_us = std::max(last_now_us, now_us); }
  void touch(CellId cell) {
    if (cells[cell].dirty) return;
    cells[cell].dirty = true;
    dirty.push_back(cell);
  }

  std::vector<ShardCell> cells;
  std::vector<CellId> dirty;  // changed since the engine last looked
  ReceiptBuffer receipts;
  std::vector<HoldId> closed;     // holds of sync accounts that ended
  std::size_t receipt_quota = 0;  // past it a reservation asks the engine
  std::uint64_t next_hold = 0;
  std::int64_t last_now_us = 0;

 private:
  static constexpr int kTickBits = 14;  // 16 ms
  static constexpr std::size_t kWheel = 4096;
  [[nodiscard]] static std::size_t bucket_of(std::int64_t us) {
    return static_cast<std::size_t>(us >> kTickBits) % kWheel;
  }

  static constexpr std::size_t kPage = 256;
  std::vector<std::unique_ptr<std::array<HoldEntry, kPage>>> pages_;
  std::vector<std::uint32_t> free_slots_;
  std::array<std::uint32_t, kWheel> wheel_ = filled();
  std::int64_t wheel_tick_ = 0;
  std::size_t watched_ = 0;
  static std::array<std::uint32_t, kWheel> filled() {
    std::array<std::uint32_t, kWheel> all{};
    all.fill(kNoSlot);
    return all;
  }
};

}  // namespace bursar::ledger
