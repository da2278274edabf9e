// Accounts, questions, and the end.
#include <algorithm>

#include "bursar/ledger/assert.h"
#include "bursar/ledger/engine.h"

namespace bursar::ledger {
namespace {

constexpr std::size_t kMaxPendingOps = 10'000;
constexpr int kClosingRounds = 5;

tl::unexpected<Error> closed_error() { return fail(ErrorCode::kUnavailable, "the ledger is closed"); }

}  // namespace

void Engine::put_account(AccountSpec spec, Done done) {
  Result<void> ok = check(spec);
  if (ok) {
    const std::lock_guard lock(centre_);
    if (closed_) {
      ok = closed_error();
    } else if (account_ops_.size() >= kMaxPendingOps) {
      ok = fail(ErrorCode::kUnavailable, "10,000 account changes already wait for the store", true);
    } else {
      account_ops_.push_back({.spec = std::move(spec), .done = std::move(done)});
      wake(true);
      return;
    }
  }
  done(std::move(ok));
}

void Engine::freeze(std::string_view path, bool frozen, Done done) {
  auto spec = account(path);
  if (!spec) return done(tl::unexpected(spec.error()));
  spec->frozen = frozen;
  put_account(*std::move(spec), std::move(done));
}

void Engine::forgive(std::string_view path, std::function<void(Result<std::vector<Standing>>)> done) {
  auto spec = account(path);
  if (!spec) return done(tl::unexpected(spec.error()));
  {
    const std::lock_guard lock(centre_);
    if (!closed_) {
      forgive_ops_.push_back({.path = std::string(path), .done = std::move(done)});
      wake(true);
      return;
    }
  }
  done(closed_error());
}

void Engine::flush(Done done) {
  bool nothing = false;
  {
    const Locks locks(*this);
    nothing = !inflight_.active && outbox_receipts_ == 0 && account_ops_.empty() &&
              drained_ == next_sequence_.load(std::memory_order_relaxed);
    if (!nothing && !closed_) {
      flush_ops_.push_back({.done = std::move(done)});
      wake(true);
      return;
    }
  }
  if (nothing)
    done({});
  else
    done(closed_error());
}

Result<AccountSpec> Engine::account(std::string_view path) const {
  const std::lock_guard lock(shards_[0].mutex);  // any shard's lock keeps the tree still
  const AccountId id = tree_.find(path);
  if (id == kNoAccount) {
    return fail(ErrorCode::kNotFound, "account " + std::string(path.substr(0, 256)) + " does not exist");
  }
  return tree_.accounts[id].spec;
}

std::vector<AccountSpec> Engine::accounts() const {
  const std::lock_guard lock(shards_[0].mutex);
  std::vector<AccountSpec> specs;
  for (const Account& account : tree_.accounts) {
    if (account.live) specs.push_back(account.spec);
  }
  return specs;
}

Result<std::vector<Receipt>> Engine::receipts(const ReceiptQuery& query) const { return store_->receipts(query); }

Result<void> Engine::health() const {
  const std::lock_guard lock(centre_);
  if (closed_) return closed_error();
  if (!failure_) return {};
  Error error = *failure_;
  if (unguarded_ > 0) {
    error.message += "; " + std::to_string(unguarded_) + " reservations of fail_open accounts went on without a lease";
  }
  return tl::unexpected(std::move(error));
}

bool Engine::failing() const {
  const std::lock_guard lock(centre_);
  return failure_.has_value();
}

bool Engine::has_waiting() const {
  const std::lock_guard lock(centre_);
  return !waiters_.empty() || !sync_.empty() || !account_ops_.empty() || !forgive_ops_.empty() || !flush_ops_.empty();
}

void Engine::close(bool graceful) {
  if (closed_) return;
  for (int round = 0; graceful && round < kClosingRounds; ++round) {
    {
      const std::lock_guard lock(centre_);
      closing_ = waiters_.empty() && sync_.empty() && account_ops_.empty();
    }
    pump();
    if (closing_ && !failing()) break;
  }
  Callbacks callbacks;
  {
    std::array<std::unique_lock<std::mutex>, kMaxShards> stripes;
    for (std::size_t i = 0; i < stripes_.size(); ++i) stripes[i] = std::unique_lock(stripes_[i].mutex);
    const Locks locks(*this);
    closed_ = true;
    for (AccountOp& op : account_ops_) {
      if (op.done) callbacks.push_back([done = std::move(op.done)] { done(closed_error()); });
    }
    for (ForgiveOp& op : forgive_ops_) callbacks.push_back([done = std::move(op.done)] { done(closed_error()); });
    for (FlushOp& op : flush_ops_) callbacks.push_back([done = std::move(op.done)] { done(closed_error()); });
    account_ops_.clear();
    forgive_ops_.clear();
    flush_ops_.clear();
    inflight_.sync.insert(inflight_.sync.end(), std::make_move_iterator(sync_.begin()),
                          std::make_move_iterator(sync_.end()));
    sync_.clear();
    refuse_waiters({.code = ErrorCode::kUnavailable, .message = "the ledger is closed"}, callbacks);
    callbacks.push_back([handles = std::move(handles_)]() mutable { handles = {}; });
  }
  for (auto& callback : callbacks) callback();
  const Locks locks(*this);
  store_.reset();
}

}  // namespace bursar::ledger
