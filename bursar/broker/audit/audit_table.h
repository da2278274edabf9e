// The audit trail's table: its columns once, and the hash that chains its rows. For the files of this folder only.
//
//   hash(n) = SHA-256( hash(n - 1) in hex, then every column of row n with its length before it )
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "bursar/broker/audit/audit_log.h"
#include "bursar/broker/audit/database.h"

namespace bursar::broker {

struct AuditText {
  const char* name;
  std::string AuditRecord::* member;
};
inline constexpr std::array<AuditText, 16> kAuditTexts = {{{"call_id", &AuditRecord::call_id},
                                                           {"turn_id", &AuditRecord::turn_id},
                                                           {"trace_id", &AuditRecord::trace_id},
                                                           {"principal", &AuditRecord::principal},
                                                           {"account", &AuditRecord::account},
                                                           {"method", &AuditRecord::method},
                                                           {"tool", &AuditRecord::tool},
                                                           {"upstream", &AuditRecord::upstream},
                                                           {"era", &AuditRecord::era},
                                                           {"stages", &AuditRecord::stages},
                                                           {"reserved", &AuditRecord::reserved},
                                                           {"committed", &AuditRecord::committed},
                                                           {"category", &AuditRecord::category},
                                                           {"code", &AuditRecord::code},
                                                           {"outcome", &AuditRecord::outcome},
                                                           {"arguments", &AuditRecord::arguments}}};
struct AuditNumber {
  const char* name;
  std::int64_t AuditRecord::* member;
};
inline constexpr std::array<AuditNumber, 3> kAuditNumbers = {{{"timeout_us", &AuditRecord::timeout_us},
                                                              {"elapsed_us", &AuditRecord::elapsed_us},
                                                              {"result_bytes", &AuditRecord::result_bytes}}};

inline constexpr std::string_view kNoPreviousHash = "0000000000000000000000000000000000000000000000000000000000000000";

// "sequence, at_us, attempts, <numbers>, <texts>, previous_hash, hash": the order of insert and select.
[[nodiscard]] std::string audit_columns();
[[nodiscard]] std::string audit_schema();
[[nodiscard]] std::string audit_insert();
void bind_record(Query& query, const AuditRecord& record);
[[nodiscard]] AuditRecord read_record(const Query& query);

[[nodiscard]] std::string chain_hash(const AuditRecord& record);  // over previous_hash and everything but `hash`
// Binds the end of the chain to the database's secret.
[[nodiscard]] std::string head_mac(std::string_view secret, std::uint64_t sequence, std::string_view hash);

struct AuditHead {
  std::uint64_t sequence = 0;
  std::string hash{kNoPreviousHash}, mac;
};
[[nodiscard]] Result<AuditHead> read_head(Database& db);
[[nodiscard]] Result<std::string> read_secret(Database& db);  // empty where there is none yet

}  // namespace bursar::broker
