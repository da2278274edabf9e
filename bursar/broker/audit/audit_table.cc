#include "bursar/broker/audit/audit_table.h"

#include <charconv>

#include "bursar/broker/audit/digest.h"

namespace bursar::broker {
namespace {

void put(std::string& out, std::int64_t number, char ends_with = ';') {
  std::array<char, 24> digits;
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size() - 1, number).ptr;
  *end = ends_with;
  out.append(digits.data(), end + 1);
}
void put(std::string& out, std::string_view text) {
  put(out, std::ssize(text), ':');
  out += text;
}

// Takes what put() wrote off the front; false where it is something else.
bool take(std::string_view& from, std::int64_t& number, char ends_with = ';') {
  const char* const last = from.data() + from.size();
  const auto [end, error] = std::from_chars(from.data(), last, number);
  if (error != std::errc{} || end == last || *end != ends_with) return false;
  from.remove_prefix(static_cast<std::size_t>(end + 1 - from.data()));
  return true;
}
bool take(std::string_view& from, std::string& text) {
  std::int64_t size = 0;
  if (!take(from, size, ':') || size < 0 || size > std::ssize(from)) return false;
  text = from.substr(0, static_cast<std::size_t>(size));
  from.remove_prefix(static_cast<std::size_t>(size));
  return true;
}

}  // namespace

template <class Text>
std::string encode_fields(const AuditFields<Text>& fields) {
  std::string out;
  out.reserve(640);
  put(out, std::int64_t{fields.attempts});
  for (const auto& number : kAuditNumbers<Text>) put(out, fields.*number.member);
  for (const auto& text : kAuditTexts<Text>) put(out, std::string_view(fields.*text.member));
  return out;
}
template std::string encode_fields(const AuditFields<std::string>& fields);
template std::string encode_fields(const AuditFields<std::string_view>& fields);

bool decode_fields(std::string_view encoded, AuditFields<std::string>& fields) {
  std::int64_t attempts = 0;
  if (!take(encoded, attempts)) return false;
  fields.attempts = static_cast<int>(attempts);
  for (const auto& number : kAuditNumbers<std::string>) {
    if (!take(encoded, fields.*number.member)) return false;
  }
  for (const auto& text : kAuditTexts<std::string>) {
    if (!take(encoded, fields.*text.member)) return false;
  }
  return encoded.empty();
}

std::string chain_hash(const AuditLink& link, std::string_view encoded) {
  std::string bytes;
  bytes.reserve(link.previous_hash.size() + 48 + encoded.size());
  bytes.append(link.previous_hash).append(";");
  put(bytes, static_cast<std::int64_t>(link.sequence));
  put(bytes, unix_us(link.at));
  bytes.append(encoded);
  return hex(sha256(bytes));
}

void bind_record(Query& query, const AuditLink& link, std::string_view encoded) {
  query.bind(1, static_cast<std::int64_t>(link.sequence));
  query.bind(2, unix_us(link.at));
  query.bind(3, encoded);
  query.bind(4, link.previous_hash);
  query.bind(5, link.hash);
}

StoredRecord read_record(const Query& query) {
  return {.link = {.sequence = static_cast<std::uint64_t>(query.integer(0)),
                   .at = wall_from_unix_us(query.integer(1)),
                   .previous_hash = query.text(3),
                   .hash = query.text(4)},
          .encoded = query.text(2)};
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
