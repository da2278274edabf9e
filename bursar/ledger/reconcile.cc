#include "bursar/ledger/reconcile.h"

#include "bursar/ledger/assert.h"
#include "bursar/ledger/codec.h"

namespace bursar::ledger {

Reconciler::Reconciler(const std::vector<AccountId>& parents, std::vector<CellRow>& cells)
    : parents_(parents), cells_(cells), cells_of_(parents.size()) {
  for (const CellRow& cell : cells) {
    LEDGER_ASSERT(cell.account < parents.size() && &cells[cell.id] == &cell);
    cells_of_[cell.account].push_back(cell.id);
  }
}

void Reconciler::add_lease(ProcessId process, CellId cell, const Lease& lease) {
  LEDGER_ASSERT(cell < cells_.size());
  leases_[{process, cell}] = {.lease = lease, .late = {}};
}

Result<void> Reconciler::add_receipt(const ReceiptRow& row) {
  const auto amounts = unpack_receipt(row.amounts, row.flags);
  if (!amounts) return tl::unexpected(amounts.error());
  if (row.account >= parents_.size()) {
    return fail(ErrorCode::kCorrupt, "receipt " + std::to_string(row.sequence) + " names account " +
                                         std::to_string(row.account) + ", which does not exist");
  }
  for (AccountId id = row.account; id != kNoAccount; id = parents_[id]) {
    for (const CellId cell : cells_of_[id]) {
      const auto found = leases_.find({process_of(row.sequence), cell});
      if (found == leases_.end()) continue;
      Open& open = found->second;
      if (row.sequence <= open.lease.through || row.born < open.lease.born) continue;
      open.late.amount += amounts->actual[cells_[cell].limit.resource];
      open.late.overrun += amounts->overrun[cells_[cell].limit.resource];
    }
  }
  return {};
}

void Reconciler::finish(std::int64_t now_us) {
  for (const auto& [key, open] : leases_) fold(cells_[key.second], open.lease, open.late, now_us);
}

}  // namespace bursar::ledger
