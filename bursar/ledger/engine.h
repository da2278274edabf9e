// The ledger without threads and without waiting: every step is a call, so that a simulator can order them at will.
//
//   auto engine = Engine::open(std::move(store), clock, {});
//   Reservation r = (*engine)->try_reserve(request);   // memory only
//   (*engine)->pump();                                 // one transaction: collect(), then the store, then apply()
//
// Two sides:
//   * the shards (shard.h): reserve, settle and release touch one shard, under its own mutex;
//   * the centre: leases, limits, windows. Whatever a shard cannot pay from its own allowance is decided here, with
//   every
//     shard locked, so that no refusal is final while another shard still holds what was asked.
// For each cell:  granted = pool + sum over shards (free + held + spent);   durable >= granted, except while an
// overrun, or a fail_open account during a store's failure, waits for its next transaction. Lock order: key stripe,
// centre, shards by number. Callbacks run without any lock.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "bursar/core/clock.h"
#include "bursar/ledger/lease.h"
#include "bursar/ledger/ledger.h"
#include "bursar/ledger/shard.h"
#include "bursar/ledger/store.h"

namespace bursar::ledger {

class Engine : public std::enable_shared_from_this<Engine> {
 public:
  using Reserved = std::function<void(Reservation)>;
  using Done = std::function<void(Result<void>)>;

  [[nodiscard]] static Result<std::shared_ptr<Engine>> open(std::unique_ptr<Store> store, const Clock& clock,
                                                            LedgerOptions options);
  ~Engine();

  // Any thread; none of these waits for the store.
  [[nodiscard]] Reservation try_reserve(const ReserveRequest& request);
  void reserve(ReserveRequest request, Reserved done);
  [[nodiscard]] Result<Receipt> settle(HoldId id, std::uint32_t slot, Settlement settlement);
  [[nodiscard]] Result<void> extend(HoldId id, std::uint32_t slot, Duration ttl);
  void release(HoldId id, std::uint32_t slot);
  void drop(HoldId id, std::uint32_t slot);  // one Hold object is gone
  [[nodiscard]] bool active(HoldId id, std::uint32_t slot);
  void expire();

  void put_account(AccountSpec spec, Done done);
  void freeze(std::string_view path, bool frozen, Done done);
  void forgive(std::string_view path, std::function<void(Result<std::vector<Standing>>)> done);
  void flush(Done done);

  [[nodiscard]] Result<AccountSpec> account(std::string_view path) const;
  [[nodiscard]] std::vector<AccountSpec> accounts() const;
  [[nodiscard]] std::vector<Standing> standing(std::string_view under);
  [[nodiscard]] Result<std::vector<Receipt>> receipts(const ReceiptQuery& query) const;
  [[nodiscard]] Result<void> health() const;
  [[nodiscard]] std::size_t open_holds() const;
  [[nodiscard]] std::size_t stranded_reservations() const { return stranded_reservations_; }
  [[nodiscard]] ProcessId process() const { return process_; }

  // The slow side; one thread at a time, in this order. pump() is all three.
  void collect();
  void commit();
  void apply();
  void pump();
  [[nodiscard]] bool has_waiting() const;  // someone waits for the next transaction
  [[nodiscard]] bool failing() const;      // the last transaction failed
  // Ends the engine: later calls fail, waiting ones are refused. `graceful` writes what is pending and gives unused
  // leases back; without it nothing is written, as after a crash.
  void close(bool graceful);

  // Called when work arrives: urgent where someone waits for it. Set before any other thread uses the engine.
  void set_waker(std::function<void(bool urgent)> waker) { waker_ = std::move(waker); }
  // While idle, the first receipt calls the waker; otherwise it waits for the next pump().
  void set_idle(bool idle) { idle_.store(idle, std::memory_order_relaxed); }
  // For simulation: the calling thread takes the place of thread `number`.
  static void pretend_thread(unsigned number);
  void check_invariants();  // aborts where the books do not balance; O(cells x shards)

