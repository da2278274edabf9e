#include <algorithm>

#include "bursar/broker/audit/audit_table.h"
#include "bursar/broker/audit/digest.h"
#include "bursar/broker/pipeline/glob.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxRows = 1'000'000;

bool fits(const AuditRecord& record, const AuditFilter& filter) {
  const auto matches = [](std::string_view pattern, std::string_view text) {
    return pattern.empty() || glob_match(pattern, text);
  };
  return matches(filter.principal, record.principal) && matches(filter.account, record.account) &&
         (matches(filter.tool, record.tool) || matches(filter.tool, record.upstream + "." + record.tool)) &&
         !(filter.failures_only && record.category.empty());
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

// Absent parts of a damaged row stay empty; `whole` says so.
AuditRecord record_of(StoredRecord& row, bool& whole) {
  AuditRecord record;
  record.at = row.link.at;
  record.sequence = row.link.sequence;
  record.previous_hash = std::move(row.link.previous_hash);
  record.hash = std::move(row.link.hash);
  whole = decode_fields(row.encoded, record);
  return record;
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
  auto rows =
      (*db)->prepare((kAuditSelect + std::string("WHERE at_us >= ?1 AND at_us < ?2 ORDER BY sequence DESC")).c_str());
  if (!rows) return tl::unexpected(rows.error());
  rows->bind(1, filter.from ? unix_us(*filter.from) : INT64_MIN);
  rows->bind(2, filter.to ? unix_us(*filter.to) : INT64_MAX);
  const std::size_t limit = std::min(filter.limit, kMaxRows);
  std::vector<AuditRecord> out;
  while (out.size() < limit) {
    const auto more = rows->step();
    if (!more) return tl::unexpected(more.error());
    if (!*more) break;
    StoredRecord row = read_record(*rows);
    bool whole = false;
    AuditRecord record = record_of(row, whole);
    if (!whole) return broken(record, "was changed after it was written");
    if (fits(record, filter)) out.push_back(std::move(record));
  }
  std::ranges::reverse(out);
  return out;
}

Result<Verified> verify(const std::string& database) {
  auto db = open_trail(database);
  if (!db) return tl::unexpected(db.error());
  if (auto ok = (*db)->execute("BEGIN"); !ok) return tl::unexpected(ok.error());  // one view, while the gateway writes
  auto rows = (*db)->prepare((kAuditSelect + std::string("ORDER BY sequence")).c_str());
  if (!rows) return tl::unexpected(rows.error());
  Verified seen{.records = 0, .head = std::string(kNoPreviousHash)};
  for (;;) {
    const auto more = rows->step();
    if (!more) return tl::unexpected(more.error());
    if (!*more) return verify_end(**db, seen);
    StoredRecord row = read_record(*rows);
    const std::string hash = chain_hash(row.link, row.encoded);
    bool whole = false;
    const AuditRecord record = record_of(row, whole);
    if (record.sequence != seen.records + 1) {
      return fail(ErrorCode::kCorrupt, "audit record " + std::to_string(seen.records + 1) + ": is missing; record " +
                                           std::to_string(record.sequence) + " comes next");
    }
    if (record.previous_hash != seen.head) return broken(record, "does not follow the record before it");
    if (!whole || record.hash != hash) return broken(record, "was changed after it was written");
    seen = {record.sequence, record.hash};
  }
}

}  // namespace bursar::broker
