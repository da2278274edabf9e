// Who asked for what, and what came of it: an append-only chain of records in the database.
//
//   log.append(record_of(call, now));                 // never waits for the disk
//   auto rows = query(database, {.principal = "key:ada", .tool = "files.*", .from = yesterday});
//   Result<Verified> ok = verify(database);           // recomputes the chain; names the first record that breaks it
//
// Each record holds the SHA-256 of the one before it, so that a change, a deletion or a reordering shows. Raw arguments
// and tokens are never written by default; arguments and subjects are kept as HMACs with a key of this database.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/pipeline/call.h"

namespace bursar::broker {

struct AuditRecord {
  std::uint64_t sequence = 0;  // given by the log
  WallTime at;
  std::string call_id, turn_id, trace_id, principal, account, method, tool, upstream, era;
  std::string stages;    // "authenticate:12,authorise:3,admit!41": micros; '!' where it stopped
  std::string reserved, committed;
  std::int64_t timeout_us = 0, elapsed_us = 0;
  int attempts = 0;
  std::string category, code, outcome;  // empty category: success
  std::string arguments;                // HMAC, or the raw text where the configuration says so
  std::int64_t result_bytes = 0;
  std::string previous_hash, hash;      // hex; given by the log
};

[[nodiscard]] AuditRecord record_of(const Call& call, WallTime now);

struct AuditOptions {
  bool raw_arguments = false;
  std::size_t queue = 65'536;  // records waiting for the disk; past it health() fails and the gateway refuses to work
  Duration group_commit = std::chrono::milliseconds{20};
};

// Thread-safe; one writer thread.
class AuditLog {
 public:
  [[nodiscard]] static Result<std::unique_ptr<AuditLog>> open(const std::string& database, AuditOptions options = {});
  ~AuditLog();
  void append(AuditRecord record);
  Result<void> flush();
  [[nodiscard]] Result<void> health() const;

 private:
  struct State;
  explicit AuditLog(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct AuditFilter {
  std::string principal, tool, account;  // globs; empty for all
  std::optional<WallTime> from, to;
  bool failures_only = false;
  std::size_t limit = 1000;
};
[[nodiscard]] Result<std::vector<AuditRecord>> query(const std::string& database, const AuditFilter& filter);

struct Verified {
  std::uint64_t records = 0;
  std::string head;  // hash of the last record
};
[[nodiscard]] Result<Verified> verify(const std::string& database);
[[nodiscard]] std::string to_json(const AuditRecord& record);

}  // namespace bursar::broker
