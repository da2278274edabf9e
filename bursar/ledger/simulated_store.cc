#include "bursar/ledger/simulated_store.h"

#include <algorithm>

#include "bursar/ledger/assert.h"
#include "bursar/ledger/codec.h"
#include "bursar/ledger/reconcile.h"

namespace bursar::ledger {
namespace {

class SimulatedStore final : public Store {
 public:
  explicit SimulatedStore(std::shared_ptr<SimulatedDisk> disk) : disk_(std::move(disk)) {}
  Result<Snapshot> open(WallTime now, std::size_t max_keys) override;
  Result<std::vector<LeaseAnswer>> commit(const Batch& batch) override;
  Result<std::vector<Receipt>> receipts(const ReceiptQuery& query) override;

 private:
  using Image = SimulatedDisk::Image;
  [[nodiscard]] bool take_fault(StoreFault& fault);
  void reconcile(Image& image, std::int64_t now_us);
  void put_account(Image& image, const AccountWrite& write, std::int64_t now_us);
  [[nodiscard]] LeaseAnswer put_lease(Image& image, const LeaseWrite& write, const Batch& batch);
  [[nodiscard]] std::vector<LeaseAnswer> write(const Batch& batch);
  void sync(const Image& before);
  [[nodiscard]] static Receipt receipt_of(const Image& image, const ReceiptRow& row);

