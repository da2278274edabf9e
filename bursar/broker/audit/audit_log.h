// Who asked for what, and what came of it: an append-only chain of records in the database.
//
//   AuditTexts made;
//   log.append(entry_of(call, now, made));            // never waits for the disk
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

template <class Text>
struct AuditFields {
  WallTime at{};
  Text call_id = {}, turn_id = {}, trace_id = {}, principal = {}, account = {}, method = {}, tool = {}, upstream = {},
       era = {};
  Text stages = {};  // "authenticate:12,authorise:3,admit!41": micros; '!' where it stopped
  Text reserved = {}, committed = {};
  std::int64_t timeout_us = 0, elapsed_us = 0;
  int attempts = 0;
  Text category = {}, code = {}, outcome = {};  // empty category: success
  Text arguments = {};  // of a record: "hmac:…", or the raw text where the configuration says so
  std::int64_t result_bytes = 0;
};

// What is to be written: views, needed until append() returns. Texts are cut at 1 KiB, raw arguments at 64 KiB.
struct AuditEntry : AuditFields<std::string_view> {
  bool raw_arguments = false;  // keep the text of the arguments; else the log makes an HMAC of them
};
// What was written.
struct AuditRecord : AuditFields<std::string> {
  std::uint64_t sequence = 0;
  std::string previous_hash, hash;  // hex
};

// The texts of an entry that stand nowhere else.
struct AuditTexts {
  std::string stages, reserved, committed, code;
};
// Views of `call` and of `made`.
[[nodiscard]] AuditEntry entry_of(const Call& call, WallTime now, AuditTexts& made);

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
  void append(const AuditEntry& entry);
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
