#include "bursar/ledger/sqlite_store.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <sys/stat.h>

#include "bursar/ledger/assert.h"
#include "bursar/ledger/codec.h"
#include "bursar/ledger/file_lock.h"
#include "bursar/ledger/reconcile.h"
#include "bursar/ledger/sqlite.h"
#include "bursar/ledger/sqlite_schema.h"

namespace bursar::ledger {
namespace {

class SqliteStore final : public Store {
 public:
  explicit SqliteStore(SqliteOptions options) : options_(std::move(options)) {}

  Result<void> connect();
  Result<Snapshot> open(WallTime now, std::size_t max_keys) override;
  Result<std::vector<LeaseAnswer>> commit(const Batch& batch) override;
  Result<std::vector<Receipt>> receipts(const ReceiptQuery& query) override;

 private:
  void prepare_file();
  void check_file();
  void map_resources();
  [[nodiscard]] std::string remap(std::string_view amounts, const std::array<std::uint8_t, 64>& map) const;
  [[nodiscard]] Snapshot load(WallTime now, std::size_t max_keys);
  void reconcile(Snapshot& snapshot, std::int64_t now_us);
  void load_keys(Snapshot& snapshot, std::size_t max_keys);
  void put_account(const AccountWrite& write, std::int64_t now_us);
  [[nodiscard]] LeaseAnswer put_lease(const LeaseWrite& write, const Batch& batch);
  [[nodiscard]] std::optional<CellRow> read_cell(CellId id);
  void write_cell(const CellRow& cell);
  void put_receipts(const Batch& batch);
  [[nodiscard]] bool in_memory() const { return options_.path == ":memory:"; }
  [[nodiscard]] const std::string& shown() const { return options_.copy_of.empty() ? options_.path : options_.copy_of; }

