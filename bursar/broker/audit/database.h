// The database file as the broker's own tables use it: keys, the audit trail and their secret. A thin skin over SQLite.
//
//   auto db = Database::open("bursar.db", Database::Mode::kWrite);
//   auto insert = (*db)->prepare("INSERT INTO api_key(name) VALUES (?1)");
//   insert->bind(1, name);  Result<bool> row = insert->step();
//
// The ledger shares the file through a connection of its own, and creates it: a file that is not there yet is made by
// the ledger's store first, so that either may come first. One connection is used by one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "bursar/core/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace bursar::broker {

class Query {
 public:
  Query(Query&& other) noexcept : db_(other.db_), statement_(std::exchange(other.statement_, nullptr)) {}
  Query& operator=(Query&&) = delete;
  ~Query();

  void bind(int index, std::string_view text);  // 1 …; copied
  void bind(int index, std::int64_t value);
  void bind_null(int index);
  [[nodiscard]] Result<bool> step();  // true: a row is there
  [[nodiscard]] Result<void> run();   // to the end, then ready to be bound again
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] bool is_null(int column) const;
  void reset();

 private:
  friend class Database;
  Query(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}
  sqlite3* db_;
  sqlite3_stmt* statement_;
};

class Database {
 public:
  enum class Mode : std::uint8_t { kRead, kWrite };
  // kRead: kNotFound where there is no file. Errors: kUnavailable (locked, full, read-only), kCorrupt.
  [[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::string& path, Mode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Result<void> execute(const char* sql);
  [[nodiscard]] Result<Query> prepare(const char* sql);
  [[nodiscard]] Result<bool> has_table(std::string_view name);
  // Runs `work` in one transaction that is rolled back where it fails.
  template <class Work>
  Result<void> transaction(Work work) {
    if (auto ok = execute("BEGIN IMMEDIATE"); !ok) return ok;
    Result<void> done = work();
    if (done) done = execute("COMMIT");
    if (!done) (void)execute("ROLLBACK");
    return done;
  }
  // Changes when another connection wrote to the file.
  [[nodiscard]] Result<std::int64_t> data_version();

 private:
  explicit Database(sqlite3* db) : db_(db) {}
  sqlite3* db_;
};

}  // namespace bursar::broker
