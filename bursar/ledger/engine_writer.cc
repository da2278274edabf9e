// The slow side: gathers everything that waits into one transaction, and takes its answer in.
#include <algorithm>
#include <cmath>

#include "bursar/ledger/assert.h"
#include "bursar/ledger/engine.h"

namespace bursar::ledger {
namespace {

constexpr std::int64_t kTickUs = 50'000;
constexpr std::int64_t kCheckpointUs = 1'000'000;
constexpr std::size_t kCheckpointReceipts = 65'536;
constexpr std::size_t kLookedAt = 4'096;  // cells a batch; more take turns, so that shards are never locked for long
constexpr double kLeaseSeconds = 1;       // a lease lasts about this long at the account's own rate
constexpr std::int64_t kFirstLease = 8;   // times what was asked, while the rate is unknown

}  // namespace

void Engine::set_quotas() {
  const std::size_t left =
      options_.max_pending_receipts > outbox_receipts_ ? options_.max_pending_receipts - outbox_receipts_ : 0;
  for (unsigned s = 0; s < shard_count_; ++s) shards_[s].receipt_quota = left / shard_count_;
}

// A cut through all shards at one instant: every receipt up to it is in the outbox, and every sum includes exactly
// those.
void Engine::drain(std::int64_t now_us) {
  drained_ = next_sequence_.load(std::memory_order_relaxed);
  for (unsigned s = 0; s < shard_count_; ++s) {
    Shard& shard = shards_[s];
    if (shard.receipts.size() > 0) {
      ReceiptBuffer buffer;
      if (!spare_.empty()) {
        buffer.swap(spare_.back());
        spare_.pop_back();
      }
      buffer.swap(shard.receipts);
      outbox_receipts_ += buffer.size();
      since_checkpoint_ += buffer.size();
      outbox_.push_back(std::move(buffer));
    }
    closed_reservations_.insert(closed_reservations_.end(), shard.closed.begin(), shard.closed.end());
    shard.closed.clear();
    for (const CellId id : shard.dirty) {
      shard.cells[id].dirty = false;
      cells_[id].dirty = true;
      cells_[id].last_change_us = now_us;
      // A debt is written with the receipt that made it, or a crash between the two would forget it.
      warm(id, shard.cells[id].free < 0 || cells_[id].pool < 0);
    }
    shard.dirty.clear();
  }
  set_quotas();
}

void Engine::measure(Cell& cell, const Sums& s, std::int64_t now_us) {
  const std::int64_t elapsed = now_us - cell.last_tick_us;
  if (elapsed < kTickUs) return;
  const double seconds = static_cast<double>(elapsed) / 1e6;
  const auto used = static_cast<double>(std::max<std::int64_t>(0, s.used() - cell.last_used));
  cell.rate += (1 - std::exp(-seconds / kLeaseSeconds)) * (used / seconds - cell.rate);
  cell.last_used = s.used();
  cell.last_tick_us = now_us;
  if (cell.want + cell.waiting == 0) cell.burst /= 2;
}

// The bound that this process should have: what is used, what waits, and about a second's worth; less near the limit.
std::int64_t Engine::target_of(CellId id, const Sums& s, std::int64_t now_us) {
  Cell& cell = cells_[id];
  const bool rate = cell.limit.window.kind == WindowKind::kRate;
  const std::int64_t level = rate ? bucket_level(cell, s, now_us) : 0;
  const std::int64_t free = cell.pool + s.free;
  // A bucket's leases never hold more than its size, which may have been lowered.
  const std::int64_t most =
      rate ? std::min(cell.granted + std::max<std::int64_t>(0, level), s.spent + std::max(s.held, cell.limit.amount))
           : std::max(s.used(), cell.limit.amount - cell.base);
  const std::int64_t remaining = most - s.used();
  const std::int64_t starving = cell.want + cell.waiting;
  if (starving > 0) {
    const std::int64_t first = starving > kForever / kFirstLease ? starving : starving * kFirstLease;
    cell.burst = std::min(std::max(first, cell.burst * 2), kForever / 4);
  }
  const double second = std::min(cell.rate * kLeaseSeconds, 4e18);
  const std::int64_t headroom = std::min(std::max(static_cast<std::int64_t>(second), cell.burst), remaining / 8);
  const bool idle = closing_ || (starving == 0 && now_us - cell.last_change_us >= options_.idle_lease_return.count());
  std::int64_t target = std::min(cell.granted, most);  // a lowered limit takes unused leases back
  if (idle) {
    target = s.used();
  } else if (starving > 0 || free < headroom / 2) {
    target = std::max(target, std::min(most, s.used() + starving + headroom));
  }
  cell.want = cell.waiting = 0;
  return std::max(target, s.used());
}

void Engine::plan_lease(CellId id, std::int64_t now_us) {
  Cell& cell = cells_[id];
  roll(id, now_us);
  const Sums before = sums(id);
  measure(cell, before, now_us);
  const std::int64_t target = target_of(id, before, now_us);
  if (target < cell.granted || cell.pool < 0) gather(id);
  if (target < cell.granted) {
    const std::int64_t back = std::min(std::max<std::int64_t>(0, cell.pool), cell.granted - target);
    cell.pool -= back;
    cell.granted -= back;
  }
  set_until(id);
  const std::int64_t wanted = std::max(target, cell.granted);
  const bool checkpoint = inflight_.batch.checkpoint && cell.dirty;
  if (wanted == cell.durable && !cell.write && !checkpoint) return;
  const Sums s = sums(id);
  LEDGER_ASSERT(wanted >= s.used());
  inflight_.batch.leases.push_back({.cell = id,
                                    .begin_us = cell.begin_us,
                                    .born = cell.born,
                                    .granted = wanted,
                                    .floor = s.used(),
                                    .settled = s.spent,
                                    .overrun = s.overrun,
                                    .settled_at_us = s.settled_at_us});
}

void Engine::plan_leases(std::int64_t now_us) {
  ++round_;
  const auto plan = [&](CellId id) {
    cells_[id].urgent = false;
    if (std::exchange(cells_[id].planned, round_) != round_) plan_lease(id, now_us);
  };
  for (const CellId id : urgent_) plan(id);
  urgent_.clear();
  const std::size_t looks = inflight_.batch.checkpoint ? hot_.size() : std::min(hot_.size(), kLookedAt);
  if (inflight_.batch.checkpoint) hot_cursor_ = 0;  // so that every one of them has its turn
  for (std::size_t i = 0; i < looks; ++i) {
    if (hot_cursor_ >= hot_.size()) hot_cursor_ = 0;
    const CellId id = hot_[hot_cursor_];
    plan(id);
    Cell& cell = cells_[id];
    if (cell.dirty || cell.write || cell.granted != cell.durable || cell.pool != 0 || sums(id).free != 0) {
      ++hot_cursor_;
      continue;
    }
    cell.hot = false;
    hot_[hot_cursor_] = hot_.back();  // the cursor stays: another cell is there now
    hot_.pop_back();
  }
}

void Engine::plan_waiters(std::int64_t now_us) {
  for (const Waiter& waiter : waiters_) {
    const AccountId leaf = tree_.find(waiter.request.account);
    if (leaf == kNoAccount) continue;
    const Asks asks(waiter.request.amounts);
    for (AccountId id = leaf; id != kNoAccount; id = tree_.accounts[id].parent) {
      for (const CellRef ref : tree_.accounts[id].cells) {
        const std::int64_t need = asks[ref.resource];
        if (need == 0) continue;
        roll(ref.cell, now_us);
        cells_[ref.cell].waiting = std::min(cells_[ref.cell].waiting + need, kForever / 4);
        warm(ref.cell, true);
      }
    }
  }
}

CellId Engine::plan_cell(AccountOp& op, const Limit& limit, std::int64_t now_us) {
  Account& account = tree_.accounts[op.id];
  const auto same = [&](CellId id) {
    return cells_[id].limit.resource == limit.resource && cells_[id].limit.window.kind == limit.window.kind;
  };
  const auto attach = [&](CellId id) { account.cells.push_back({id, limit.resource.index()}); };
  for (const CellRef ref : account.cells) {
    if (!same(ref.cell)) continue;
    roll(ref.cell, now_us);
    Cell& cell = cells_[ref.cell];
    if (!(cell.limit.window == limit.window)) {
      // Another zone or period: the count goes on in the instance that holds `now`.
      cell.limit.window = limit.window;
      const auto span = span_of(limit.window, wall_from_unix_us(now_us));
      if (span) cell.begin_us = unix_us(span->begin), cell.end_us = unix_us(span->end);
      set_until(ref.cell);
    }
    cell.limit.amount = std::min(cell.limit.amount, limit.amount);
    return ref.cell;
  }
  const auto revived = std::find_if(account.retired.begin(), account.retired.end(), same);
  CellId id = 0;
  if (revived != account.retired.end()) {
    id = *revived;
    account.retired.erase(revived);
  } else {
    id = static_cast<CellId>(cells_.size());
    cells_.emplace_back();
    cells_[id].bucket = {limit.amount, now_us};
    cells_[id].last_tick_us = cells_[id].last_change_us = now_us;
    for (unsigned s = 0; s < shard_count_; ++s) shards_[s].cells.emplace_back();
  }
  Cell& cell = cells_[id];
  const bool known = cell.end_us != 0 && cell.limit.window == limit.window && now_us < cell.end_us;
  cell.account = op.id;
  cell.limit = limit;
  cell.live = true;
  cell.born = ++tree_.born;
  if (!known) {
    cell.end_us = 0;
    roll(id, now_us);
  }
  for (unsigned s = 0; s < shard_count_; ++s) {
    shards_[s].cells[id].born = cell.born;
  }
  set_until(id);
  attach(id);
  return id;
}

// Restrictions hold from here on; what the change relaxes waits in apply_account() until it is durable.
void Engine::plan_account(AccountOp& op, std::int64_t now_us) {
  const bool first_time = op.id == kNoAccount;
  if (first_time) {
    const auto known = tree_.by_path.find(op.spec.path);
    if (known != tree_.by_path.end()) {
      op.id = known->second;
    } else {
      op.id = static_cast<AccountId>(tree_.accounts.size());
      Account account{.spec = op.spec};
      const auto slash = op.spec.path.rfind('/');
      if (slash != std::string::npos) account.parent = tree_.by_path.find(op.spec.path.substr(0, slash))->second;
      tree_.accounts.push_back(std::move(account));
      tree_.by_path.emplace(op.spec.path, op.id);
    }
    Account& account = tree_.accounts[op.id];
    account.frozen = account.frozen || op.spec.frozen;
    account.sync = account.sync || op.spec.sync;
    account.fail_open = account.fail_open && op.spec.fail_open;
  }
  AccountWrite write{.account = {.id = op.id, .spec = op.spec}};
  op.cells.clear();
  for (const Limit& limit : op.spec.limits) {
    const CellId id = plan_cell(op, limit, now_us);
    op.cells.push_back(
        {.id = id, .account = op.id, .limit = limit, .begin_us = cells_[id].begin_us, .anew = cells_[id].anew});
    cells_[id].write = true;
    warm(id, true);
  }
  write.cells = op.cells;
  for (const CellRef ref : tree_.accounts[op.id].cells) {
    const bool kept = std::any_of(op.cells.begin(), op.cells.end(), [&](const CellRow& c) { return c.id == ref.cell; });
    if (kept) continue;
    write.cells.push_back({.id = ref.cell,
                           .account = op.id,
                           .limit = cells_[ref.cell].limit,
                           .live = false,
                           .begin_us = cells_[ref.cell].begin_us,
                           .anew = cells_[ref.cell].anew});
  }
  inflight_.batch.accounts.push_back(std::move(write));
}

void Engine::plan_accounts(std::int64_t now_us, Callbacks& callbacks) {
  const auto refuse = [&](AccountOp& op, tl::unexpected<Error> error) {
    if (op.done) callbacks.push_back([done = std::move(op.done), e = std::move(error)] { done(e); });
  };
  for (AccountOp& op : account_ops_) {
    const auto slash = op.spec.path.rfind('/');
    const std::string parent = slash == std::string::npos ? std::string() : op.spec.path.substr(0, slash);
    if (!parent.empty() && !tree_.by_path.contains(parent)) {
      refuse(op, fail(ErrorCode::kNotFound, "account " + parent + " does not exist; create it before " + op.spec.path));
      continue;
    }
    if (!tree_.by_path.contains(op.spec.path) && tree_.accounts.size() >= options_.max_accounts) {
      refuse(op, fail(ErrorCode::kExhausted, "account " + op.spec.path + " would be one too many; max_accounts is " +
                                                 std::to_string(options_.max_accounts)));
      continue;
    }
    plan_account(op, now_us);
    inflight_.accounts.push_back(std::move(op));
  }
  account_ops_.clear();
  for (ForgiveOp& op : forgive_ops_) {
    op.cells.clear();
    const AccountId id = tree_.find(op.path);
    if (id != kNoAccount) {
      for (const CellRef ref : tree_.accounts[id].cells) {
        roll(ref.cell, now_us);
        if (cells_[ref.cell].stranded == 0) continue;
        op.cells.push_back(ref.cell);
        op.lines.push_back(stand(ref.cell, now_us));
      }
    }
    inflight_.batch.forgiven.insert(inflight_.batch.forgiven.end(), op.cells.begin(), op.cells.end());
    inflight_.forgiven.push_back(std::move(op));
  }
  forgive_ops_.clear();
}

void Engine::collect() {
  Callbacks callbacks;
  {
    std::array<std::unique_lock<std::mutex>, kMaxShards> stripes;
    for (std::size_t i = 0; i < stripes_.size(); ++i) stripes[i] = std::unique_lock(stripes_[i].mutex);
    const Locks locks(*this);
    plan_batch(callbacks);
  }
  for (auto& callback : callbacks) callback();
}

void Engine::plan_batch(Callbacks& callbacks) {
  LEDGER_ASSERT(!inflight_.active);
  std::int64_t now_us = unix_us(clock_.now());
  for (unsigned s = 0; s < shard_count_; ++s) now_us = shards_[s].monotone(now_us);
  expire_locked(now_us);
  serve_waiters(now_us, callbacks);  // those that memory can decide; what needs the disk joins this batch
  inflight_ = {};
  inflight_.active = true;
  inflight_.batch.now_us = now_us;
  plan_accounts(now_us, callbacks);
  plan_waiters(now_us);
  drain(now_us);
  inflight_.batch.through = inflight_.cut = drained_;
  const bool due = since_checkpoint_ >= kCheckpointReceipts || now_us - last_checkpoint_us_ >= kCheckpointUs;
  // After a failure something is always written, so that success means that the store is well again.
  inflight_.batch.checkpoint = closing_ || failure_.has_value() || (due && since_checkpoint_ > 0);
  inflight_.batch.close = closing_;
  plan_leases(now_us);
  inflight_.receipts = outbox_receipts_;
  inflight_.batch.receipts.reserve(outbox_receipts_);
  for (const ReceiptBuffer& buffer : outbox_) buffer.rows(inflight_.batch.receipts);
  inflight_.batch.closed_reservations = closed_reservations_;
  inflight_.sync.swap(sync_);
  for (const SyncWaiter& waiter : inflight_.sync) inflight_.batch.reservations.push_back(waiter.row);
  inflight_.flushes.swap(flush_ops_);
}

void Engine::commit() {
  LEDGER_ASSERT(inflight_.active);
  std::sort(inflight_.batch.receipts.begin(), inflight_.batch.receipts.end(),
            [](const ReceiptRow& a, const ReceiptRow& b) { return a.sequence < b.sequence; });
  if (inflight_.batch.empty()) {
    inflight_.answer = std::vector<LeaseAnswer>{};
    return;
  }
  inflight_.answer = store_->commit(inflight_.batch);
}

void Engine::pump() {
  collect();
  commit();
  apply();
}

}  // namespace bursar::ledger
