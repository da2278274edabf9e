#include <algorithm>
#include <array>
#include <utility>

#include "bursar/ledger/simulation_run.h"

namespace bursar::ledger {

void Simulation::open() {
  while (!engine_) {
    LedgerOptions options{.max_pending_receipts = 60, .shards = options_.shards};
    auto engine = Engine::open(make_simulated_store(disk_), clock_, options);
    if (engine) engine_ = *engine;
  }
}

void Simulation::restart(bool graceful) {
  catch_up();
  // The disk may be caught in the middle of a commit: written or not, and nobody saw the answer.
  if (!graceful && phase_ == Phase::kCollected && chance(50)) engine_->commit();
  if (graceful) {
    finish_round();
    disk_->next_fault = StoreFault::kNone;
    check();
  }
  std::map<std::string, std::int64_t> before;
  engine_->close(graceful);
  const bool open_holds =
      std::any_of(model_.holds.begin(), model_.holds.end(), [](auto& h) { return !h.second.ended; });
  for (const auto& [name, cell] : model_.cells) before[name] = cell.base + cell.spent;
  if (graceful) {
    for (auto& [id, hold] : model_.holds) model_.acknowledge(hold);
    for (const HoldId id : settled_) acknowledged_[model_.holds.at(id).receipt.sequence] = model_.holds.at(id).receipt;
    for (auto& [key, use] : keys_) {
      use.acknowledged = use.acknowledged || (use.settled && model_.holds.contains(use.hold));
    }
  }
  live_.clear();
  engine_.reset();
  disk_->crash();
  disk_->next_fault = StoreFault::kNone;
  phase_ = Phase::kIdle;
  limbo_.insert(limbo_.end(), pending_.begin(), pending_.end());
  pending_.clear();
  model_.crash();
  settled_.clear();
  for (auto at = keys_.begin(); at != keys_.end();) at = at->second.settled ? std::next(at) : keys_.erase(at);
  if (chance(30)) clock_.advance(Duration{static_cast<std::int64_t>(below(30)) * kSimulatedHour});
  open();
  ++report_.restarts;
  if (!graceful) ++report_.crashes;
  check_restart(graceful && !open_holds, before);
}

void Simulation::advance_clock() {
  const std::uint64_t kind = below(100);
  const std::int64_t most = kind < 60   ? kSimulatedSecond
                            : kind < 90 ? 20 * kSimulatedSecond
                            : kind < 97 ? 2 * kSimulatedHour
                                        : 30 * kSimulatedHour;
  clock_.advance(Duration{static_cast<std::int64_t>(below(static_cast<std::uint64_t>(most)))});
}

void Simulation::turn_slow_side() {
  catch_up();
  switch (phase_) {
    case Phase::kIdle:
      if (chance(8) && !calm_) {
        disk_->next_fault = std::array{StoreFault::kFails, StoreFault::kAnswerLost, StoreFault::kFull}[below(3)];
        ++report_.faults;
      } else if (disk_->next_fault == StoreFault::kFull && chance(30)) {
        disk_->next_fault = StoreFault::kNone;
      }
      engine_->collect();  // serves waiters first, then lets the changes restrict
      for (const AccountSpec& spec : pending_) model_.attach(spec, now());
      phase_ = Phase::kCollected;
      break;
    case Phase::kCollected:
      engine_->commit();
      phase_ = Phase::kCommitted;
      break;
    case Phase::kCommitted: {
      engine_->apply();
      phase_ = Phase::kIdle;
      doubt_ = engine_->failing() ? 3 : std::max(0, doubt_ - 1);
      if (engine_->failing()) break;
      // Changes that failed before went along with the first transaction that succeeded.
      for (const AccountSpec& spec : std::exchange(limbo_, {})) model_.confirm(spec, now());
      break;
    }
  }
}

void Simulation::finish_round() {
  while (phase_ != Phase::kIdle) turn_slow_side();
}

void Simulation::step() {
  Engine::pretend_thread(static_cast<unsigned>(below(options_.shards)));
  const std::uint64_t what = below(1000);
  if (what < 330)
    reserve();
  else if (what < 560)
    settle();
  else if (what < 600)
    let_go();
  else if (what < 620)
    extend();
  else if (what < 650)
    change_account();
  else if (what < 680)
    flush();
  else if (what < 780)
    advance_clock();
  else if (what < 985)
    turn_slow_side();
  else if (what < 993)
    restart(false);
  else if (what < 996)
    restart(true);
  else if (what < 997)
    forgive();
  else
    check();
}

SimulationReport Simulation::run() {
  open();
  for (const std::string& path : simulated_paths()) {
    put(random_spec(path));
    pump();
  }
  for (step_ = 0; step_ < options_.steps && report_.violation.empty(); ++step_) {
    step();
    if (step_ % 16 == 0 && report_.violation.empty()) check();
  }
  if (report_.violation.empty()) restart(false);
  if (report_.violation.empty()) check();
  live_.clear();
  engine_->close(false);
  report_.commits = disk_->commits;
  return report_;
}

SimulationReport simulate(const SimulationOptions& options) { return Simulation(options).run(); }

}  // namespace bursar::ledger
