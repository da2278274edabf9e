#include <algorithm>
#include <utility>

#include "bursar/ledger/simulation_run.h"

namespace bursar::ledger {

void Simulation::check_restart(bool clean, const std::map<std::string, std::int64_t>& before) {
  for (const AccountSpec& spec : engine_->accounts()) {
    const bool known = model_.confirmed.contains(spec.path) && model_.confirmed.at(spec.path) == spec;
    const bool asked = std::find(limbo_.begin(), limbo_.end(), spec) != limbo_.end();
    require(known || asked, "account " + spec.path + " came back changed");
    for (const Limit& limit : spec.limits) {
      const auto cell = model_.cells.find(Model::cell_name(spec.path, limit));
      // A change of zone that was lost: the count may have begun anew in one of the two.
      if (cell != model_.cells.end() && !(cell->second.limit.window == limit.window)) cell->second.truth = 0;
    }
    model_.confirm(spec, now());
  }
  require(engine_->accounts().size() >= model_.accounts.size(), "an account that was acknowledged is gone");
  limbo_.clear();
  std::uint64_t rolled = 0;
  model_.roll(now(), rolled);
  for (auto& [name, cell] : model_.cells) cell.base_known = cell.attached;
  for (const Standing& line : engine_->standing({})) {
    const std::string name = Model::cell_name(line.account, line.limit);
    ModelCell& cell = model_.cells.at(name);
    if (line.limit.window.kind == WindowKind::kRate) continue;
    require(line.spent >= cell.truth, name + " stands at " + std::to_string(line.spent) +
                                          " after a restart; the truth is " + std::to_string(cell.truth));
    require(line.held == 0, name + " holds something after a restart");
    if (clean && before.contains(name) && rolled == 0 && limbo_.empty()) {
      require(line.spent == before.at(name), name + " was " + std::to_string(before.at(name)) +
                                                 " before a clean shutdown and is " + std::to_string(line.spent));
    }
    report_.stranded += static_cast<std::uint64_t>(line.stranded);
    cell.base = line.spent;
  }
  const auto receipts =
      engine_->receipts({.under = {}, .from = WallTime::min(), .to = WallTime::max(), .limit = 100'000});
  std::map<std::uint64_t, Receipt> stored;
  std::set<HoldId> seen;
  for (const Receipt& r : *receipts) {
    require(seen.insert(r.hold).second, "hold " + std::to_string(r.hold) + " was charged twice");
    stored[r.sequence] = r;
  }
  for (const auto& [sequence, receipt] : acknowledged_) {
    const auto found = stored.find(sequence);
    if (found == stored.end()) {
      violate("receipt " + std::to_string(sequence) + " was acknowledged and is lost");
      continue;
    }
    require(found->second.actual == receipt.actual && found->second.overrun == receipt.overrun &&
                found->second.hold == receipt.hold && found->second.account == receipt.account,
            "receipt " + std::to_string(sequence) + " changed");
  }
}

void Simulation::check_disk() {
  if (options_.bug != PlantedBug::kNone) return;
  for (const CellRow& row : disk_->current.cells) {
    if (row.limit.window.kind == WindowKind::kRate || !row.live) continue;
    const std::string name = Model::cell_name(disk_->current.accounts[row.account].spec.path, row.limit);
    const auto found = model_.cells.find(name);
    if (found == model_.cells.end() || !found->second.attached) continue;
    const ModelCell& cell = found->second;
    std::int64_t most = cell.truth;
    for (const auto& [id, hold] : model_.holds) {
      const auto instance = hold.instances.find(name);
      if (hold.ended || !hold.guarded || instance == hold.instances.end()) continue;
      if (instance->second == cell.instance) most += hold.amounts[row.limit.resource];
    }
    const auto lease = disk_->current.leases.find({engine_->process(), row.id});
    std::int64_t bound = 0;
    if (row.begin_us == cell.begin_us) {
      bound = row.base;
      if (lease != disk_->current.leases.end() && lease->second.begin_us == row.begin_us)
        bound += lease->second.granted;
    }
    require(
        bound >= most || !pending_.empty() || !limbo_.empty(),
        name + ": the disk bounds " + std::to_string(bound) + " and " + std::to_string(most) + " is spent and held");
  }
}

// Every account has a total of calls, so a parent's must equal its own charges and its children's.
void Simulation::check_children() {
  const auto charged = [&](const std::string& path) {
    const ModelCell& cell = model_.cells.at(Model::cell_name(path, {kCalls, 0, {}}));
    return cell.spent + cell.held;
  };
  std::map<std::string, std::int64_t> engine_sums;
  for (const Standing& line : engine_->standing({})) {
    if (line.limit.window.kind != WindowKind::kTotal) continue;
    const ModelCell& cell = model_.cells.at(Model::cell_name(line.account, line.limit));
    engine_sums[line.account] = line.spent - cell.base + line.held;
  }
  for (const auto& [path, spec] : model_.accounts) {
    std::int64_t sum = model_.cells.at(Model::cell_name(path, {kCalls, 0, {}})).direct;
    for (const auto& [other, unused] : model_.accounts) {
      const bool child = other.starts_with(path + "/") && other.find('/', path.size() + 1) == std::string::npos;
      if (child) sum += engine_sums[other];
    }
    require(engine_sums[path] == sum && charged(path) == sum,
            path + " stands at " + std::to_string(engine_sums[path]) + " and its parts at " + std::to_string(sum));
  }
}

void Simulation::check() {
  catch_up();
  engine_->expire();
  engine_->check_invariants();
  for (const Standing& line : engine_->standing({})) {
    const std::string name = Model::cell_name(line.account, line.limit);
    const auto found = model_.cells.find(name);
    if (found == model_.cells.end()) {
      violate(name + " is unknown to the model");
      continue;
    }
    ModelCell& cell = found->second;
    if (!std::exchange(cell.base_known, true)) cell.base = line.spent - cell.spent;
    require(line.held == cell.held,
            name + " holds " + std::to_string(line.held) + "; the model " + std::to_string(cell.held));
    if (line.limit.window.kind == WindowKind::kRate) {
      require(line.spent + line.held + line.left >= line.limit.amount, name + ": the bucket leaks");
      continue;
    }
    require(line.spent == cell.base + cell.spent,
            name + " spent " + std::to_string(line.spent) + "; the model " + std::to_string(cell.base + cell.spent));
  }
  check_disk();
  check_children();
}

}  // namespace bursar::ledger
