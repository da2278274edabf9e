// A store whose disk, faults and crashes are under a simulator's hand.
//
//   auto disk = std::make_shared<SimulatedDisk>();
//   auto engine = Engine::open(make_simulated_store(disk), clock, options);
//   disk->next_fault = StoreFault::kAnswerLost;      // durable, but the caller sees an error
//   engine->close(false);  disk->crash();             // what was not synced is gone
//
// It calls the same arithmetic as the real stores (lease.h, reconcile.h). `bug` plants one mistake, so that a test can
// show that the simulation notices.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bursar/ledger/lease.h"
#include "bursar/ledger/store.h"

namespace bursar::ledger {

enum class StoreFault : std::uint8_t {
  kNone,
  kFails,       // nothing is written
  kAnswerLost,  // everything is durable, and the caller sees an error
  kFull,        // fails from now on, until the fault is cleared
};

enum class PlantedBug : std::uint8_t {
  kNone,
  kLeasesNotSynced,     // leases are granted before they are on disk
  kReceiptsNotSynced,   // receipts are acknowledged before they are on disk
  kGrantsTooMuch,       // the limit is not checked
  kForgetsStranded,     // what a dead process had leased and not settled is free again
  kBucketNeverEmpties,  // rate: leased tokens stay in the bucket
};

struct SimulatedDisk {
  struct StoredReceipt {
    ReceiptRow row;  // its views point into the strings below
    std::string amounts, key, memo;
  };
  struct Process {
    std::uint64_t checkpoint = 0;
    bool ended = false;
  };
  struct Image {
    std::vector<AccountRow> accounts;
    std::vector<CellRow> cells;
    std::map<std::pair<ProcessId, CellId>, Lease> leases;
    std::map<std::uint64_t, std::shared_ptr<const StoredReceipt>> receipts;
    std::map<HoldId, ReservationRow> reservations;
    std::map<ProcessId, Process> processes;
  };
  Image current;  // what a reader sees
  Image synced;   // what a crash leaves; kept apart only where a bug is planted
  std::atomic<StoreFault> next_fault = StoreFault::kNone;
  PlantedBug bug = PlantedBug::kNone;
  std::uint64_t commits = 0;
  std::mutex mutex;  // receipts() may be called by any thread

  void crash() {
    if (bug == PlantedBug::kLeasesNotSynced || bug == PlantedBug::kReceiptsNotSynced) current = synced;
  }
};

[[nodiscard]] std::unique_ptr<Store> make_simulated_store(std::shared_ptr<SimulatedDisk> disk);

}  // namespace bursar::ledger
