// The ledger: accounts in a tree, limits per resource and window, and holds that can never overspend them.
//
//   auto ledger = Ledger::open(std::move(store), clock, {});
//   Reservation r = (*ledger)->try_reserve({.account = "acme/research/ada", .amounts = worst_case, .ttl = 60s});
//   if (auto* refused = std::get_if<Refusal>(&r)) return answer(*refused);
//   Hold hold = std::get<Hold>(std::move(r));
//   … the call …
//   hold.settle({.actual = cost});   // what is left returns; a Hold that is dropped releases itself
//
// Which door: try_reserve for a caller that must not block (it may answer NeedsGrant); reserve for the same with a
// callback; reserve_blocking for tests, tools and threads that may wait.
//
// Invariants, at every step and every crash point, for every account, window and resource:
//   spent + held <= limit, except for overruns, which settle() records and shows;
//   durable(granted) >= spent + held of the process: what is spent was leased on disk first;
//   a receipt that was acknowledged is never lost, and receipts never change.
// Semantics follow two-phase transfers: pending (hold) -> post (settle) | void (release) | expire.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bursar/core/amount.h"
#include "bursar/core/clock.h"
#include "bursar/core/result.h"
#include "bursar/ledger/account.h"

namespace bursar::ledger {

class Store;
class Engine;

using HoldId = std::uint64_t;  // unique in the store's whole life

struct ReserveRequest {
  std::string account;                      // leaf of the path; every ancestor is charged too
  Amounts amounts;                          // worst case; non-negative
  std::string idempotency_key = {};         // <= 128 bytes; empty for none. The same key and amounts give the same hold
  Duration ttl = std::chrono::seconds{60};  // 1 ms … 24 h; the hold voids itself when it ends
};

// Why a reservation was refused: the first account of the path (root first) that cannot pay, and when it can again.
struct Refusal {
  enum class Why : std::uint8_t { kLimit, kFrozen, kUnknownAccount, kStoreUnavailable, kKeyConflict, kInvalid };
  Why why = Why::kLimit;
  std::string account = {};
  Resource resource = kCalls;
  Window window = {};
  std::int64_t limit = 0, spent = 0, held = 0, asked = 0, left = 0;  // smallest units
  std::optional<WallTime> refills_at = std::nullopt;                 // absent: never by itself
  std::string detail = {};                                           // kInvalid, kStoreUnavailable: what is wrong
  [[nodiscard]] Error to_error() const;  // one sentence: account, resource, window, what is left, when it refills
};

// The fast path cannot decide without the store (a lease has to grow, or the account is `sync`).
struct NeedsGrant {};

struct Settlement {
  Amounts actual;
  bool uncertain = false;  // the outcome is unknown; `actual` is the price that was fixed for that case
  std::string memo = {};   // <= 256 bytes: what it was for (call id); never a secret
};

struct Receipt {
  std::uint64_t sequence = 0;  // unique and growing in one process's life
  HoldId hold = 0;
  std::string account;
  Amounts reserved, actual, overrun;
  WallTime at;
  bool uncertain = false;
  std::string idempotency_key, memo;
};

// An amount that is held on a whole path of accounts. Move-only; dropping it releases it, so no path leaks.
class Hold {
 public:
  Hold() = default;
  Hold(Hold&&) noexcept;
  Hold& operator=(Hold&&) noexcept;
  ~Hold();

  [[nodiscard]] bool active() const;  // held: neither settled, released nor moved from (it may have expired)
  [[nodiscard]] HoldId id() const;
  [[nodiscard]] const Amounts& amounts() const;
  // Pays `actual` and returns the rest. Above the held amount it is recorded as overrun. Settling an expired hold
  // still records the truth. Idempotent: the second call gives the first receipt. Never waits for the disk.
  Result<Receipt> settle(Settlement settlement);
  void release();                     // pays nothing; idempotent
  Result<void> extend(Duration ttl);  // from now; keeps a long call's hold alive

 private:
  friend class Engine;
  std::shared_ptr<Engine> engine_;
  HoldId id_ = 0;
  std::uint32_t slot_ = 0;
  Amounts amounts_;
};

using Reservation = std::variant<Hold, Refusal, NeedsGrant>;

// One line of the budget tree: an account's limit and where it stands.
struct Standing {
  std::string account;
  Limit limit;
  std::int64_t spent = 0, held = 0, overrun = 0, left = 0, stranded = 0;  // stranded: counted as spent after a crash
  std::optional<WallTime> refills_at;
  bool frozen = false;
};

struct LedgerOptions {
  std::size_t max_accounts = 100'000;
  std::size_t max_holds = 1'000'000;
  std::size_t max_idempotency_keys = 1'000'000;
  Duration group_commit = std::chrono::milliseconds{2};  // longest wait of a receipt for its group
  Duration idle_lease_return = std::chrono::seconds{5};  // an unused lease goes back after this
  Duration lease_ttl = std::chrono::seconds{30};         // for stores that processes share; SQLite's lock makes it idle
  std::size_t max_pending_receipts = 262'144;            // not yet durable; past it nothing more is reserved
  unsigned shards = 0;                                   // 0: one per hardware thread, at most 8; <= 16
};

// Thread-safe. Owns one writer thread; every other thread stays in memory.
class Ledger {
 public:
  // Reconciles what earlier processes left (leases against receipts) before it answers. Errors: kUnavailable where the
  // database is locked or cannot be opened, kCorrupt where it contradicts itself; nothing is written in that case.
  [[nodiscard]] static Result<std::unique_ptr<Ledger>> open(std::unique_ptr<Store> store, const Clock& clock,
                                                            LedgerOptions options = {});
  ~Ledger();  // gives unused leases back and writes what is pending

  // Creates or changes an account; its ancestors must exist. Durable when it returns. Lowering a limit below what is
  // spent only stops new spending.
  Result<void> put_account(const AccountSpec& spec);
  Result<void> freeze(std::string_view account, bool frozen);
  [[nodiscard]] Result<AccountSpec> account(std::string_view path) const;
  [[nodiscard]] std::vector<AccountSpec> accounts() const;  // parents before children

  [[nodiscard]] Reservation try_reserve(const ReserveRequest& request);
  // `done` runs once, inline where the fast path decides, otherwise on the ledger's thread; never with NeedsGrant.
  void reserve(ReserveRequest request, std::function<void(Reservation)> done);
  [[nodiscard]] Reservation reserve_blocking(const ReserveRequest& request,
                                             Duration patience = std::chrono::seconds{5});

  // Gives back what a crash stranded in that account, once an operator knows that it was not spent. Answers with the
  // lines as they stood before.
  Result<std::vector<Standing>> forgive_stranded(std::string_view account);

  void expire();         // voids holds past their ttl; the writer thread calls it too
  Result<void> flush();  // returns when everything before it is durable: acknowledged

  [[nodiscard]] std::vector<Standing> standing(std::string_view under = {}) const;  // tree order
  [[nodiscard]] Result<std::vector<Receipt>> receipts(std::string_view under, WallTime from, WallTime to,
                                                      std::size_t limit = 1000) const;
  [[nodiscard]] Result<void> health() const;  // why new spending is refused, if it is

 private:
  class Writer;
  explicit Ledger(std::shared_ptr<Engine> engine);
  std::shared_ptr<Engine> engine_;
  std::unique_ptr<Writer> writer_;  // ends first
};

}  // namespace bursar::ledger
