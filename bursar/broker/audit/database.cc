#include "bursar/broker/audit/database.h"

#include <filesystem>
#include <sqlite3.h>
#include <sys/stat.h>

#include "bursar/ledger/sqlite_store.h"

namespace bursar::broker {
namespace {

constexpr int kBusyMs = 5000;

Error error_of(sqlite3* db, int code) {
  const char* path = db != nullptr ? sqlite3_db_filename(db, "main") : nullptr;
  const std::string said = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code);
  const std::string file = std::string("database ") + (path != nullptr ? path : "");
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return {ErrorCode::kCorrupt, file + " is damaged (" + said + "); restore it from a backup"};
    case SQLITE_CONSTRAINT: return {ErrorCode::kAlreadyExists, file + ": " + said};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
      return {ErrorCode::kUnavailable,
              file + " cannot be used (" + said + "); check the disk and the file's permissions", true};
    default: return {ErrorCode::kInternal, file + ": " + said};
  }
}

// The ledger's store checks that a file which is not empty is one of its own, so the file has to begin with it.
Result<void> create_file(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && std::filesystem::file_size(path, ignored) > 0) return {};
  const auto folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
  auto store = ledger::open_sqlite_store({.path = path});
  if (!store) return tl::unexpected(store.error());
  ::chmod(path.c_str(), S_IRUSR | S_IWUSR);  // it holds hashes of keys and who did what
  return {};
}

}  // namespace

Query::~Query() { sqlite3_finalize(statement_); }

void Query::bind(int index, std::string_view text) {
  sqlite3_bind_text(statement_, index, text.data() == nullptr ? "" : text.data(), static_cast<int>(text.size()),
                    SQLITE_TRANSIENT);
}
void Query::bind(int index, std::int64_t value) { sqlite3_bind_int64(statement_, index, value); }
void Query::bind_null(int index) { sqlite3_bind_null(statement_, index); }
void Query::reset() { sqlite3_reset(statement_); }

Result<bool> Query::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Error error = error_of(db_, code);
  sqlite3_reset(statement_);
  return tl::unexpected(std::move(error));
}

Result<void> Query::run() {
  for (;;) {
    const auto row = step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) break;
  }
  sqlite3_reset(statement_);
  return {};
}

std::string Query::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return bytes == nullptr ? std::string()
                          : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}
std::int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_, column); }
bool Query::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

Result<std::unique_ptr<Database>> Database::open(const std::string& path, Mode mode) {
  std::error_code ignored;
  if (mode == Mode::kWrite) {
    if (auto ok = create_file(path); !ok) return tl::unexpected(ok.error());
  } else if (!std::filesystem::exists(path, ignored)) {
    return fail(ErrorCode::kNotFound,
                "database " + path + " does not exist; start the gateway once, or name another file");
  }
  sqlite3* handle = nullptr;
  const int flags = (mode == Mode::kWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  std::unique_ptr<Database> db(new Database(handle));
  if (code != SQLITE_OK) return tl::unexpected(error_of(handle, code));
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyMs);
  // Another program's file is left as it is.
  const auto ours = db->has_table("receipt");
  if (!ours) return tl::unexpected(ours.error());
  if (!*ours) return fail(ErrorCode::kCorrupt, "database " + path + " is no database of Bursar; name another file");
  return db;
}

Database::~Database() { sqlite3_close_v2(db_); }

Result<void> Database::execute(const char* sql) {
  const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return tl::unexpected(error_of(db_, code));
  return {};
}

Result<Query> Database::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(db_, sql, -1, &statement, nullptr);
  if (code != SQLITE_OK) return tl::unexpected(error_of(db_, code));
  return Query(db_, statement);
}

Result<bool> Database::has_table(std::string_view name) {
  auto query = prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1");
  if (!query) return tl::unexpected(query.error());
  query->bind(1, name);
  return query->step();
}

Result<std::int64_t> Database::data_version() {
  auto query = prepare("PRAGMA data_version");
  if (!query) return tl::unexpected(query.error());
  if (auto row = query->step(); !row) return tl::unexpected(row.error());
  return query->integer(0);
}

}  // namespace bursar::broker
