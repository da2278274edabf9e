// A thin skin over SQLite for the store alone: a connection, prepared statements, and errors as Result.
#pragma once

#include <cstdint>
#include <memory>
#include <sqlite3.h>
#include <string>
#include <string_view>

#include "bursar/core/result.h"

namespace bursar::ledger {

// Carries an Error up to the store's own border; nothing throws past it.
struct SqliteFailure {
  Error error;
};

class Connection {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Connection>> open(const std::string& path, int flags, int busy_ms);
  ~Connection() { sqlite3_close_v2(db_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void execute(const std::string& sql);                       // throws SqliteFailure
  void copy_from(const std::string& path, int busy_ms);       // all of that file; throws SqliteFailure
  [[nodiscard]] std::int64_t number(const std::string& sql);  // first column of the first row; 0 without one
  [[nodiscard]] std::string text(const std::string& sql);
  [[nodiscard]] Error error(int code) const;
  [[nodiscard]] sqlite3* raw() const { return db_; }

 private:
  Connection(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}
  sqlite3* db_;
  std::string path_;
};

// A prepared statement; bound and run in one expression, reset by the next run().
class Statement {
 public:
  Statement(Connection& connection, const char* sql);
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  template <class... Values>
  Statement& bind(const Values&... values) {
    sqlite3_reset(statement_);
    int index = 0;
    (put(++index, values), ...);
    return *this;
  }
  void put(int index, std::int64_t value) { sqlite3_bind_int64(statement_, index, value); }
  void put(int index, std::uint64_t value) { sqlite3_bind_int64(statement_, index, static_cast<std::int64_t>(value)); }
  void put(int index, std::uint32_t value) { sqlite3_bind_int64(statement_, index, value); }
  void put(int index, int value) { sqlite3_bind_int(statement_, index, value); }
  void put(int index, bool value) { sqlite3_bind_int(statement_, index, value ? 1 : 0); }
  void put(int index, std::string_view value);  // text; must live until the step
  void put_blob(int index, std::string_view value);

  bool step();  // a row is there
  void run();   // to its end, then reset
  [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  [[nodiscard]] std::string_view bytes(int column) const;
  void reset() { sqlite3_reset(statement_); }
  [[nodiscard]] sqlite3_stmt* raw() const { return statement_; }

 private:
  Connection& connection_;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace bursar::ledger
