// What a store does with the leases of processes that ended: receipts say what was spent, the rest is stranded.
//
//   Reconciler reconciler(parents, cells);
//   reconciler.add_lease(process, cell, lease);      // every lease of an ended process
//   reconciler.add_receipt(process, row);            // every receipt after that process's checkpoint
//   reconciler.finish(now_us);                       // `cells` now hold base and stranded; drop the leases
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "bursar/core/result.h"
#include "bursar/ledger/lease.h"
#include "bursar/ledger/store.h"

namespace bursar::ledger {

inline constexpr int kProcessShift = 44;  // sequences and hold ids carry their process above this bit

[[nodiscard]] constexpr ProcessId process_of(std::uint64_t sequence) {
  return static_cast<ProcessId>(sequence >> kProcessShift);
}

class Reconciler {
 public:
  // `parents` by account id; `cells` by cell id, changed in place by finish().
  Reconciler(const std::vector<AccountId>& parents, std::vector<CellRow>& cells);
  void add_lease(ProcessId process, CellId cell, const Lease& lease);
  [[nodiscard]] Result<void> add_receipt(const ReceiptRow& row);
  void finish(std::int64_t now_us);

 private:
  struct Open {
    Lease lease;
    Settled late;
  };
  const std::vector<AccountId>& parents_;
  std::vector<CellRow>& cells_;
  std::vector<std::vector<CellId>> cells_of_;  // by account
  std::map<std::pair<ProcessId, CellId>, Open> leases_;
};

}  // namespace bursar::ledger
