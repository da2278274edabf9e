// The whole ledger in one thread, from one seed: clock, disk, scheduling, faults and crashes are all drawn from it.
//
//   SimulationReport report = simulate({.seed = 7});
//   if (!report.violation.empty()) std::puts(report.violation.c_str());   // run seed 7 again: it fails the same way
//
// A plain model (maps and sums; no leases, shards or disk) follows every answer. After each step it must hold:
//   * a grant never takes spent + held of an account past its limit (in any window, resource; overruns apart);
//   * the engine's spent, held and overrun equal the model's, and a refusal is one that the model would give too;
//   * what is on disk bounds what this process spent and holds;
//   * children's sums equal their parent's; no hold outlives its expiry;
// and after each restart:
//   * every receipt that was acknowledged is there, unchanged, once;
//   * nothing counts less than the truth (holds that were open count: their calls may have spent).
#pragma once

#include <cstdint>
#include <string>

#include "bursar/ledger/simulated_store.h"

namespace bursar::ledger {

struct SimulationOptions {
  std::uint64_t seed = 1;
  int steps = 400;
  unsigned shards = 3;
  PlantedBug bug = PlantedBug::kNone;
};

struct SimulationReport {
  std::string violation;  // empty: all invariants held
  std::uint64_t granted = 0, refused = 0, settled = 0, overruns = 0, late = 0, crashes = 0, restarts = 0, faults = 0,
                rolled = 0, idempotent = 0, limit_changes = 0, stranded = 0, commits = 0;
};

[[nodiscard]] SimulationReport simulate(const SimulationOptions& options);

}  // namespace bursar::ledger
