// What the ledger asks of a database: one durable transaction at a time, made of typed operations.
//
//   auto store = open_sqlite_store({.path = "ledger.db"});          // sqlite_store.h
//   auto ledger = Ledger::open(std::move(*store), clock, options);
//
// The protocol, which is the same for one process and for many that share a store:
//   * A cell is one limit of one account in the current instance of its window. Its row holds what ended processes
//     spent (`base`), and each live process has one lease row with its durable bound `granted`.
//   * base + sum(granted) <= limit is checked inside the transaction that raises `granted`; the process spends only
//     after that transaction is on disk. Every write is absolute, so that a transaction whose answer was lost can be
//     sent again.
//   * A lease row also says what of it is `settled`, through which receipt. What a dead process left is therefore
//     granted - settled - (receipts after that one), and that remainder counts as spent: it is stranded.
// lease.h holds this arithmetic; every store calls it inside its own transaction.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/clock.h"
#include "bursar/core/result.h"
#include "bursar/ledger/account.h"
#include "bursar/ledger/ledger.h"

namespace bursar::ledger {

using AccountId = std::uint32_t;  // 0, 1, …; never reused
using CellId = std::uint32_t;     // 0, 1, …; never reused
using ProcessId = std::uint32_t;  // 1, 2, …; a new one at every open of the store

inline constexpr AccountId kNoAccount = std::numeric_limits<AccountId>::max();
inline constexpr std::int64_t kEndlessBegin = std::numeric_limits<std::int64_t>::min();  // begin_us of kTotal, kRate

struct CellRow {
  CellId id = 0;
  AccountId account = 0;
  Limit limit;
  bool live = true;                       // false: the limit was taken away; the row keeps the count
  std::int64_t begin_us = kEndlessBegin;  // the window's instance
  std::int64_t base = 0;                  // spent by processes that ended, stranded included
  std::int64_t stranded = 0;              // part of base that no receipt accounts for
  std::int64_t overrun = 0;               // part of base above what was reserved
  std::int64_t level = 0;                 // kRate: tokens that nobody has leased at `level_at_us`; negative is a debt
  std::int64_t level_at_us = 0;
  bool anew = false;  // in an AccountWrite: its instance began since the store last heard of it, so its count is zero
};

struct AccountRow {
  AccountId id = 0;
  AccountSpec spec;
};

// A lease as this process wants it from now on. All values are totals of the window's instance, not differences.
struct LeaseWrite {
  CellId cell = 0;
  std::int64_t begin_us = kEndlessBegin;
  std::uint32_t born = 0;    // receipts with an older `born` belong to an earlier instance
  std::int64_t granted = 0;  // the bound that is wanted
  std::int64_t floor = 0;    // the bound that must stand even above the limit: spent + held
  std::int64_t settled = 0;  // spent, as of the batch's `through`
  std::int64_t overrun = 0;
  std::int64_t settled_at_us = 0;  // kRate: when `settled` last changed
};

struct LeaseAnswer {
  bool stale = false;        // another process is already in a later instance of the window
  std::int64_t granted = 0;  // the bound that stands: at most what was wanted, at least the floor
  std::int64_t base = 0, stranded = 0, overrun = 0;
  std::int64_t level = 0, level_at_us = 0;
};

struct ReceiptRow {
  std::uint64_t sequence = 0;
  HoldId hold = 0;
  AccountId account = 0;
  std::int64_t at_us = 0;
  std::uint32_t born = 0;
  std::uint8_t flags = 0;    // codec.h
  std::string_view amounts;  // reserved and actual, packed by codec.h
  std::string_view key, memo;
};

// The hold of a `sync` account, on disk before it is granted and gone once it is settled, released or expired.
struct ReservationRow {
  HoldId hold = 0;
  AccountId account = 0;
  std::int64_t at_us = 0, expires_us = 0;
  std::string amounts;  // packed by codec.h
  std::string key;
};

struct AccountWrite {
  AccountRow account;
  std::vector<CellRow> cells;  // id, account, limit, live and begin_us count; a new cell starts at zero
};

// One transaction: all of it is durable, or none. Sending it again after an error changes nothing twice.
struct Batch {
  std::int64_t now_us = 0;
  std::uint64_t through = 0;  // every receipt with sequence <= through is in this batch or an earlier one
  bool checkpoint = false;    // every lease that changed up to `through` is in this batch or an earlier one
  bool close = false;         // the process ends; what its leases still hold above `settled` is stranded
  std::vector<AccountWrite> accounts;
  std::vector<CellId> forgiven;  // stranded amounts that an operator gave back
  std::vector<LeaseWrite> leases;
  std::vector<ReceiptRow> receipts;
  std::vector<ReservationRow> reservations;
  std::vector<HoldId> closed_reservations;
  [[nodiscard]] bool empty() const {
    return !close && !checkpoint && accounts.empty() && forgiven.empty() && leases.empty() && receipts.empty() &&
           reservations.empty() && closed_reservations.empty();
  }
};

struct FinishedKey {
  std::string key, account;
  Receipt receipt;
};

// Everything a process needs to start, after the leases of ended processes were reconciled.
struct Snapshot {
  ProcessId process = 0;
  std::vector<AccountRow> accounts;  // parents before children
  std::vector<CellRow> cells;
  std::vector<FinishedKey> keys;  // newest last
  std::size_t reconciled_leases = 0;
  std::size_t stranded_reservations = 0;  // of sync accounts, left open by ended processes
};

struct ReceiptQuery {
  std::string under;  // empty: all
  WallTime from, to;  // from <= at < to
  std::size_t limit = 1000;
};

// Errors of every call: kUnavailable (locked, full, read-only; retryable where waiting helps), kCorrupt. After an error
// the process must assume that the batch may or may not be durable, and send its successor.
class Store {
 public:
  virtual ~Store() = default;
  // Registers a new process and reconciles ended ones, in one transaction.
  [[nodiscard]] virtual Result<Snapshot> open(WallTime now, std::size_t max_keys) = 0;
  // Returns when the batch is durable; one answer for each lease write. Called by one thread.
  [[nodiscard]] virtual Result<std::vector<LeaseAnswer>> commit(const Batch& batch) = 0;
  // Durable receipts by time, oldest first. Called by any thread.
  [[nodiscard]] virtual Result<std::vector<Receipt>> receipts(const ReceiptQuery& query) = 0;
};

}  // namespace bursar::ledger
