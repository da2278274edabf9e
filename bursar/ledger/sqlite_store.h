// The embedded store: one SQLite file in WAL mode, written by one process at a time.
//
//   auto store = open_sqlite_store({.path = "var/ledger.db"});
//   if (!store) return tl::unexpected(store.error());   // "ledger.db is in use by process 4711"
//
// A second live process on the same file is refused: an advisory lock on "<path>.lock", which the kernel frees when
// its owner dies, however it dies. Readers (sqlite3, `bursar budget show`) may look at any time. A commit returns after
// fsync (synchronous=FULL); a locked file is waited for up to `busy_timeout`, then the commit fails and nothing is
// spent.
#pragma once

#include <memory>
#include <string>

#include "bursar/ledger/store.h"

namespace bursar::ledger {

struct SqliteOptions {
  std::string path;  // ":memory:" for tests that need no disk
  Duration busy_timeout = std::chrono::seconds{1};
  std::int64_t full_check_bytes = 64 * 1024 * 1024;  // larger files: receipts are not checked at open
  std::int64_t max_pages = 0;                        // 0: as large as the disk allows; for tests of "full"
  std::int64_t max_key_rows = 2'000'000;             // receipts that are searched for recent keys at open
  std::string copy_of = {};  // instead of `path`: a copy in memory of that file, which is only read, in use or not
};

// Errors: kUnavailable where the file is locked, read-only or cannot be opened; kCorrupt where it is no ledger of ours,
// of a newer version, or damaged.
[[nodiscard]] Result<std::unique_ptr<Store>> open_sqlite_store(SqliteOptions options);

}  // namespace bursar::ledger
