// What follows a transaction: grants become spendable, waiters get their answers, acknowledged receipts are let go.
#include <algorithm>

#include "bursar/ledger/assert.h"
#include "bursar/ledger/codec.h"
#include "bursar/ledger/engine.h"

namespace bursar::ledger {
namespace {

constexpr unsigned kMaxRounds = 1'000;  // transactions that a waiter may wait for; then the store is no help

}  // namespace

void Engine::take_answer(const LeaseWrite& write, const LeaseAnswer& answer) {
  Cell& cell = cells_[write.cell];
  if (answer.stale || cell.born != write.born) return;  // the window went on meanwhile
  LEDGER_ASSERT(answer.granted >= write.floor);
  cell.durable = answer.granted;
  cell.base = answer.base;
  cell.stranded = answer.stranded;
  cell.base_overrun = answer.overrun;
  cell.bucket = {answer.level, answer.level_at_us};
  cell.bucket_settled = write.settled;
  cell.anew = false;
  if (inflight_.batch.checkpoint) cell.dirty = false;
  warm(write.cell, false);  // until the lease has gone back
  if (answer.granted > cell.granted) {
    cell.pool += answer.granted - cell.granted;
    cell.granted = answer.granted;
  }
  set_until(write.cell);
  cell.write = cell.granted > cell.durable;  // lent without the store while this transaction was under way
  if (cell.write) warm(write.cell, true);
}

void Engine::apply_account(AccountOp& op) {
  Account& account = tree_.accounts[op.id];
  account.live = true;
  account.frozen = op.spec.frozen;
  account.sync = op.spec.sync;
  account.fail_open = op.spec.fail_open;
  for (const CellRow& row : op.cells) {
    Cell& cell = cells_[row.id];
    if (cell.limit.window.kind == WindowKind::kRate && cell.limit.amount != row.limit.amount) cell.write = true;
    cell.limit = row.limit;
    set_until(row.id);
    warm(row.id, true);
  }
  std::erase_if(account.cells, [&](const CellRef ref) {
    if (std::any_of(op.cells.begin(), op.cells.end(), [&](const CellRow& c) { return c.id == ref.cell; })) return false;
    // Holds that are open now no longer count here; what was spent stays, should the limit come back.
    gather(ref.cell);
    Cell& cell = cells_[ref.cell];
    for (unsigned s = 0; s < shard_count_; ++s) {
      ShardCell& c = shards_[s].cells[ref.cell];
      // The tokens of a bucket may be spent by now, and come back by refilling alone.
      const bool rate = cell.limit.window.kind == WindowKind::kRate;
      (rate ? c.spent : cell.pool) += c.held;
      if (rate && c.held > 0) c.settled_at_us = shards_[s].last_now_us;
      c.held = 0;
      c.born = tree_.born + 1;
    }
    cell.live = false;
    cell.born = tree_.born + 1;
    cell.last_change_us = kEndlessBegin / 2;  // idle: its lease goes back
    account.retired.push_back(ref.cell);
    warm(ref.cell, true);
    return true;
  });
  ++tree_.born;
  account.spec = std::move(op.spec);
}

void Engine::grant_sync(Callbacks& callbacks) {
  for (SyncWaiter& waiter : inflight_.sync) {
    Shard& shard = shard_of(waiter.hold.id_);
    HoldEntry* entry = shard.find(waiter.hold.slot_, waiter.hold.id_);
    LEDGER_ASSERT(entry != nullptr && entry->pending);
    entry->pending = false;
    if (entry->state == HoldState::kHeld) {
      callbacks.push_back([w = std::move(waiter)]() mutable { w.done(std::move(w.hold)); });
      continue;
    }
    Refusal late = unavailable(tree_.accounts[entry->account].spec.path, "the hold's ttl ended before it was on disk");
    callbacks.push_back([refusal = std::move(late), w = std::move(waiter)]() mutable { w.done(std::move(refusal)); });
  }
  inflight_.sync.clear();
}

void Engine::serve(Waiter waiter, std::int64_t now_us, Callbacks& callbacks) {
  std::optional<Reservation> result;
  KeyStripe* stripe = nullptr;
  if (!waiter.request.idempotency_key.empty()) {
    stripe = &stripe_of(waiter.request.idempotency_key);
    result = known_key(*stripe, waiter.request, true);
  }
  if (!result) {
    result = decide_locked(waiter.request, waiter.shard, true, now_us);
    auto* hold = std::get_if<Hold>(&*result);
    if (hold != nullptr && stripe != nullptr) remember_key(*stripe, waiter.request, *hold, waiter.shard);
    if (hold != nullptr && shards_[waiter.shard].at(hold->slot_).pending) {
      const HoldEntry& entry = shards_[waiter.shard].at(hold->slot_);
      ReservationRow row{.hold = entry.id,
                         .account = entry.account,
                         .at_us = now_us,
                         .expires_us = entry.expires_us,
                         .amounts = {},
                         .key = entry.key};
      append_amounts(row.amounts, entry.amounts);
      sync_.push_back({.hold = std::move(*hold), .done = std::move(waiter.done), .row = std::move(row)});
      return;
    }
  }
  if (std::holds_alternative<NeedsGrant>(*result)) {
    if (++waiter.rounds < kMaxRounds) {
      waiters_.push_back(std::move(waiter));
      return;
    }
    result = unavailable(waiter.request.account, "no grant after 1,000 transactions");
  }
  callbacks.push_back([r = std::move(*result), done = std::move(waiter.done)]() mutable { done(std::move(r)); });
}

void Engine::serve_waiters(std::int64_t now_us, Callbacks& callbacks) {
  std::deque<Waiter> waiting;
  waiting.swap(waiters_);
  for (Waiter& waiter : waiting) serve(std::move(waiter), now_us, callbacks);
}

void Engine::apply_success(std::int64_t now_us, Callbacks& callbacks) {
  if (!inflight_.batch.empty()) {
    failure_.reset();
    unguarded_ = 0;
  }
  const std::vector<LeaseAnswer>& answers = *inflight_.answer;
  LEDGER_ASSERT(answers.empty() || answers.size() == inflight_.batch.leases.size());
  for (std::size_t i = 0; i < answers.size(); ++i) take_answer(inflight_.batch.leases[i], answers[i]);
  for (AccountOp& op : inflight_.accounts) {
    apply_account(op);
    if (op.done) callbacks.push_back([done = std::move(op.done)] { done({}); });
  }
  for (ForgiveOp& op : inflight_.forgiven) {
    for (const CellId id : op.cells) {
      cells_[id].base -= cells_[id].stranded;
      cells_[id].stranded = 0;
    }
    callbacks.push_back([done = std::move(op.done), lines = std::move(op.lines)]() mutable { done(std::move(lines)); });
  }
  constexpr std::size_t kSpares = 2 * kMaxShards;
  for (ReceiptBuffer& buffer : outbox_) {
    buffer.clear();
    if (spare_.size() < kSpares) spare_.push_back(std::move(buffer));
  }
  outbox_.clear();
  outbox_receipts_ = 0;
  closed_reservations_.erase(
      closed_reservations_.begin(),
      closed_reservations_.begin() + static_cast<std::ptrdiff_t>(inflight_.batch.closed_reservations.size()));
  if (inflight_.batch.checkpoint) {
    since_checkpoint_ = 0;
    last_checkpoint_us_ = now_us;
  }
  for (FlushOp& op : inflight_.flushes) callbacks.push_back([done = std::move(op.done)] { done({}); });
  set_quotas();
  grant_sync(callbacks);
  serve_waiters(now_us, callbacks);
}

void Engine::refuse_waiters(const Error& error, Callbacks& callbacks) {
  std::deque<Waiter> waiting;
  waiting.swap(waiters_);
  const std::int64_t now_us = unix_us(clock_.now());
  for (Waiter& waiter : waiting) {
    // With failure_ set this refuses, except what memory or a fail_open account can pay.
    waiter.rounds = kMaxRounds;
    serve(std::move(waiter), now_us, callbacks);
  }
  for (SyncWaiter& waiter : inflight_.sync) {
    Shard& shard = shard_of(waiter.hold.id_);
    HoldEntry* entry = shard.find(waiter.hold.slot_, waiter.hold.id_);
    LEDGER_ASSERT(entry != nullptr && entry->pending);
    entry->pending = false;
    const std::string account = tree_.accounts[entry->account].spec.path;
    if (entry->state == HoldState::kHeld) shard.void_hold(tree_, waiter.hold.slot_, HoldState::kReleased);
    callbacks.push_back([refusal = unavailable(account, error.message), w = std::move(waiter)]() mutable {
      w.done(std::move(refusal));
    });
  }
  inflight_.sync.clear();
}

void Engine::apply_failure(const Error& error, Callbacks& callbacks) {
  failure_ = error;
  const Error unknown{
      .code = error.code,
      .message = error.message + "; the change is kept and will be written when the store answers again",
      .retryable = error.retryable};
  for (AccountOp& op : inflight_.accounts) {
    if (op.done) callbacks.push_back([done = std::move(op.done), unknown] { done(tl::unexpected(unknown)); });
    op.done = nullptr;
  }
  account_ops_.insert(account_ops_.begin(), std::make_move_iterator(inflight_.accounts.begin()),
                      std::make_move_iterator(inflight_.accounts.end()));
  for (ForgiveOp& op : inflight_.forgiven) {
    callbacks.push_back([done = std::move(op.done), error] { done(tl::unexpected(error)); });
  }
  for (FlushOp& op : inflight_.flushes) {
    callbacks.push_back([done = std::move(op.done), error] { done(tl::unexpected(error)); });
  }
  for (const LeaseWrite& write : inflight_.batch.leases) {
    cells_[write.cell].write = true;
    warm(write.cell, true);
  }
  refuse_waiters(error, callbacks);
}

void Engine::apply() {
  Callbacks callbacks;
  {
    std::array<std::unique_lock<std::mutex>, kMaxShards> stripes;
    for (std::size_t i = 0; i < stripes_.size(); ++i) stripes[i] = std::unique_lock(stripes_[i].mutex);
    const Locks locks(*this);
    LEDGER_ASSERT(inflight_.active);
    const std::int64_t now_us = shards_[0].monotone(unix_us(clock_.now()));
    if (inflight_.answer)
      apply_success(now_us, callbacks);
    else
      apply_failure(inflight_.answer.error(), callbacks);
    inflight_ = {};
  }
  for (auto& callback : callbacks) callback();
}

}  // namespace bursar::ledger
