#include "bursar/broker/audit/audit_table.h"

#include "bursar/broker/audit/digest.h"

namespace bursar::broker {
namespace {

void put(std::string& out, std::int64_t number) { out.append(std::to_string(number)).append(";"); }
void put(std::string& out, std::string_view text) { out.append(std::to_string(text.size())).append(":").append(text); }

}  // namespace

std::string audit_columns() {
  std::string out = "sequence, at_us, attempts";
  for (const auto& number : kAuditNumbers) out.append(", ").append(number.name);
  for (const auto& text : kAuditTexts) out.append(", ").append(text.name);
  return out + ", previous_hash, hash";
}

std::string audit_schema() {
  std::string out =
      "CREATE TABLE IF NOT EXISTS audit(sequence INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, attempts INTEGER NOT "
      "NULL";
  for (const auto& number : kAuditNumbers) out.append(", ").append(number.name).append(" INTEGER NOT NULL");
  for (const auto& text : kAuditTexts) out.append(", ").append(text.name).append(" TEXT NOT NULL");
  return out +
         ", previous_hash TEXT NOT NULL, hash TEXT NOT NULL);"
         "CREATE TABLE IF NOT EXISTS audit_head(id INTEGER PRIMARY KEY CHECK (id = 1), sequence INTEGER NOT NULL,"
         " hash TEXT NOT NULL, mac TEXT NOT NULL);"
         "CREATE TABLE IF NOT EXISTS broker_secret(name TEXT PRIMARY KEY, value TEXT NOT NULL)";
}

std::string audit_insert() {
  std::string out = "INSERT INTO audit(" + audit_columns() + ") VALUES (?1";
  constexpr std::size_t kColumns = 3 + kAuditNumbers.size() + kAuditTexts.size() + 2;
  for (std::size_t i = 2; i <= kColumns; ++i) out.append(", ?").append(std::to_string(i));
  return out + ")";
}

void bind_record(Query& query, const AuditRecord& record) {
  int column = 0;
  query.bind(++column, static_cast<std::int64_t>(record.sequence));
  query.bind(++column, unix_us(record.at));
  query.bind(++column, std::int64_t{record.attempts});
  for (const auto& number : kAuditNumbers) query.bind(++column, record.*number.member);
  for (const auto& text : kAuditTexts) query.bind(++column, record.*text.member);
  query.bind(++column, record.previous_hash);
  query.bind(++column, record.hash);
}

AuditRecord read_record(const Query& query) {
  AuditRecord record;
  int column = 0;
  record.sequence = static_cast<std::uint64_t>(query.integer(column++));
  record.at = wall_from_unix_us(query.integer(column++));
  record.attempts = static_cast<int>(query.integer(column++));
  for (const auto& number : kAuditNumbers) record.*number.member = query.integer(column++);
  for (const auto& text : kAuditTexts) record.*text.member = query.text(column++);
  record.previous_hash = query.text(column++);
  record.hash = query.text(column++);
  return record;
}

std::string chain_hash(const AuditRecord& record) {
  std::string bytes;
  bytes.reserve(1024);
  bytes.append(record.previous_hash).append(";");
  put(bytes, static_cast<std::int64_t>(record.sequence));
  put(bytes, unix_us(record.at));
  put(bytes, std::int64_t{record.attempts});
  for (const auto& number : kAuditNumbers) put(bytes, record.*number.member);
  for (const auto& text : kAuditTexts) put(bytes, record.*text.member);
  return hex(sha256(bytes));
}

std::string head_mac(std::string_view secret, std::uint64_t sequence, std::string_view hash) {
  return hex(hmac_sha256(secret, "audit head " + std::to_string(sequence) + ' ' + std::string(hash)));
}

Result<AuditHead> read_head(Database& db) {
  auto query = db.prepare("SELECT sequence, hash, mac FROM audit_head WHERE id = 1");
  if (!query) return tl::unexpected(query.error());
  const auto row = query->step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return AuditHead{};
  return AuditHead{static_cast<std::uint64_t>(query->integer(0)), query->text(1), query->text(2)};
}

Result<std::string> read_secret(Database& db) {
  auto query = db.prepare("SELECT value FROM broker_secret WHERE name = 'audit'");
  if (!query) return tl::unexpected(query.error());
  const auto row = query->step();
  if (!row) return tl::unexpected(row.error());
  return *row ? query->text(0) : std::string();
}

}  // namespace bursar::broker
