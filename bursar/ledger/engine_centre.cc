// The centre: decisions that one shard cannot make alone. Everything here runs with every shard locked.
#include <algorithm>

#include "bursar/ledger/assert.h"
#include "bursar/ledger/engine.h"

namespace bursar::ledger {

Engine::Locks::Locks(Engine& engine) : centre(engine.centre_) {
  for (unsigned s = 0; s < engine.shard_count_; ++s) shards[s] = std::unique_lock(engine.shards_[s].mutex);
}

std::vector<AccountId> Engine::path_of(AccountId leaf) const {
  std::vector<AccountId> path;
  for (AccountId id = leaf; id != kNoAccount; id = tree_.accounts[id].parent) path.push_back(id);
  std::reverse(path.begin(), path.end());
  return path;
}

void Engine::expire_locked(std::int64_t now_us) {
  for (unsigned s = 0; s < shard_count_; ++s) shards_[s].expire(tree_, shards_[s].monotone(now_us));
}

Engine::Sums Engine::sums(CellId id) const {
  Sums sum;
  for (unsigned s = 0; s < shard_count_; ++s) {
    const ShardCell& c = shards_[s].cells[id];
    sum.free += c.free;
    sum.held += c.held;
    sum.spent += c.spent;
    sum.overrun += c.overrun;
    sum.settled_at_us = std::max(sum.settled_at_us, c.settled_at_us);
  }
  LEDGER_ASSERT(sum.held >= 0 && sum.spent >= sum.overrun && sum.overrun >= 0);
  return sum;
}

// Tokens that the store would still lease; what was lent without it (fail_open) is already gone.
std::int64_t Engine::bucket_level(const Cell& cell, const Sums& s, std::int64_t now_us) const {
  const Bucket bucket = refill(cell.limit, cell.bucket, cell.durable - cell.bucket_settled, s.settled_at_us,
                               cell.durable - s.spent, now_us);
  const std::int64_t room = cell.limit.amount - (cell.durable - s.spent);
  return std::min(bucket.level, room) - std::max<std::int64_t>(0, cell.granted - cell.durable);
}

void Engine::roll(CellId id, std::int64_t now_us) {
  Cell& cell = cells_[id];
  if (now_us < cell.end_us) return;
  const auto span = span_of(cell.limit.window, wall_from_unix_us(now_us));
  if (!span) {
    cell.end_us = now_us + 60'000'000;  // no zone data now: the old instance goes on, which spends less, never more
  } else {
    cell.begin_us = std::max(cell.begin_us, unix_us(span->begin));
    cell.end_us = unix_us(span->end);
    cell.born = ++tree_.born;
    cell.base = cell.stranded = cell.base_overrun = 0;
    cell.granted = cell.durable = cell.pool = 0;
    cell.last_used = 0;
    cell.want = 0;
    cell.anew = true;
  }
  for (unsigned s = 0; s < shard_count_; ++s) {
    ShardCell& c = shards_[s].cells[id];
    if (span) c = ShardCell{.born = cell.born, .dirty = c.dirty};
    c.until_us = cell.end_us;
  }
}

// Where more is out than the limit allows (an overrun, or a limit that was lowered), what comes back must not be spent
// again: every shard asks the centre until the books are in order.
void Engine::set_until(CellId id) {
  const Cell& cell = cells_[id];
  const bool rate = cell.limit.window.kind == WindowKind::kRate;
  const Sums s = sums(id);
  const std::int64_t most = rate ? cell.limit.amount + s.spent : cell.limit.amount - cell.base;
  const bool in_debt = rate && bucket_level(cell, s, shards_[0].last_now_us) < 0;
  const bool closed = cell.pool < 0 || cell.granted > most || in_debt;
  for (unsigned i = 0; i < shard_count_; ++i) shards_[i].cells[id].until_us = closed ? 0 : cell.end_us;
}

void Engine::gather(CellId id) {
  for (unsigned s = 0; s < shard_count_; ++s) {
    ShardCell& c = shards_[s].cells[id];
    cells_[id].pool += c.free;
    c.free = 0;
  }
  set_until(id);
}

void Engine::roll_path(AccountId leaf, std::int64_t now_us) {
  const Locks locks(*this);
  for (unsigned s = 0; s < shard_count_; ++s) now_us = shards_[s].monotone(now_us);
  for (AccountId id = leaf; id != kNoAccount; id = tree_.accounts[id].parent) {
    for (const CellRef ref : tree_.accounts[id].cells) roll(ref.cell, now_us);
  }
}

void Engine::call_back(AccountId leaf) {
  const Locks locks(*this);
  for (AccountId id = leaf; id != kNoAccount; id = tree_.accounts[id].parent) {
    for (const CellRef ref : tree_.accounts[id].cells) {
      bool debt = false;
      for (unsigned s = 0; s < shard_count_; ++s) debt = debt || shards_[s].cells[ref.cell].free < 0;
      if (debt) gather(ref.cell);
    }
  }
}

void Engine::bring(AccountId leaf, const Asks& asks, unsigned index) {
  for (AccountId id = leaf; id != kNoAccount; id = tree_.accounts[id].parent) {
    for (const CellRef ref : tree_.accounts[id].cells) {
      const std::int64_t need = asks[ref.resource];
      ShardCell& mine = shards_[index].cells[ref.cell];
      if (need == 0 || mine.free >= need) continue;
      Cell& cell = cells_[ref.cell];
      if (cell.pool < need - mine.free) gather(ref.cell);
      const std::int64_t missing = need - mine.free;
      LEDGER_ASSERT(cell.pool >= missing);
      const std::int64_t share = cell.pool / (2 * shard_count_);
      const std::int64_t moved = std::max(missing, share);
      cell.pool -= moved;
      mine.free += moved;
    }
  }
}

void Engine::warm(CellId id, bool urgent) {
  Cell& cell = cells_[id];
  if (!cell.hot) hot_.push_back(id);
  cell.hot = true;
  if (urgent && !cell.urgent) {
    urgent_.push_back(id);
    cell.urgent = true;
  }
}

Refusal Engine::unavailable(std::string account, std::string detail) const {
  return {.why = Refusal::Why::kStoreUnavailable, .account = std::move(account), .detail = std::move(detail)};
}

std::optional<Refusal> Engine::judge_cell(CellId id, std::int64_t need, std::int64_t& lack, std::int64_t now_us) {
  roll(id, now_us);
  if (cells_[id].pool < 0) gather(id);
  const Cell& cell = cells_[id];
  const Sums s = sums(id);
  const bool rate = cell.limit.window.kind == WindowKind::kRate;
  const std::int64_t allowed = cell.pool + s.free;
  const std::int64_t left = rate ? allowed + bucket_level(cell, s, now_us) : cell.limit.amount - cell.base - s.used();
  if (need <= std::min(left, allowed)) return std::nullopt;
  if (need <= left) {
    lack = need - allowed;
    return std::nullopt;
  }
  Refusal refusal{.account = tree_.accounts[cell.account].spec.path,
                  .resource = cell.limit.resource,
                  .window = cell.limit.window,
                  .limit = cell.limit.amount,
                  .held = s.held,
                  .asked = need,
                  .left = std::max<std::int64_t>(0, left)};
  refusal.spent = rate ? cell.limit.amount - s.held - left : cell.base + s.spent;
  if (need > cell.limit.amount) return refusal;
  if (rate)
    refusal.refills_at = wall_from_unix_us(now_us + refill_us(cell.limit, need - left));
  else if (cell.end_us != kForever)
    refusal.refills_at = wall_from_unix_us(cell.end_us);
  return refusal;
}

// Root first, so that the refusal names the highest account that cannot pay.
Engine::Verdict Engine::judge(AccountId leaf, const Asks& asks, std::int64_t now_us) {
  std::vector<std::pair<CellId, std::int64_t>> lacking;
  bool open = true;
  for (const AccountId id : path_of(leaf)) {
    for (const CellRef ref : tree_.accounts[id].cells) {
      const std::int64_t need = asks[ref.resource];
      if (need == 0) continue;
      std::int64_t lack = 0;
      if (auto refusal = judge_cell(ref.cell, need, lack, now_us)) return *std::move(refusal);
      if (lack == 0) continue;
      lacking.emplace_back(ref.cell, lack);
      open = open && tree_.accounts[id].fail_open;
    }
  }
  if (lacking.empty()) return std::monostate{};
  if (failure_ && !open) {
    return unavailable(tree_.accounts[cells_[lacking.front().first].account].spec.path, failure_->message);
  }
  if (!failure_) {
    for (const auto& [id, lack] : lacking) warm(id, true);
    return NeedsGrant{};
  }
  // fail_open: spends on within the limit that is known here, although no store stands behind it.
  for (const auto& [id, lack] : lacking) {
    cells_[id].pool += lack;
    cells_[id].granted += lack;
    cells_[id].write = true;
    warm(id, true);
  }
  ++unguarded_;
  return std::monostate{};
}

Reservation Engine::decide_locked(const ReserveRequest& request, unsigned index, bool waiting, std::int64_t clock_us) {
  if (closed_) return unavailable(request.account, "the ledger is closed");
  std::int64_t now_us = clock_us;
  for (unsigned s = 0; s < shard_count_; ++s) now_us = shards_[s].monotone(now_us);
  expire_locked(now_us);
  const AccountId leaf = tree_.find(request.account);
  if (leaf == kNoAccount) {
    return Refusal{.why = Refusal::Why::kUnknownAccount, .account = request.account.substr(0, 256)};
  }
  bool sync = false, open = true;
  for (const AccountId id : path_of(leaf)) {
    const Account& account = tree_.accounts[id];
    if (account.frozen) return Refusal{.why = Refusal::Why::kFrozen, .account = account.spec.path};
    sync = sync || account.sync;
    open = open && account.fail_open;
  }
  std::size_t pending = outbox_receipts_;
  for (unsigned s = 0; s < shard_count_; ++s) pending += shards_[s].receipts.size();
  if (pending >= options_.max_pending_receipts && !(failure_ && open && pending < 4 * options_.max_pending_receipts)) {
    if (!failure_) return NeedsGrant{};  // the writer is behind, not broken
    return unavailable(request.account, std::to_string(pending) + " receipts wait for the store: " + failure_->message);
  }
  if (sync && failure_ && !open) return unavailable(request.account, failure_->message);
  const Asks asks(request.amounts);
  Verdict verdict = judge(leaf, asks, now_us);
  if (auto* refusal = std::get_if<Refusal>(&verdict)) return std::move(*refusal);
  if (std::holds_alternative<NeedsGrant>(verdict)) {
    for (AccountId id = leaf; id != kNoAccount && !waiting; id = tree_.accounts[id].parent) {
      for (const CellRef ref : tree_.accounts[id].cells) {
        Cell& cell = cells_[ref.cell];
        cell.want = std::max(cell.want, asks[ref.resource]);
      }
    }
    return NeedsGrant{};
  }
  const bool on_disk_first = sync && !(failure_ && open);
  if (on_disk_first && !waiting) return NeedsGrant{};
  bring(leaf, asks, index);
  Shard& shard = shards_[index];
  const std::uint32_t slot = make_hold(index, leaf, request, now_us);
  if (slot == kNoSlot) return unavailable(request.account, "no more holds can be open at once; settle or release some");
  shard.take(tree_, leaf, asks);
  shard.at(slot).sync = shard.at(slot).pending = on_disk_first;
  return hand_out(index, slot);
}

Standing Engine::stand(CellId id, std::int64_t now_us) {
  roll(id, now_us);
  const Cell& cell = cells_[id];
  const Sums s = sums(id);
  const Account& account = tree_.accounts[cell.account];
  Standing line{.account = account.spec.path,
                .limit = cell.limit,
                .held = s.held,
                .overrun = cell.base_overrun + s.overrun,
                .stranded = cell.stranded,
                .frozen = account.frozen};
  std::int64_t left = cell.limit.amount - cell.base - s.used();
  line.spent = cell.base + s.spent;
  if (cell.limit.window.kind == WindowKind::kRate) {
    left = cell.pool + s.free + bucket_level(cell, s, now_us);
    line.spent = cell.limit.amount - s.held - left;
    const std::int64_t missing = cell.limit.amount - s.held - left;
    if (missing > 0) line.refills_at = wall_from_unix_us(now_us + refill_us(cell.limit, missing));
  } else if (cell.end_us != kForever) {
    line.refills_at = wall_from_unix_us(cell.end_us);
  }
  line.left = std::max<std::int64_t>(0, left);
  return line;
}

std::vector<Standing> Engine::standing(std::string_view under) {
  std::vector<Standing> lines;
  const std::int64_t now_us = unix_us(clock_.now());
  {
    const Locks locks(*this);
    expire_locked(now_us);
    const auto inside = [&](const std::string& path) {
      return under.empty() || (path.starts_with(under) && (path.size() == under.size() || path[under.size()] == '/'));
    };
    for (const Account& account : tree_.accounts) {
      if (!account.live || !inside(account.spec.path)) continue;
      for (const CellRef ref : account.cells) lines.push_back(stand(ref.cell, shards_[0].monotone(now_us)));
    }
  }
  // Tree order: '/' sorts before every character of a name, so that a subtree stays together.
  const auto before = [](const Standing& a, const Standing& b) {
    return std::lexicographical_compare(a.account.begin(), a.account.end(), b.account.begin(), b.account.end(),
                                        [](char x, char y) { return (x == '/' ? 0 : x) < (y == '/' ? 0 : y); });
  };
  std::stable_sort(lines.begin(), lines.end(), before);
  return lines;
}

void Engine::check_invariants() {
  const Locks locks(*this);
  for (CellId id = 0; id < cells_.size(); ++id) {
    const Cell& cell = cells_[id];
    const Sums s = sums(id);
    LEDGER_ASSERT(cell.granted == cell.pool + s.free + s.used());
    LEDGER_ASSERT(cell.pool >= 0 || s.overrun > 0);
    LEDGER_ASSERT(cell.granted <= cell.durable || cell.write);
    if (cell.limit.window.kind != WindowKind::kRate) LEDGER_ASSERT(cell.base >= cell.stranded);
  }
}

}  // namespace bursar::ledger