  std::shared_ptr<SimulatedDisk> disk_;
  ProcessId process_ = 0;
};

bool SimulatedStore::take_fault(StoreFault& fault) {
  fault = disk_->next_fault;
  if (fault != StoreFault::kFull) disk_->next_fault = StoreFault::kNone;
  return fault != StoreFault::kNone;
}

void SimulatedStore::reconcile(Image& image, std::int64_t now_us) {
  std::vector<AccountId> parents(image.accounts.size(), kNoAccount);
  for (const AccountRow& row : image.accounts) {
    const auto slash = row.spec.path.rfind('/');
    for (const AccountRow& other : image.accounts) {
      if (slash != std::string::npos && other.spec.path == row.spec.path.substr(0, slash)) parents[row.id] = other.id;
    }
  }
  Reconciler reconciler(parents, image.cells);
  for (const auto& [key, lease] : image.leases) {
    Lease left = lease;
    if (disk_->bug == PlantedBug::kForgetsStranded) left.granted = left.settled;
    reconciler.add_lease(key.first, key.second, left);
  }
  for (const auto& [sequence, stored] : image.receipts) {
    if (sequence > image.processes.at(process_of(sequence)).checkpoint) {
      LEDGER_ASSERT(reconciler.add_receipt(stored->row));
    }
  }
  reconciler.finish(now_us);
  image.leases.clear();
  for (auto& [id, process] : image.processes) process.ended = true;
}

Result<Snapshot> SimulatedStore::open(WallTime now, std::size_t max_keys) {
  StoreFault fault{};
  if (take_fault(fault)) return fail(ErrorCode::kUnavailable, "simulated: the store cannot be opened", true);
  Image& image = disk_->current;
  Snapshot snapshot;
  snapshot.reconciled_leases = image.leases.size();
  reconcile(image, unix_us(now));
  process_ = image.processes.empty() ? 1 : image.processes.rbegin()->first + 1;
  image.processes[process_] = {.checkpoint = std::uint64_t{process_} << kProcessShift};
  snapshot.process = process_;
  snapshot.accounts = image.accounts;
  snapshot.cells = image.cells;
  snapshot.stranded_reservations = image.reservations.size();
  for (auto at = image.receipts.rbegin(); at != image.receipts.rend() && snapshot.keys.size() < max_keys; ++at) {
    if (at->second->key.empty()) continue;
    const Receipt receipt = receipt_of(image, at->second->row);
    snapshot.keys.push_back({.key = receipt.idempotency_key, .account = receipt.account, .receipt = receipt});
  }
  std::reverse(snapshot.keys.begin(), snapshot.keys.end());
  disk_->synced = disk_->bug == PlantedBug::kNone ? Image{} : image;
  return snapshot;
}

void SimulatedStore::put_account(Image& image, const AccountWrite& write, std::int64_t now_us) {
  const AccountId id = write.account.id;
  if (id >= image.accounts.size()) image.accounts.resize(id + 1);
  image.accounts[id] = write.account;
  for (const CellRow& row : write.cells) {
    if (row.id >= image.cells.size()) image.cells.resize(row.id + 1);
    CellRow& cell = image.cells[row.id];
    if (cell.level_at_us == 0) {
      cell = {
          .id = row.id, .account = row.account, .limit = row.limit, .level = row.limit.amount, .level_at_us = now_us};
    }
    std::int64_t outstanding = 0;
    for (const auto& [key, lease] : image.leases) {
      if (key.second == row.id) outstanding += lease.granted - lease.settled;
    }
    change_limit(cell, row.limit, outstanding, now_us);
    if (row.anew) cell.base = cell.stranded = cell.overrun = 0;
    cell.live = row.live;
    cell.begin_us = row.begin_us;
  }
}

LeaseAnswer SimulatedStore::put_lease(Image& image, const LeaseWrite& write, const Batch& batch) {
  CellRow& cell = image.cells.at(write.cell);
  Lease& lease = image.leases[{process_, write.cell}];
  const Limit honest = cell.limit;
  const std::int64_t level = cell.level;
  if (disk_->bug == PlantedBug::kGrantsTooMuch) cell.limit.amount = cell.limit.amount * 2 + 8;
  const LeaseAnswer answer = decide(cell, lease, {}, write, batch.through, batch.now_us);
  cell.limit = honest;
  if (disk_->bug == PlantedBug::kBucketNeverEmpties) cell.level = std::max(cell.level, level);
  return answer;
}

std::vector<LeaseAnswer> SimulatedStore::write(const Batch& batch) {
  Image& image = disk_->current;
  for (const AccountWrite& account : batch.accounts) put_account(image, account, batch.now_us);
  for (const CellId id : batch.forgiven) {
    image.cells.at(id).base -= image.cells.at(id).stranded;
    image.cells.at(id).stranded = 0;
  }
  std::vector<LeaseAnswer> answers;
  for (const LeaseWrite& lease : batch.leases) answers.push_back(put_lease(image, lease, batch));
  for (const ReceiptRow& row : batch.receipts) {
    if (image.receipts.contains(row.sequence)) continue;
    auto stored = std::make_shared<SimulatedDisk::StoredReceipt>();
    stored->row = row;
    stored->amounts = row.amounts;
    stored->key = row.key;
    stored->memo = row.memo;
    stored->row.amounts = stored->amounts;
    stored->row.key = stored->key;
    stored->row.memo = stored->memo;
    image.receipts.emplace(row.sequence, std::move(stored));
  }
  for (const ReservationRow& row : batch.reservations) image.reservations[row.hold] = row;
  for (const HoldId hold : batch.closed_reservations) image.reservations.erase(hold);
  if (batch.checkpoint) image.processes.at(process_).checkpoint = batch.through;
  if (batch.close) image.processes.at(process_).ended = true;
  return answers;
}

void SimulatedStore::sync(const Image& before) {
  if (disk_->bug == PlantedBug::kNone) return;
  disk_->synced = disk_->current;
  if (disk_->bug == PlantedBug::kLeasesNotSynced) disk_->synced.leases = before.leases;
  if (disk_->bug == PlantedBug::kReceiptsNotSynced) {
    disk_->synced.receipts = before.receipts;
    disk_->synced.leases = before.leases;
  }
}

Result<std::vector<LeaseAnswer>> SimulatedStore::commit(const Batch& batch) {
  const std::lock_guard lock(disk_->mutex);
  ++disk_->commits;
  StoreFault fault{};
  if (take_fault(fault) && fault != StoreFault::kAnswerLost) {
    return fail(ErrorCode::kUnavailable, fault == StoreFault::kFull ? "simulated: full" : "simulated: failed", true);
  }
  // The planted kinds of forgetfulness lag one transaction behind.
  const bool lagging = disk_->bug == PlantedBug::kLeasesNotSynced || disk_->bug == PlantedBug::kReceiptsNotSynced;
  const Image before = lagging ? disk_->current : Image{};
  auto answers = write(batch);
  sync(before);
  if (fault == StoreFault::kAnswerLost) return fail(ErrorCode::kUnavailable, "simulated: the answer was lost", true);
  return answers;
}

Receipt SimulatedStore::receipt_of(const Image& image, const ReceiptRow& row) {
  const auto amounts = unpack_receipt(row.amounts, row.flags);
  LEDGER_ASSERT(amounts.has_value());
  return {.sequence = row.sequence,
          .hold = row.hold,
          .account = image.accounts.at(row.account).spec.path,
          .reserved = amounts->reserved,
          .actual = amounts->actual,
          .overrun = amounts->overrun,
          .at = wall_from_unix_us(row.at_us),
          .uncertain = (row.flags & kFlagUncertain) != 0,
          .idempotency_key = std::string(row.key),
          .memo = std::string(row.memo)};
}

Result<std::vector<Receipt>> SimulatedStore::receipts(const ReceiptQuery& query) {
  const std::lock_guard lock(disk_->mutex);
  std::vector<Receipt> found;
  const Image& image = disk_->current;
  for (const auto& [sequence, stored] : image.receipts) {
    const Receipt receipt = receipt_of(image, stored->row);
    const std::string& path = receipt.account;
    const bool under = query.under.empty() || path == query.under || path.starts_with(query.under + "/");
    if (!under || receipt.at < query.from || receipt.at >= query.to || found.size() >= query.limit) continue;
    found.push_back(receipt);
  }
  return found;
}

}  // namespace

std::unique_ptr<Store> make_simulated_store(std::shared_ptr<SimulatedDisk> disk) {
  return std::make_unique<SimulatedStore>(std::move(disk));
}

}  // namespace bursar::ledger