  const SqliteOptions options_;
  std::optional<FileLock> lock_;
  std::unique_ptr<Connection> db_, reader_;
  std::mutex memory_mutex_, reader_mutex_;  // the first only where reader and writer share a connection
  std::unique_ptr<StoreStatements> sql_;
  ProcessId process_ = 0;
  std::array<std::uint8_t, 64> to_store_{}, from_store_{};
  std::size_t mapped_ = 0;
  bool identity_ = true;
};

// Runs `work`, and turns what it throws into a Result after a rollback.
template <class T, class Work>
Result<T> guarded(Connection& db, Work&& work) {
  try {
    return work();
  } catch (const SqliteFailure& failure) {
    if (sqlite3_get_autocommit(db.raw()) == 0) sqlite3_exec(db.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
    return tl::unexpected(failure.error);
  }
}

[[noreturn]] void corrupt(const std::string& what) {
  throw SqliteFailure{{.code = ErrorCode::kCorrupt, .message = what + "; restore the database from a backup"}};
}

Result<void> SqliteStore::connect() {
  if (!in_memory()) {
    auto lock = FileLock::take(options_.path + ".lock");
    if (!lock) return tl::unexpected(lock.error());
    lock_.emplace(std::move(*lock));
  }
  const int busy_ms = static_cast<int>(options_.busy_timeout.count() / 1000);
  auto db = Connection::open(options_.path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, busy_ms);
  if (!db) return tl::unexpected(db.error());
  db_ = std::move(*db);
  auto ready = guarded<bool>(*db_, [&] {
    if (!options_.copy_of.empty()) db_->copy_from(options_.copy_of, busy_ms);
    prepare_file();
    return true;
  });
  if (!ready) return tl::unexpected(ready.error());
  if (in_memory()) return {};
  auto reader = Connection::open(options_.path, SQLITE_OPEN_READONLY, busy_ms);
  if (!reader) return tl::unexpected(reader.error());
  reader_ = std::move(*reader);
  return {};
}

void SqliteStore::prepare_file() {
  const bool empty = db_->number("SELECT count(*) FROM sqlite_schema") == 0;
  if (!empty) check_file();
  db_->execute("PRAGMA journal_mode = WAL");
  db_->execute("PRAGMA synchronous = FULL");
  db_->execute("PRAGMA foreign_keys = OFF");
  db_->execute("PRAGMA wal_autocheckpoint = 8192");
  db_->execute("PRAGMA journal_size_limit = 67108864");
  db_->execute("PRAGMA cache_size = -32768");
  if (options_.max_pages > 0) db_->execute("PRAGMA max_page_count = " + std::to_string(options_.max_pages));
  if (empty) {
    db_->execute("BEGIN IMMEDIATE");
    db_->execute(kStoreSchema);
    db_->execute("PRAGMA application_id = " + std::to_string(kApplicationId));
    db_->execute("PRAGMA user_version = " + std::to_string(kSchemaVersion));
    db_->execute("COMMIT");
  } else {
    // A file that cannot be written is found out now, and not at the first grant.
    db_->execute("BEGIN IMMEDIATE");
    db_->execute("UPDATE process SET ended = ended WHERE id = (SELECT max(id) FROM process)");
    db_->execute("COMMIT");
  }
  sql_ = std::make_unique<StoreStatements>(*db_);
}

void SqliteStore::check_file() {
  const std::int64_t application = db_->number("PRAGMA application_id");
  if (application != kApplicationId) {
    corrupt("database " + shown() + " is no ledger of Bursar (application_id " + std::to_string(application) + ")");
  }
  const std::int64_t version = db_->number("PRAGMA user_version");
  if (version != kSchemaVersion) {
    throw SqliteFailure{{.code = ErrorCode::kCorrupt,
                         .message = "database " + shown() + " has version " + std::to_string(version) +
                                    ", and this program reads version 1; use the program that wrote it"}};
  }
  struct stat info{};
  const bool small = ::stat(options_.path.c_str(), &info) == 0 && info.st_size <= options_.full_check_bytes;
  std::vector<std::string> checks{"PRAGMA quick_check(1)"};
  if (!small) {
    checks = {"PRAGMA quick_check(process)", "PRAGMA quick_check(account)", "PRAGMA quick_check(cell)",
              "PRAGMA quick_check(lease)", "PRAGMA quick_check(resource)"};
  }
  for (const std::string& check : checks) {
    const std::string answer = db_->text(check);
    if (answer != "ok") corrupt("database " + shown() + " is damaged: " + answer);
  }
}

// Resources have numbers of their own in the file, for a process may declare them in another order.
void SqliteStore::map_resources() {
  for (; mapped_ < to_store_.size(); ++mapped_) {
    const auto index = static_cast<std::uint8_t>(mapped_);
    const std::string_view name = Resource::from_index(index).name();
    if (name == "undeclared") return;
    Statement known(*db_, "SELECT id FROM resource WHERE name = ?1");
    std::int64_t id = 0;
    if (known.bind(name).step()) {
      id = known.integer(0);
    } else {
      id = index;
      const std::string at = std::to_string(index);
      if (db_->number("SELECT count(*) FROM resource WHERE id = " + at) != 0) {
        id = db_->number("SELECT max(id) + 1 FROM resource");
      }
      if (id >= 64) corrupt("database " + shown() + " already names 64 resources");
      sql_->resource.bind(id, name).run();
    }
    to_store_[index] = static_cast<std::uint8_t>(id);
    from_store_[static_cast<std::size_t>(id)] = index;
    identity_ = identity_ && id == index;
  }
}

std::string SqliteStore::remap(std::string_view amounts, const std::array<std::uint8_t, 64>& map) const {
  std::string out(amounts);
  std::size_t at = 0;
  while (at < out.size()) {
    for (auto left = static_cast<unsigned char>(out[at++]); left > 0 && at < out.size(); --left) {
      out[at] = static_cast<char>(map[static_cast<unsigned char>(out[at]) % 64]);
      ++at;
      while (at < out.size() && (static_cast<unsigned char>(out[at++]) & 0x80) != 0) {
      }
    }
  }
  return out;
}

Result<Snapshot> SqliteStore::open(WallTime now, std::size_t max_keys) {
  return guarded<Snapshot>(*db_, [&] {
    db_->execute("BEGIN IMMEDIATE");
    Snapshot snapshot = load(now, max_keys);
    db_->execute("COMMIT");
    return snapshot;
  });
}

Snapshot SqliteStore::load(WallTime now, std::size_t max_keys) {
  const std::int64_t now_us = unix_us(now);
  {
    Statement names(*db_, "SELECT id, name FROM resource ORDER BY id");
    while (names.step()) {
      // Declared here in the file's order, so that a fresh process has the same numbers and no amounts are rewritten.
      if (!Resource::declare(names.bytes(1))) corrupt("resource \"" + std::string(names.bytes(1)) + "\" is no name");
    }
  }
  map_resources();
  Snapshot snapshot;
  Statement accounts(*db_, "SELECT id, path, frozen, sync, fail_open FROM account ORDER BY id");
  while (accounts.step()) {
    const auto id = static_cast<AccountId>(accounts.integer(0));
    if (id != snapshot.accounts.size()) corrupt("account numbers have a gap at " + std::to_string(id));
    snapshot.accounts.push_back({.id = id,
                                 .spec = {.path = std::string(accounts.bytes(1)),
                                          .frozen = accounts.integer(2) != 0,
                                          .sync = accounts.integer(3) != 0,
                                          .fail_open = accounts.integer(4) != 0}});
  }
  const auto cells = db_->number("SELECT count(*) FROM cell");
  for (CellId id = 0; id < cells; ++id) {
    auto cell = read_cell(id);
    if (!cell) corrupt("limit numbers have a gap at " + std::to_string(id));
    if (cell->account >= snapshot.accounts.size()) corrupt("a limit belongs to no account");
    snapshot.cells.push_back(std::move(*cell));
  }
  Statement order(*db_, "SELECT id FROM cell WHERE live ORDER BY account, position");
  while (order.step()) {
    const CellRow& cell = snapshot.cells[static_cast<std::size_t>(order.integer(0))];
    snapshot.accounts[cell.account].spec.limits.push_back(cell.limit);
  }
  for (const AccountRow& row : snapshot.accounts) {
    if (auto ok = check(row.spec); !ok && ok.error().code == ErrorCode::kInvalidArgument) corrupt(ok.error().message);
  }
  reconcile(snapshot, now_us);
  load_keys(snapshot, max_keys);
  snapshot.stranded_reservations = static_cast<std::size_t>(db_->number("SELECT count(*) FROM reservation"));
  snapshot.process = process_ = static_cast<ProcessId>(db_->number("SELECT ifnull(max(id), 0) + 1 FROM process"));
  Statement enter(*db_, "INSERT INTO process VALUES(?1, ?2, ?3, 0)");
  enter.bind(process_, now_us, std::uint64_t{process_} << kProcessShift).run();
  return snapshot;
}

void SqliteStore::reconcile(Snapshot& snapshot, std::int64_t now_us) {
  std::vector<AccountId> parents;
  for (const AccountRow& row : snapshot.accounts) {
    const auto slash = row.spec.path.rfind('/');
    AccountId parent = kNoAccount;
    if (slash != std::string::npos) {
      Statement find(*db_, "SELECT id FROM account WHERE path = ?1");
      if (!find.bind(std::string_view(row.spec.path).substr(0, slash)).step())
        corrupt(row.spec.path + " has no parent");
      parent = static_cast<AccountId>(find.integer(0));
    }
    parents.push_back(parent);
  }
  Reconciler reconciler(parents, snapshot.cells);
  Statement leases(*db_, "SELECT process, cell, begin_us, born, granted, settled, overrun, through FROM lease");
  while (leases.step()) {
    const auto cell = static_cast<CellId>(leases.integer(1));
    if (cell >= snapshot.cells.size()) corrupt("a lease belongs to no limit");
    reconciler.add_lease(static_cast<ProcessId>(leases.integer(0)), cell,
                         {.begin_us = leases.integer(2),
                          .born = static_cast<std::uint32_t>(leases.integer(3)),
                          .granted = leases.integer(4),
                          .settled = leases.integer(5),
                          .overrun = leases.integer(6),
                          .through = static_cast<std::uint64_t>(leases.integer(7))});
    ++snapshot.reconciled_leases;
  }
  Statement late(*db_,
                 "SELECT r.sequence, r.account, r.born, r.flags, r.amounts FROM "
                 "(SELECT DISTINCT process FROM lease) l JOIN process p ON p.id = l.process "
                 "JOIN receipt r ON r.sequence > p.checkpoint AND r.sequence < (p.id + 1) << 44");
  while (late.step()) {
    const std::string amounts = remap(late.bytes(4), from_store_);
    const auto ok = reconciler.add_receipt({.sequence = static_cast<std::uint64_t>(late.integer(0)),
                                            .account = static_cast<AccountId>(late.integer(1)),
                                            .born = static_cast<std::uint32_t>(late.integer(2)),
                                            .flags = static_cast<std::uint8_t>(late.integer(3)),
                                            .amounts = amounts});
    if (!ok) throw SqliteFailure{ok.error()};
  }
  reconciler.finish(now_us);
  for (const CellRow& cell : snapshot.cells) write_cell(cell);
  db_->execute("DELETE FROM lease");
  db_->execute("UPDATE process SET ended = 1 WHERE ended = 0");
}

void SqliteStore::load_keys(Snapshot& snapshot, std::size_t max_keys) {
  Statement rows(*db_,
                 "SELECT key, account, sequence, hold, at_us, flags, amounts, memo FROM (SELECT * FROM receipt "
                 "ORDER BY sequence DESC LIMIT ?1) WHERE key IS NOT NULL LIMIT ?2");
  rows.bind(options_.max_key_rows, static_cast<std::int64_t>(max_keys));
  while (rows.step()) {
    const auto account = static_cast<std::size_t>(rows.integer(1));
    const auto flags = static_cast<std::uint8_t>(rows.integer(5));
    const auto amounts = unpack_receipt(remap(rows.bytes(6), from_store_), flags);
    if (!amounts) throw SqliteFailure{amounts.error()};
    if (account >= snapshot.accounts.size()) corrupt("a receipt belongs to no account");
    const std::string& path = snapshot.accounts[account].spec.path;
    snapshot.keys.push_back({.key = std::string(rows.bytes(0)),
                             .account = path,
                             .receipt = {.sequence = static_cast<std::uint64_t>(rows.integer(2)),
                                         .hold = static_cast<HoldId>(rows.integer(3)),
                                         .account = path,
                                         .reserved = amounts->reserved,
                                         .actual = amounts->actual,
                                         .overrun = amounts->overrun,
                                         .at = wall_from_unix_us(rows.integer(4)),
                                         .uncertain = (flags & kFlagUncertain) != 0,
                                         .idempotency_key = std::string(rows.bytes(0)),
                                         .memo = std::string(rows.bytes(7))}});
  }
  std::reverse(snapshot.keys.begin(), snapshot.keys.end());
}

std::optional<CellRow> SqliteStore::read_cell(CellId id) {
  Statement& s = sql_->cell.bind(id);
  if (!s.step()) return std::nullopt;
  const std::int64_t kind = s.integer(2), resource = s.integer(1);
  if (kind < 0 || kind > static_cast<int>(WindowKind::kRate) || resource < 0 || resource >= 64) {
    corrupt("limit " + std::to_string(id) + " has no known kind");
  }
  CellRow cell{.id = id,
               .account = static_cast<AccountId>(s.integer(0)),
               .limit = {.resource = Resource::from_index(from_store_[static_cast<std::size_t>(resource)]),
                         .amount = s.integer(3),
                         .window = {.kind = static_cast<WindowKind>(kind),
                                    .time_zone = std::string(s.bytes(4)),
                                    .period = Duration{s.integer(5)}}},
               .live = s.integer(6) != 0,
               .begin_us = s.integer(7),
               .base = s.integer(8),
               .stranded = s.integer(9),
               .overrun = s.integer(10),
               .level = s.integer(11),
               .level_at_us = s.integer(12)};
  s.reset();
  return cell;
}

void SqliteStore::write_cell(const CellRow& c) {
  sql_->put_cell.bind(c.id, c.begin_us, c.base, c.stranded, c.overrun, c.level, c.level_at_us).run();
}

void SqliteStore::put_account(const AccountWrite& write, std::int64_t now_us) {
  const AccountSpec& spec = write.account.spec;
  sql_->account.bind(write.account.id, std::string_view(spec.path), spec.frozen, spec.sync, spec.fail_open).run();
  int position = 0;
  for (const CellRow& row : write.cells) {
    const Window& window = row.limit.window;
    sql_->new_cell
        .bind(row.id, row.account, static_cast<int>(to_store_[row.limit.resource.index()]),
              static_cast<int>(window.kind), row.limit.amount, std::string_view(window.time_zone),
              std::int64_t{window.period.count()}, position, row.live, row.begin_us, now_us)
        .run();
    auto cell = read_cell(row.id);
    LEDGER_ASSERT(cell && cell->account == row.account && cell->limit.resource == row.limit.resource);
    std::int64_t outstanding = 0;
    if (window.kind == WindowKind::kRate) {
      outstanding = db_->number("SELECT CAST(total(granted - settled) AS INTEGER) FROM lease WHERE cell = " +
                                std::to_string(row.id));
    }
    if (row.anew) {
      cell->base = cell->stranded = cell->overrun = 0;
      write_cell(*cell);
    }
    change_limit(*cell, row.limit, outstanding, now_us);
    sql_->change_cell
        .bind(row.id, row.limit.amount, std::string_view(window.time_zone), std::int64_t{window.period.count()},
              position++, row.live, row.begin_us, cell->level, cell->level_at_us)
        .run();
  }
}

LeaseAnswer SqliteStore::put_lease(const LeaseWrite& write, const Batch& batch) {
  auto cell = read_cell(write.cell);
  if (!cell) corrupt("limit " + std::to_string(write.cell) + " is gone");
  Lease mine;
  Statement& s = sql_->lease.bind(write.cell, process_);
  if (s.step()) {
    mine = {.begin_us = s.integer(0),
            .born = static_cast<std::uint32_t>(s.integer(1)),
            .granted = s.integer(2),
            .settled = s.integer(3),
            .overrun = s.integer(4),
            .through = static_cast<std::uint64_t>(s.integer(5))};
  }
  s.reset();
  // One process writes this file at a time (the lock), so no other lease is live.
  const LeaseAnswer answer = decide(*cell, mine, {}, write, batch.through, batch.now_us);
  if (answer.stale) return answer;
  write_cell(*cell);
  sql_->put_lease
      .bind(write.cell, process_, mine.begin_us, mine.born, mine.granted, mine.settled, mine.overrun, mine.through)
      .run();
  return answer;
}

void SqliteStore::put_receipts(const Batch& batch) {
  if (batch.receipts.empty()) return;
  Statement& s = sql_->receipt;
  std::int64_t from_us = batch.receipts.front().at_us, to_us = from_us;
  std::string mapped;
  for (const ReceiptRow& row : batch.receipts) {
    LEDGER_ASSERT(process_of(row.sequence) == process_);
    s.bind(row.sequence, row.hold, row.account, row.at_us, row.born, static_cast<int>(row.flags));
    if (!identity_) mapped = remap(row.amounts, to_store_);
    s.put_blob(7, identity_ ? row.amounts : std::string_view(mapped));
    if (row.key.empty())
      sqlite3_bind_null(s.raw(), 8);
    else
      s.put(8, row.key);
    if (row.memo.empty())
      sqlite3_bind_null(s.raw(), 9);
    else
      s.put(9, row.memo);
    s.run();
    from_us = std::min(from_us, row.at_us);
    to_us = std::max(to_us, row.at_us);
  }
  sql_->group.bind(batch.receipts.front().sequence, batch.receipts.back().sequence, from_us, to_us).run();
}

Result<std::vector<LeaseAnswer>> SqliteStore::commit(const Batch& batch) {
  LEDGER_ASSERT(process_ != 0);
  std::unique_lock<std::mutex> lock;
  if (in_memory()) lock = std::unique_lock(memory_mutex_);
  return guarded<std::vector<LeaseAnswer>>(*db_, [&] {
    db_->execute("BEGIN IMMEDIATE");
    map_resources();
    for (const AccountWrite& write : batch.accounts) put_account(write, batch.now_us);
    for (const CellId id : batch.forgiven) sql_->forgive.bind(id).run();
    std::vector<LeaseAnswer> answers;
    answers.reserve(batch.leases.size());
    for (const LeaseWrite& write : batch.leases) answers.push_back(put_lease(write, batch));
    put_receipts(batch);
    for (const ReservationRow& row : batch.reservations) {
      sql_->reserve.bind(row.hold, row.account, row.at_us, row.expires_us, std::string_view(),
                         std::string_view(row.key));
      const std::string mapped = remap(row.amounts, to_store_);
      sql_->reserve.put_blob(5, mapped);
      sql_->reserve.run();
    }
    for (const HoldId hold : batch.closed_reservations) sql_->unreserve.bind(hold).run();
    if (batch.checkpoint) sql_->process.bind(process_, batch.through).run();
    if (batch.close) sql_->close.bind(process_).run();
    db_->execute("COMMIT");
    return answers;
  });
}

Result<std::vector<Receipt>> SqliteStore::receipts(const ReceiptQuery& query) {
  Connection& db = in_memory() ? *db_ : *reader_;
  const std::lock_guard lock(in_memory() ? memory_mutex_ : reader_mutex_);
  return guarded<std::vector<Receipt>>(db, [&] {
    std::vector<Receipt> found;
    Statement rows(db,
                   "SELECT r.sequence, r.hold, a.path, r.at_us, r.flags, r.amounts, r.key, r.memo FROM receipt_group g "
                   "CROSS JOIN receipt r ON r.sequence BETWEEN g.first AND g.last JOIN account a ON a.id = r.account "
                   "WHERE g.to_us >= ?1 AND g.from_us < ?2 AND r.at_us >= ?1 AND r.at_us < ?2 "
                   "AND (?3 = '' OR a.path = ?3 OR (a.path > ?3 || '/' AND a.path < ?3 || '0')) "
                   "ORDER BY r.sequence LIMIT ?4");
    rows.bind(unix_us(query.from), unix_us(query.to), std::string_view(query.under),
              static_cast<std::int64_t>(std::min<std::size_t>(query.limit, 1'000'000)));
    while (rows.step()) {
      const auto flags = static_cast<std::uint8_t>(rows.integer(4));
      const auto amounts = unpack_receipt(remap(rows.bytes(5), from_store_), flags);
      if (!amounts) throw SqliteFailure{amounts.error()};
      found.push_back({.sequence = static_cast<std::uint64_t>(rows.integer(0)),
                       .hold = static_cast<HoldId>(rows.integer(1)),
                       .account = std::string(rows.bytes(2)),
                       .reserved = amounts->reserved,
                       .actual = amounts->actual,
                       .overrun = amounts->overrun,
                       .at = wall_from_unix_us(rows.integer(3)),
                       .uncertain = (flags & kFlagUncertain) != 0,
                       .idempotency_key = std::string(rows.bytes(6)),
                       .memo = std::string(rows.bytes(7))});
    }
    return found;
  });
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(SqliteOptions options) {
  if (!options.copy_of.empty()) options.path = ":memory:";
  auto store = std::make_unique<SqliteStore>(std::move(options));
  if (auto ok = store->connect(); !ok) return tl::unexpected(ok.error());
  return store;
}

}  // namespace bursar::ledger