 private:
  struct Cell {
    AccountId account = 0;
    Limit limit;
    bool live = false;
    std::int64_t begin_us = kEndlessBegin, end_us = 0;
    std::uint32_t born = 0;
    std::int64_t base = 0, stranded = 0, base_overrun = 0;
    std::int64_t granted = 0, durable = 0, pool = 0;
    Bucket bucket;                    // kRate: as the store last answered
    std::int64_t bucket_settled = 0;  // kRate: settled as the store knows it
    double rate = 0;                  // units a second, smoothed
    std::int64_t burst = 0;           // grows while reservations starve
    std::int64_t want = 0;            // asked for by try_reserve, not yet granted
    std::int64_t waiting = 0;         // asked for by the waiters of this batch
    std::int64_t last_used = 0, last_tick_us = 0, last_change_us = 0;
    bool anew = false;                  // its instance began, and the store does not know yet
    bool dirty = false, write = false;  // changed since the last checkpoint; must be written in the next batch
    bool hot = false, urgent = false;   // in hot_, in urgent_
    std::uint64_t planned = 0;          // the round that last looked at it
  };
  struct Sums {  // over all shards
    std::int64_t free = 0, held = 0, spent = 0, overrun = 0, settled_at_us = 0;
    [[nodiscard]] std::int64_t used() const { return held + spent; }
  };
  struct Waiter {
    ReserveRequest request;
    Reserved done;
    unsigned shard = 0;
    unsigned rounds = 0;
  };
  struct SyncWaiter {
    Hold hold;
    Reserved done;
    ReservationRow row;
  };
  struct AccountOp {
    AccountSpec spec;
    Done done;
    AccountId id = kNoAccount;  // once it was planned
    std::vector<CellRow> cells;
  };
  struct ForgiveOp {
    std::string path;
    std::function<void(Result<std::vector<Standing>>)> done;
    std::vector<CellId> cells;
    std::vector<Standing> lines;  // as they stood before
  };
  struct FlushOp {
    std::uint64_t sequence = 0;
    Done done;
  };
  struct Key {
    HoldId hold = 0;
    std::uint32_t slot = 0;
    std::uint8_t shard = 0;
    bool finished = false;
    Amounts reserved, actual, overrun;
    std::int64_t at_us = 0;
    std::uint64_t sequence = 0;
    bool uncertain = false;
    std::string memo;
  };
  struct KeyStripe {
    std::mutex mutex;
    std::unordered_map<std::string, Key, StringHash, std::equal_to<>> keys;
    std::deque<std::string> order;
  };
  struct Inflight {
    bool active = false;
    Batch batch;
    std::uint64_t cut = 0;
    std::vector<AccountOp> accounts;
    std::vector<ForgiveOp> forgiven;
    std::vector<SyncWaiter> sync;
    std::vector<FlushOp> flushes;
    std::size_t receipts = 0;
    Result<std::vector<LeaseAnswer>> answer;
  };
  struct Locks {  // the centre and every shard
    explicit Locks(Engine& engine);
    std::unique_lock<std::mutex> centre;
    std::array<std::unique_lock<std::mutex>, kMaxShards> shards;
  };
  using Verdict = std::variant<std::monostate, Refusal, NeedsGrant>;
  using Callbacks = std::vector<std::move_only_function<void()>>;

  Engine(std::unique_ptr<Store> store, const Clock& clock, LedgerOptions options);
  void load(Snapshot snapshot);

  // engine.cc
  [[nodiscard]] unsigned my_shard() const;
  [[nodiscard]] Shard& shard_of(HoldId id) { return shards_[id & (kMaxShards - 1)]; }
  [[nodiscard]] std::uint32_t make_hold(unsigned shard, AccountId account, const ReserveRequest& request,
                                        std::int64_t now_us);
  [[nodiscard]] Hold hand_out(unsigned shard, std::uint32_t slot);
  [[nodiscard]] Reservation reserve_once(const ReserveRequest& request, unsigned shard);
  void release_locked(Shard& shard, std::uint32_t slot, HoldState state);
  void wake(bool urgent);

  // engine_keys.cc
  [[nodiscard]] KeyStripe& stripe_of(std::string_view full_key);
  [[nodiscard]] std::optional<Reservation> known_key(KeyStripe& stripe, const ReserveRequest& request, bool locked);
  void remember_key(KeyStripe& stripe, const ReserveRequest& request, const Hold& hold, unsigned shard);
  void finish_key(const Receipt& receipt);
  void load_keys(std::vector<FinishedKey> keys);
  void insert_key(KeyStripe& stripe, std::string full_key, Key key);
  [[nodiscard]] std::optional<Hold> finished_hold(const Key& key, const ReserveRequest& request, bool locked);

