#include "bursar/ledger/sqlite.h"

namespace bursar::ledger {

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, int flags, int busy_ms) {
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
  std::unique_ptr<Connection> connection(new Connection(db, path));
  if (code != SQLITE_OK) return tl::unexpected(connection->error(code));
  sqlite3_extended_result_codes(db, 1);
  sqlite3_busy_timeout(db, busy_ms);
  return connection;
}

Error Connection::error(int code) const {
  const std::string said = db_ != nullptr ? sqlite3_errmsg(db_) : sqlite3_errstr(code);
  const auto unavailable = [&](const std::string& why, bool retryable) {
    return Error{.code = ErrorCode::kUnavailable,
                 .message = "database " + path_ + " " + why + " (" + said + ")",
                 .retryable = retryable};
  };
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return unavailable("is locked by another program; end that program's transaction", true);
    case SQLITE_FULL: return unavailable("cannot grow: the disk or its page limit is full; make room", true);
    case SQLITE_READONLY: return unavailable("is read-only; let this user write the file and its folder", true);
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN: return unavailable("cannot be opened; check the path and its permissions", true);
    case SQLITE_IOERR: return unavailable("cannot be read or written; check the disk", true);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Error{.code = ErrorCode::kCorrupt,
                   .message = "database " + path_ + " is damaged (" + said + "); restore it from a backup"};
    default: break;
  }
  return Error{.code = ErrorCode::kInternal, .message = "database " + path_ + ": " + said};
}

void Connection::execute(const std::string& sql) {
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) throw SqliteFailure{error(code)};
}

void Connection::copy_from(const std::string& path, int busy_ms) {
  auto source = open(path, SQLITE_OPEN_READONLY, busy_ms);
  if (!source) throw SqliteFailure{source.error()};
  sqlite3_backup* copy = sqlite3_backup_init(db_, "main", (*source)->raw(), "main");
  if (copy == nullptr) throw SqliteFailure{error(sqlite3_errcode(db_))};
  sqlite3_backup_step(copy, -1);
  if (const int code = sqlite3_backup_finish(copy); code != SQLITE_OK) throw SqliteFailure{(*source)->error(code)};
}

std::int64_t Connection::number(const std::string& sql) {
  Statement statement(*this, sql.c_str());
  return statement.step() ? statement.integer(0) : 0;
}

std::string Connection::text(const std::string& sql) {
  Statement statement(*this, sql.c_str());
  return statement.step() ? std::string(statement.bytes(0)) : std::string();
}

Statement::Statement(Connection& connection, const char* sql) : connection_(connection) {
  const int code = sqlite3_prepare_v3(connection.raw(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
  if (code != SQLITE_OK) throw SqliteFailure{connection.error(code)};
}

void Statement::put(int index, std::string_view value) {
  sqlite3_bind_text(statement_, index, value.data() == nullptr ? "" : value.data(), static_cast<int>(value.size()),
                    SQLITE_STATIC);
}

void Statement::put_blob(int index, std::string_view value) {
  sqlite3_bind_blob(statement_, index, value.data() == nullptr ? "" : value.data(), static_cast<int>(value.size()),
                    SQLITE_STATIC);
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  const Error error = connection_.error(code);
  sqlite3_reset(statement_);
  throw SqliteFailure{error};
}

void Statement::run() {
  while (step()) {
  }
  sqlite3_reset(statement_);
}

std::string_view Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

}  // namespace bursar::ledger
