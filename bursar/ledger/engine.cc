#include "bursar/ledger/engine.h"

#include <algorithm>
#include <thread>

#include "bursar/ledger/assert.h"
#include "bursar/ledger/reconcile.h"

namespace bursar::ledger {
namespace {

constexpr std::size_t kMaxKeyBytes = 128;
constexpr std::size_t kMaxMemoBytes = 256;
constexpr Duration kMinTtl = std::chrono::milliseconds{1};
constexpr Duration kMaxTtl = std::chrono::hours{24};

Refusal invalid(const ReserveRequest& request, std::string detail) {
  return {.why = Refusal::Why::kInvalid, .account = request.account.substr(0, 256), .detail = std::move(detail)};
}

// Absent where the request is well formed. Does not look at any account.
std::optional<Refusal> check_request(const ReserveRequest& request) {
  for (const Amount& a : request.amounts.items()) {
    if (a.units < 0 || a.units > kMaxUnits) {
      return invalid(request, "amount of " + std::string(a.resource.name()) + " is " + std::to_string(a.units) +
                                  " smallest units; it must be 0 to 2^50");
    }
  }
  if (request.ttl < kMinTtl || request.ttl > kMaxTtl) {
    return invalid(request, "ttl is " + std::to_string(request.ttl.count()) + " us; it must be 1 ms to 24 h");
  }
  if (request.idempotency_key.size() > kMaxKeyBytes)
    return invalid(request, "idempotency_key is longer than 128 bytes");
  return std::nullopt;
}

unsigned shards_for(const LedgerOptions& options) {
  const unsigned wanted = options.shards != 0 ? options.shards : std::min(8U, std::thread::hardware_concurrency());
  return std::clamp(wanted, 1U, kMaxShards);
}

unsigned& thread_number() {
  static std::atomic<unsigned> next{0};
  thread_local unsigned mine = next.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

// Whether something is paid of which nothing was reserved.
bool overruns_unheld(const Amounts& reserved, const Amounts& actual) {
  for (const Amount& a : actual.items()) {
    if (a.units > 0 && reserved[a.resource] == 0) return true;
  }
  return false;
}

Receipt receipt_of(const HoldEntry& hold, const std::string& account) {
  return {.sequence = hold.sequence,
          .hold = hold.id,
          .account = account,
          .reserved = hold.amounts,
          .actual = hold.actual,
          .overrun = hold.overrun,
          .at = wall_from_unix_us(hold.settled_us),
          .uncertain = hold.uncertain,
          .idempotency_key = hold.key,
          .memo = hold.memo};
}

}  // namespace

Engine::Engine(std::unique_ptr<Store> store, const Clock& clock, LedgerOptions options)
    : store_(std::move(store)),
      clock_(clock),
      options_(options),
      shard_count_(shards_for(options)),
      hold_slots_left_(static_cast<std::int64_t>(options.max_holds)) {}

Engine::~Engine() = default;

Result<std::shared_ptr<Engine>> Engine::open(std::unique_ptr<Store> store, const Clock& clock, LedgerOptions options) {
  if (!store) return invalid_argument("store is null");
  auto snapshot = store->open(clock.now(), options.max_idempotency_keys);
  if (!snapshot) return tl::unexpected(snapshot.error());
  std::shared_ptr<Engine> engine(new Engine(std::move(store), clock, options));
  engine->load(std::move(*snapshot));
  for (unsigned s = 0; s < engine->shard_count_; ++s) {
    engine->handles_[s] = std::shared_ptr<Engine>(engine.get(), [keep = engine](Engine*) {});
  }
  return engine;
}

void Engine::load(Snapshot snapshot) {
  const std::int64_t now_us = unix_us(clock_.now());
  process_ = snapshot.process;
  LEDGER_ASSERT(process_ > 0 && process_ < (1U << 20));
  stranded_reservations_ = snapshot.stranded_reservations;
  next_sequence_ = drained_ = std::uint64_t{process_} << kProcessShift;
  last_tick_us_ = last_checkpoint_us_ = now_us;
  tree_.accounts.resize(snapshot.accounts.size());
  for (AccountRow& row : snapshot.accounts) {
    LEDGER_ASSERT(row.id < tree_.accounts.size());
    Account& account = tree_.accounts[row.id];
    const auto slash = row.spec.path.rfind('/');
    account.parent = slash == std::string::npos ? kNoAccount : tree_.find(row.spec.path.substr(0, slash));
    account.live = true;
    account.frozen = row.spec.frozen;
    account.sync = row.spec.sync;
    account.fail_open = row.spec.fail_open;
    tree_.by_path.emplace(row.spec.path, row.id);
    account.spec = std::move(row.spec);
  }
  cells_.resize(snapshot.cells.size());
  for (unsigned s = 0; s < shard_count_; ++s) shards_[s].cells.resize(cells_.size());
  for (const CellRow& row : snapshot.cells) {
    LEDGER_ASSERT(row.id < cells_.size() && row.account < tree_.accounts.size());
    Cell& cell = cells_[row.id];
    cell.account = row.account;
    cell.limit = row.limit;
    cell.live = row.live;
    cell.begin_us = row.begin_us;
    cell.base = row.base;
    cell.stranded = row.stranded;
    cell.base_overrun = row.overrun;
    cell.bucket = {row.level, row.level_at_us};
    cell.born = tree_.born;
    cell.last_tick_us = cell.last_change_us = now_us;
    // A clock that was set back does not open a window again.
    const WallTime within = wall_from_unix_us(row.begin_us == kEndlessBegin ? now_us : std::max(now_us, row.begin_us));
    const auto span = span_of(row.limit.window, within);
    const bool same = span && (row.begin_us == kEndlessBegin || unix_us(span->begin) <= row.begin_us);
    cell.end_us = same ? unix_us(span->end) : 0;  // 0: the first use begins a new instance
    for (unsigned s = 0; s < shard_count_; ++s) {
      shards_[s].cells[row.id].until_us = cell.end_us;
      shards_[s].cells[row.id].born = cell.born;
    }
    Account& account = tree_.accounts[row.account];
    if (row.live)
      account.cells.push_back({row.id, row.limit.resource.index()});
    else
      account.retired.push_back(row.id);
  }
  set_quotas();
  load_keys(std::move(snapshot.keys));
}

unsigned Engine::my_shard() const { return thread_number() % shard_count_; }

void Engine::pretend_thread(unsigned number) { thread_number() = number; }

void Engine::wake(bool urgent) {
  if (waker_) waker_(urgent);
}

std::uint32_t Engine::make_hold(unsigned index, AccountId account, const ReserveRequest& request, std::int64_t now_us) {
  Shard& shard = shards_[index];
  const std::uint32_t slot = shard.new_hold(hold_slots_left_);
  if (slot == kNoSlot) return kNoSlot;
  HoldEntry& hold = shard.at(slot);
  hold.id = std::uint64_t{process_} << kProcessShift | shard.next_hold++ * kMaxShards | index;
  LEDGER_ASSERT(hold.id >> kProcessShift == process_);
  hold.state = HoldState::kHeld;
  hold.sync = hold.pending = hold.uncertain = false;
  hold.refs = 0;
  hold.account = account;
  hold.born = tree_.born;
  hold.expires_us = now_us + request.ttl.count();
  hold.amounts = request.amounts;
  hold.key.assign(request.idempotency_key);
  shard.watch(slot);
  return slot;
}

Hold Engine::hand_out(unsigned index, std::uint32_t slot) {
  HoldEntry& entry = shards_[index].at(slot);
  ++entry.refs;
  Hold hold;
  hold.engine_ = handles_[index % shard_count_];
  hold.id_ = entry.id;
  hold.slot_ = slot;
  hold.amounts_ = entry.amounts;
  return hold;
}

Reservation Engine::reserve_once(const ReserveRequest& request, unsigned index) {
  if (auto refusal = check_request(request)) return *std::move(refusal);
  const std::int64_t clock_us = unix_us(clock_.now());
  KeyStripe* stripe = nullptr;
  std::unique_lock<std::mutex> stripe_lock;
  if (!request.idempotency_key.empty()) {
    stripe = &stripe_of(request.idempotency_key);
    stripe_lock = std::unique_lock(stripe->mutex);
    if (auto known = known_key(*stripe, request, false)) return *std::move(known);
  }
  const auto remember = [&](Reservation r) {
    if (stripe != nullptr && std::holds_alternative<Hold>(r)) remember_key(*stripe, request, std::get<Hold>(r), index);
    return r;
  };
  {
    Shard& shard = shards_[index];
    const std::lock_guard lock(shard.mutex);
    const std::int64_t now_us = shard.monotone(clock_us);
    const AccountId leaf = tree_.find(request.account);
    if (leaf != kNoAccount && shard.receipts.size() < shard.receipt_quota && !closed_.load(std::memory_order_relaxed) &&
        shard.try_take(tree_, leaf, Asks(request.amounts), now_us)) {
      const std::uint32_t slot = make_hold(index, leaf, request, now_us);
      if (slot != kNoSlot) return remember(hand_out(index, slot));
      const HoldEntry undone{.account = leaf, .born = tree_.born, .amounts = request.amounts};
      shard.give_back(tree_, undone);
    }
  }
  Locks locks(*this);
  return remember(decide_locked(request, index, false, clock_us));
}

Reservation Engine::try_reserve(const ReserveRequest& request) {
  Reservation result = reserve_once(request, my_shard());
  if (std::holds_alternative<NeedsGrant>(result)) wake(true);
  return result;
}

void Engine::reserve(ReserveRequest request, Reserved done) {
  const unsigned shard = my_shard();
  Reservation result = reserve_once(request, shard);
  if (std::holds_alternative<NeedsGrant>(result)) {
    constexpr std::size_t kMaxWaiters = 100'000;
    const std::lock_guard lock(centre_);
    if (!closed_ && waiters_.size() < kMaxWaiters) {
      waiters_.push_back({.request = std::move(request), .done = std::move(done), .shard = shard});
      wake(true);
      return;
    }
    result = unavailable(request.account, closed_ ? "the ledger is closed" : "100,000 reservations already wait");
  }
  done(std::move(result));
}

Result<Receipt> Engine::settle(HoldId id, std::uint32_t slot, Settlement settlement) {
  for (const Amount& a : settlement.actual.items()) {
    if (a.units < 0 || a.units > kMaxUnits) {
      return invalid_argument("actual amount of " + std::string(a.resource.name()) + " is " + std::to_string(a.units) +
                              " smallest units; it must be 0 to 2^50");
    }
  }
  if (settlement.memo.size() > kMaxMemoBytes) return invalid_argument("memo is longer than 256 bytes");
  const std::int64_t clock_us = unix_us(clock_.now());
  Shard& shard = shard_of(id);
  std::unique_lock lock(shard.mutex);
  HoldEntry* hold = shard.find(slot, id);
  if (hold == nullptr) return fail(ErrorCode::kNotFound, "hold " + std::to_string(id) + " does not exist");
  const bool unheld = clock_us >= hold->expires_us || overruns_unheld(hold->amounts, settlement.actual);
  if (unheld && hold->state != HoldState::kSettled && !closed_ && shard.window_ended(tree_, hold->account, clock_us)) {
    // What was not held, or no longer, belongs to the window of now, which has to begin first.
    const AccountId path = hold->account;
    lock.unlock();
    roll_path(path, clock_us);
    lock.lock();
    hold = shard.find(slot, id);
    if (hold == nullptr) return fail(ErrorCode::kNotFound, "hold " + std::to_string(id) + " does not exist");
  }
  const std::string& account = tree_.accounts[hold->account].spec.path;
  if (hold->state == HoldState::kSettled) return receipt_of(*hold, account);
  if (hold->state == HoldState::kReleased) {
    return fail(ErrorCode::kNotFound, "hold " + std::to_string(id) + " of " + account + " was released; reserve again");
  }
  if (closed_)
    return fail(ErrorCode::kUnavailable,
                "the ledger is closed; what hold " + std::to_string(id) + " reserved counts as spent");
  const std::int64_t now_us = shard.monotone(clock_us);
  if (hold->state == HoldState::kHeld && now_us >= hold->expires_us) shard.void_hold(tree_, slot, HoldState::kExpired);
  const bool late = hold->state == HoldState::kExpired;
  if (late) {
    hold->born = tree_.born;
  } else {
    shard.unwatch(slot);
    if (hold->sync) shard.closed.push_back(id);
  }
  const bool debt = shard.pay(tree_, *hold, settlement.actual, late, now_us);
  const AccountId leaf = hold->account;
  hold->state = HoldState::kSettled;
  hold->settled_us = now_us;
  hold->actual = settlement.actual;
  hold->overrun = overrun_of(hold->amounts, hold->actual, late);
  hold->uncertain = settlement.uncertain;
  hold->memo.assign(settlement.memo);
  hold->sequence = next_sequence_.fetch_add(1, std::memory_order_relaxed) + 1;
  const auto flags = static_cast<std::uint8_t>((hold->uncertain ? kFlagUncertain : 0) | (late ? kFlagLate : 0));
  shard.receipts.append({.sequence = hold->sequence,
                         .hold = id,
                         .account = hold->account,
                         .at_us = now_us,
                         .born = hold->born,
                         .flags = flags},
                        hold->amounts, hold->actual, hold->key, hold->memo);
  Receipt receipt = receipt_of(*hold, account);
  lock.unlock();
  if (debt) call_back(leaf);
  if (!receipt.idempotency_key.empty()) finish_key(receipt);
  if (idle_.load(std::memory_order_relaxed)) wake(false);
  return receipt;
}

Result<void> Engine::extend(HoldId id, std::uint32_t slot, Duration ttl) {
  if (ttl < kMinTtl || ttl > kMaxTtl) {
    return invalid_argument("ttl is " + std::to_string(ttl.count()) + " us; it must be 1 ms to 24 h");
  }
  const std::int64_t clock_us = unix_us(clock_.now());
  Shard& shard = shard_of(id);
  const std::lock_guard lock(shard.mutex);
  HoldEntry* hold = shard.find(slot, id);
  const std::int64_t now_us = shard.monotone(clock_us);
  if (hold == nullptr || hold->state != HoldState::kHeld || now_us >= hold->expires_us) {
    return fail(ErrorCode::kNotFound, "hold " + std::to_string(id) + " is no longer held; reserve again");
  }
  shard.unwatch(slot);
  hold->expires_us = now_us + ttl.count();
  shard.watch(slot);
  return {};
}

void Engine::release(HoldId id, std::uint32_t slot) {
  Shard& shard = shard_of(id);
  const std::lock_guard lock(shard.mutex);
  const HoldEntry* hold = shard.find(slot, id);
  if (hold != nullptr && hold->state == HoldState::kHeld && !closed_) {
    shard.void_hold(tree_, slot, HoldState::kReleased);
  }
}

void Engine::drop(HoldId id, std::uint32_t slot) {
  Shard& shard = shard_of(id);
  const std::lock_guard lock(shard.mutex);
  HoldEntry* hold = shard.find(slot, id);
  if (hold == nullptr || --hold->refs > 0) return;
  // After close() a hold that is still open keeps counting: its call may yet spend.
  if (hold->state == HoldState::kHeld) {
    if (closed_) return;
    shard.void_hold(tree_, slot, HoldState::kReleased);
  }
  shard.free_hold(slot);
}

bool Engine::active(HoldId id, std::uint32_t slot) {
  Shard& shard = shard_of(id);
  const std::lock_guard lock(shard.mutex);
  const HoldEntry* hold = shard.find(slot, id);
  return hold != nullptr && (hold->state == HoldState::kHeld || hold->state == HoldState::kExpired);
}

void Engine::expire() {
  const std::int64_t clock_us = unix_us(clock_.now());
  for (unsigned s = 0; s < shard_count_; ++s) {
    const std::lock_guard lock(shards_[s].mutex);
    if (!closed_) shards_[s].expire(tree_, shards_[s].monotone(clock_us));
  }
}

std::size_t Engine::open_holds() const {
  std::size_t open = 0;
  for (unsigned s = 0; s < shard_count_; ++s) {
    const std::lock_guard lock(shards_[s].mutex);
    open += shards_[s].active_holds();
  }
  return open;
}

}  // namespace bursar::ledger
