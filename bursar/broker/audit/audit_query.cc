#include <algorithm>

#include "bursar/broker/audit/audit_table.h"
#include "bursar/broker/audit/digest.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxRows = 1'000'000;

// Our globs know '*' and '?' only; SQLite's GLOB also knows '['.
std::string sqlite_glob(std::string_view pattern) {
  std::string out;
  for (const char c : pattern) c == '[' ? out += "[[]" : out += c;
  return out;
}

Result<std::unique_ptr<Database>> open_trail(const std::string& database) {
  auto db = Database::open(database, Database::Mode::kRead);
  if (!db) return db;
  const auto table = (*db)->has_table("audit");
  if (!table) return tl::unexpected(table.error());
  if (!*table)
    return fail(ErrorCode::kNotFound, "database " + database + " holds no audit trail; start the gateway once");
  return db;
}

tl::unexpected<Error> broken(const AuditRecord& record, std::string_view why) {
  return fail(ErrorCode::kCorrupt, "audit record " + std::to_string(record.sequence) + " (call " +
                                       record.call_id.substr(0, 64) + "): " + std::string(why));
}

Result<Verified> verify_end(Database& db, const Verified& seen) {
  const auto head = read_head(db);
  if (!head) return tl::unexpected(head.error());
  const auto secret = read_secret(db);
  if (!secret) return tl::unexpected(secret.error());
  if (seen.records == 0 && head->sequence == 0 && head->mac.empty()) return seen;
  if (head->sequence != seen.records || head->hash != seen.head) {
    return fail(ErrorCode::kCorrupt, "audit record " + std::to_string(seen.records + 1) +
                                         ": is missing; the trail should end with record " +
                                         std::to_string(head->sequence));
  }
  if (head->mac != head_mac(*secret, head->sequence, head->hash)) {
    return fail(ErrorCode::kCorrupt,
                "audit record " + std::to_string(head->sequence) + ": the trail's end was not written by the gateway");
  }
  return seen;
}

}  // namespace

Result<std::vector<AuditRecord>> query(const std::string& database, const AuditFilter& filter) {
  auto db = open_trail(database);
  if (!db) return tl::unexpected(db.error());
  const std::string sql = "SELECT " + audit_columns() +
                          " FROM audit WHERE (?1 = '' OR principal GLOB ?1) AND (?2 = '' OR tool GLOB ?2"
                          " OR upstream || '.' || tool GLOB ?2) AND (?3 = '' OR account GLOB ?3) AND at_us >= ?4"
                          " AND at_us < ?5 AND (?6 = 0 OR category <> '') ORDER BY sequence DESC LIMIT ?7";
  auto rows = (*db)->prepare(sql.c_str());
  if (!rows) return tl::unexpected(rows.error());
  rows->bind(1, sqlite_glob(filter.principal));
  rows->bind(2, sqlite_glob(filter.tool));
  rows->bind(3, sqlite_glob(filter.account));
  rows->bind(4, filter.from ? unix_us(*filter.from) : INT64_MIN);
  rows->bind(5, filter.to ? unix_us(*filter.to) : INT64_MAX);
  rows->bind(6, std::int64_t{filter.failures_only});
  rows->bind(7, static_cast<std::int64_t>(std::min(filter.limit, kMaxRows)));
  std::vector<AuditRecord> out;
  for (;;) {
    const auto more = rows->step();
    if (!more) return tl::unexpected(more.error());
    if (!*more) break;
    out.push_back(read_record(*rows));
  }
  std::ranges::reverse(out);
  return out;
}

Result<Verified> verify(const std::string& database) {
  auto db = open_trail(database);
  if (!db) return tl::unexpected(db.error());
  if (auto ok = (*db)->execute("BEGIN"); !ok) return tl::unexpected(ok.error());  // one view, while the gateway writes
  auto rows = (*db)->prepare(("SELECT " + audit_columns() + " FROM audit ORDER BY sequence").c_str());
  if (!rows) return tl::unexpected(rows.error());
  Verified seen{.records = 0, .head = std::string(kNoPreviousHash)};
  for (;;) {
    const auto more = rows->step();
    if (!more) return tl::unexpected(more.error());
    if (!*more) return verify_end(**db, seen);
    const AuditRecord record = read_record(*rows);
    if (record.sequence != seen.records + 1) {
      return fail(ErrorCode::kCorrupt, "audit record " + std::to_string(seen.records + 1) + ": is missing; record " +
                                           std::to_string(record.sequence) + " comes next");
    }
    if (record.previous_hash != seen.head) return broken(record, "does not follow the record before it");
    if (record.hash != chain_hash(record)) return broken(record, "was changed after it was written");
    seen = {record.sequence, record.hash};
  }
}

}  // namespace bursar::broker
