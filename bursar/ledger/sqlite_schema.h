// What the SQLite file of the ledger holds, and the statements that work on it. For the store alone.
#pragma once

#include "bursar/ledger/sqlite.h"

namespace bursar::ledger {

inline constexpr std::int64_t kApplicationId = 0x42525352;  // "BRSR"
inline constexpr std::int64_t kSchemaVersion = 1;
extern const char* const kStoreSchema;

struct StoreStatements {
  explicit StoreStatements(Connection& db);
  Statement receipt, group, cell, lease, others, put_cell, put_lease, account, new_cell, change_cell, forgive, close,
      reserve, unreserve, process, resource;
};

}  // namespace bursar::ledger