  // engine_centre.cc: every function here needs Locks
  [[nodiscard]] Reservation decide_locked(const ReserveRequest& request, unsigned shard, bool waiting,
                                          std::int64_t now_us);
  [[nodiscard]] Verdict judge(AccountId leaf, const Asks& asks, std::int64_t now_us);
  // A refusal, or nothing; `lack` is what the store would have to grant first.
  [[nodiscard]] std::optional<Refusal> judge_cell(CellId id, std::int64_t need, std::int64_t& lack,
                                                  std::int64_t now_us);
  [[nodiscard]] Refusal unavailable(std::string account, std::string detail) const;
  void set_until(CellId id);
  void gather(CellId id);                                        // all allowances of the cell return to its pool
  void bring(AccountId leaf, const Asks& asks, unsigned shard);  // moves allowances to that shard
  void roll(CellId id, std::int64_t now_us);
  void roll_path(AccountId leaf, std::int64_t now_us);  // takes the locks itself
  void call_back(AccountId leaf);  // takes the locks itself: where a shard is in debt, the others give up what is free
  [[nodiscard]] Sums sums(CellId id) const;
  [[nodiscard]] std::int64_t bucket_level(const Cell& cell, const Sums& s, std::int64_t now_us) const;
  [[nodiscard]] Standing stand(CellId id, std::int64_t now_us);
  void expire_locked(std::int64_t now_us);
  [[nodiscard]] std::vector<AccountId> path_of(AccountId leaf) const;  // root first
  void warm(CellId id, bool urgent);

  // engine_writer.cc
  void drain(std::int64_t now_us);
  void plan_batch(Callbacks& callbacks);
  void plan_accounts(std::int64_t now_us, Callbacks& callbacks);
  void plan_account(AccountOp& op, std::int64_t now_us);
  [[nodiscard]] CellId plan_cell(AccountOp& op, const Limit& limit, std::int64_t now_us);
  void plan_waiters(std::int64_t now_us);
  void plan_leases(std::int64_t now_us);
  void plan_lease(CellId id, std::int64_t now_us);
  void measure(Cell& cell, const Sums& s, std::int64_t now_us);
  [[nodiscard]] std::int64_t target_of(CellId id, const Sums& s, std::int64_t now_us);
  void apply_success(std::int64_t now_us, Callbacks& callbacks);
  void apply_failure(const Error& error, Callbacks& callbacks);
  void apply_account(AccountOp& op);
  void serve_waiters(std::int64_t now_us, Callbacks& callbacks);
  void serve(Waiter waiter, std::int64_t now_us, Callbacks& callbacks);
  void grant_sync(Callbacks& callbacks);
  void take_answer(const LeaseWrite& write, const LeaseAnswer& answer);
  void refuse_waiters(const Error& error, Callbacks& callbacks);
  void set_quotas();

  std::unique_ptr<Store> store_;
  const Clock& clock_;
  const LedgerOptions options_;
  const unsigned shard_count_;
  ProcessId process_ = 0;
  std::size_t stranded_reservations_ = 0;
  std::function<void(bool)> waker_;

  std::array<Shard, kMaxShards> shards_;
  std::array<std::shared_ptr<Engine>, kMaxShards>
      handles_;  // one reference count a shard, so that threads do not share one
  Tree tree_;
  alignas(64) std::atomic<std::uint64_t> next_sequence_ = 0;
  alignas(64) std::atomic<std::int64_t> hold_slots_left_ = 0;

  mutable std::mutex centre_;
  std::vector<Cell> cells_;
  std::vector<CellId> hot_;     // cells that changed lately
  std::vector<CellId> urgent_;  // cells that must be looked at in the next batch
  std::size_t hot_cursor_ = 0;
  std::uint64_t round_ = 0;
  std::deque<Waiter> waiters_;
  std::vector<SyncWaiter> sync_;
  std::vector<AccountOp> account_ops_;
  std::vector<ForgiveOp> forgive_ops_;
  std::vector<FlushOp> flush_ops_;
  std::vector<ReceiptBuffer> outbox_, spare_;
  std::size_t outbox_receipts_ = 0;
  std::vector<HoldId> closed_reservations_;
  std::uint64_t drained_ = 0;  // receipts up to this one are in the outbox or durable
  std::int64_t last_tick_us_ = 0, last_checkpoint_us_ = 0;
  std::size_t since_checkpoint_ = 0;
  std::optional<Error> failure_;
  std::uint64_t unguarded_ = 0;  // reservations of fail_open accounts since the store failed
  std::atomic<bool> closed_ = false, idle_ = false;
  bool closing_ = false;
  Inflight inflight_;
  std::array<KeyStripe, kMaxShards> stripes_;
};

}  // namespace bursar::ledger
