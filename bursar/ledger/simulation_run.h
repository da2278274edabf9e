// One run of simulation.h: the engine on a simulated disk, the model beside it, and everything that is drawn.
//
//   SimulationReport report = Simulation({.seed = 7}).run();
//
// simulation.cc runs and restarts it, simulation_draws.cc draws accounts and amounts, simulation_actions.cc does what
// callers do and judges each answer, simulation_checks.cc holds engine and disk against the model. The order in which
// numbers are drawn is part of what a seed means: a change of it changes every seed's run.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "bursar/ledger/engine.h"
#include "bursar/ledger/simulation.h"
#include "bursar/ledger/simulation_model.h"

namespace bursar::ledger {

inline constexpr std::int64_t kSimulatedSecond = 1'000'000;
inline constexpr std::int64_t kSimulatedHour = 3'600 * kSimulatedSecond;

// The accounts that a run may have, parents first.
[[nodiscard]] const std::vector<std::string>& simulated_paths();

class Simulation {
 public:
  explicit Simulation(const SimulationOptions& options)
      : options_(options),
        random_(options.seed),
        clock_(wall_from_unix_us(1'790'000'000 * kSimulatedSecond +
                                 static_cast<std::int64_t>(options.seed % 5'000'000) * kSimulatedSecond)),
        disk_(std::make_shared<SimulatedDisk>()) {
    disk_->bug = options.bug;
  }

  SimulationReport run();

 private:
  struct Live {  // the Hold objects of one hold
    HoldId id = 0;
    std::vector<Hold> objects;
  };
  struct KeyUse {
    std::string account;
    Amounts amounts;
    HoldId hold = 0;
    bool settled = false, acknowledged = false;
    Receipt receipt;
  };
  enum class Phase { kIdle, kCollected, kCommitted };

  [[nodiscard]] std::uint64_t below(std::uint64_t n) { return random_() % n; }
  [[nodiscard]] bool chance(unsigned percent) { return below(100) < percent; }
  [[nodiscard]] std::int64_t now() const { return unix_us(clock_.now()); }
  void violate(const std::string& what) {
    if (report_.violation.empty()) {
      report_.violation = "seed " + std::to_string(options_.seed) + ", step " + std::to_string(step_) + ": " + what;
    }
  }
  void require(bool ok, const std::string& what) {
    if (!ok) violate(what);
  }

  void open();
  void restart(bool graceful);
  void check_restart(bool clean, const std::map<std::string, std::int64_t>& before);
  void step();
  void catch_up() {
    model_.roll(now(), report_.rolled);
    model_.expire(now());
  }

  [[nodiscard]] Limit random_limit(WindowKind kind);
  [[nodiscard]] AccountSpec random_spec(const std::string& path);
  [[nodiscard]] std::string random_account();
  [[nodiscard]] Amounts random_amounts(std::int64_t most);

  void reserve();
  void answered(const ReserveRequest& request, Reservation answer);
  void granted(const ReserveRequest& request, Hold hold);
  void refused(const ReserveRequest& request, const Refusal& refusal);
  void settle();
  void settle_again();
  void let_go();
  void extend();
  void change_account();
  void put(const AccountSpec& spec);
  void flush();
  void forgive();
  void advance_clock();
  void turn_slow_side();
  void finish_round();
  void pump() {
    finish_round();
    turn_slow_side();
    finish_round();
  }
  void check();
  void check_disk();
  void check_children();

  const SimulationOptions options_;
  std::mt19937_64 random_;
  SimulatedClock clock_;
  std::shared_ptr<SimulatedDisk> disk_;
  std::shared_ptr<Engine> engine_;
  Model model_;
  SimulationReport report_;
  std::vector<Live> live_;
  std::map<std::string, KeyUse> keys_;                        // by account and key
  std::map<std::uint64_t, Receipt> receipts_, acknowledged_;  // all that were ever given; those that were durable
  std::vector<HoldId> settled_;
  std::vector<AccountSpec> pending_, limbo_;  // asked for; failed once, and still to be written
  Phase phase_ = Phase::kIdle;
  int step_ = 0;
  bool calm_ = false, syncing_ = false;
  std::set<std::string> ever_open_;  // accounts that were fail_open at some time
  int doubt_ = 0;                    // rounds until everything lent during a failure is written
  int waiting_ = 0;
  unsigned next_key_ = 0;
};

}  // namespace bursar::ledger
