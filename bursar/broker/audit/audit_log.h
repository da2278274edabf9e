// Who asked for what, and what came of it: an append-only chain of records in the database.
//
//   log.append(record_of(call, now));                 // never waits for the disk
//   auto rows = query(database, {.principal = "key:ada", .tool = "files.*", .from = yesterday});
//   Result<Verified> ok = verify(database);           // recomputes the chain; names the first record that breaks it
//
// Each record holds the SHA-256 of the one before it, and the last one's hash is kept apart under an HMAC, so that a
// change, a deletion (of the end too) or a reordering shows. Raw arguments and tokens are never written by default:
// arguments are kept as an HMAC with a key of this database. A principal is the name of a key, never a secret.
// Who can write the file and read its HMAC key can forge all of it: keep Verified.head elsewhere to be sure of the
// past.
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
  std::string stages;  // "authenticate:12,authorise:3,admit!41": micros; '!' where it stopped
  std::string reserved, committed;
  std::int64_t timeout_us = 0, elapsed_us = 0;
  int attempts = 0;
  std::string category, code, outcome;  // empty category: success
  std::string arguments;                // "hmac:…", or the raw text where the configuration says so
  std::int64_t result_bytes = 0;
  std::string previous_hash, hash;  // hex; given by the log
};

// `raw_arguments`: the text of the arguments (at most 64 KiB) instead of their SHA-256, which the log makes an HMAC.
[[nodiscard]] AuditRecord record_of(const Call& call, WallTime now, bool raw_arguments = false);

struct AuditOptions {
  std::size_t queue = 65'536;  // records waiting for the disk; past it health() fails and the gateway refuses to work
  Duration group_commit = std::chrono::milliseconds{20};
};

// Thread-safe; one writer thread. A disk that fails is tried again until it works; meanwhile health() says why. Records
// that came while twice the queue was waiting are lost, which a record of method "audit/gap" then says.
class AuditLog {
 public:
  // Errors: kUnavailable, kCorrupt.
  [[nodiscard]] static Result<std::unique_ptr<AuditLog>> open(const std::string& database, AuditOptions options = {});
  ~AuditLog();
  void append(AuditRecord record);
  Result<void> flush();  // returns when everything before it is on disk; kTimeout after 10 s
  [[nodiscard]] Result<void> health() const;
  [[nodiscard]] std::size_t queued() const;  // records waiting for the disk

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
// The newest `limit` records that fit, oldest of them first. kNotFound where there is no database or no trail.
[[nodiscard]] Result<std::vector<AuditRecord>> query(const std::string& database, const AuditFilter& filter);

struct Verified {
  std::uint64_t records = 0;
  std::string head;  // hash of the last record
};
// kCorrupt names the first record that does not fit: what was changed, or what is missing. O(records).
[[nodiscard]] Result<Verified> verify(const std::string& database);
[[nodiscard]] std::string to_json(const AuditRecord& record);  // one line

}  // namespace bursar::broker
