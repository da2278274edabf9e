// The audit trail's table: its columns once, and the hash that chains its rows. For the files of this folder only.
//
//   hash(n) = SHA-256( hash(n - 1) in hex, the sequence and the time of row n, then its record as it is stored )
//
// A record is one text column, not a column a member: it is encoded once, for the hash and for the disk.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "bursar/broker/audit/audit_log.h"
#include "bursar/broker/audit/database.h"

namespace bursar::broker {

template <class Member>
struct AuditColumn {
  const char* name;
  Member member;
};
// Of entries (views) and records (strings), in the order in which they are stored.
template <class Text, class Of = AuditFields<Text>>
inline constexpr std::array<AuditColumn<Text Of::*>, 16> kAuditTexts = {{{"call_id", &Of::call_id},
                                                                         {"turn_id", &Of::turn_id},
                                                                         {"trace_id", &Of::trace_id},
                                                                         {"principal", &Of::principal},
                                                                         {"account", &Of::account},
                                                                         {"method", &Of::method},
                                                                         {"tool", &Of::tool},
                                                                         {"upstream", &Of::upstream},
                                                                         {"era", &Of::era},
                                                                         {"stages", &Of::stages},
                                                                         {"reserved", &Of::reserved},
                                                                         {"committed", &Of::committed},
                                                                         {"category", &Of::category},
                                                                         {"code", &Of::code},
                                                                         {"outcome", &Of::outcome},
                                                                         {"arguments", &Of::arguments}}};
template <class Text, class Of = AuditFields<Text>>
inline constexpr std::array<AuditColumn<std::int64_t Of::*>, 3> kAuditNumbers = {
    {{"timeout_us", &Of::timeout_us}, {"elapsed_us", &Of::elapsed_us}, {"result_bytes", &Of::result_bytes}}};

inline constexpr std::string_view kNoPreviousHash = "0000000000000000000000000000000000000000000000000000000000000000";

inline constexpr const char* kAuditSchema =
    "CREATE TABLE IF NOT EXISTS audit(sequence INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, record TEXT NOT NULL,"
    " previous_hash TEXT NOT NULL, hash TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS audit_head(id INTEGER PRIMARY KEY CHECK (id = 1), sequence INTEGER NOT NULL,"
    " hash TEXT NOT NULL, mac TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS broker_secret(name TEXT PRIMARY KEY, value TEXT NOT NULL)";
inline constexpr const char* kAuditInsert =
    "INSERT INTO audit(sequence, at_us, record, previous_hash, hash) VALUES (?1, ?2, ?3, ?4, ?5)";
inline constexpr const char* kAuditSelect = "SELECT sequence, at_us, record, previous_hash, hash FROM audit ";

// "7;12:tools/call…": numbers end with ';', texts begin with their length, in the order of the arrays above, so that
// neighbouring members cannot be taken for each other. Without sequence, time and hashes.
template <class Text>
[[nodiscard]] std::string encode_fields(const AuditFields<Text>& fields);
// False where the text is no record; what was read until then stays.
[[nodiscard]] bool decode_fields(std::string_view encoded, AuditFields<std::string>& fields);

// Where a record stands in the chain.
struct AuditLink {
  std::uint64_t sequence = 0;
  WallTime at{};
  std::string previous_hash, hash;  // hex
};
[[nodiscard]] std::string chain_hash(const AuditLink& link, std::string_view encoded);
void bind_record(Query& query, const AuditLink& link, std::string_view encoded);  // the values of kAuditInsert
struct StoredRecord {
  AuditLink link;
  std::string encoded;
};
[[nodiscard]] StoredRecord read_record(const Query& query);  // of a row of kAuditSelect

// Binds the end of the chain to the database's secret.
[[nodiscard]] std::string head_mac(std::string_view secret, std::uint64_t sequence, std::string_view hash);

struct AuditHead {
  std::uint64_t sequence = 0;
  std::string hash{kNoPreviousHash}, mac;
};
[[nodiscard]] Result<AuditHead> read_head(Database& db);
[[nodiscard]] Result<std::string> read_secret(Database& db);  // empty where there is none yet

}  // namespace bursar::broker
