#include "bursar/ledger/simulation.h"

#include <algorithm>
#include <random>
#include <set>

#include "bursar/ledger/engine.h"
#include "bursar/ledger/simulation_model.h"

namespace bursar::ledger {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kHour = 3'600 * kSecond;

class Simulation {
 public:
  explicit Simulation(const SimulationOptions& options)
      : options_(options),
        random_(options.seed),
        clock_(
            wall_from_unix_us(1'790'000'000 * kSecond + static_cast<std::int64_t>(options.seed % 5'000'000) * kSecond)),
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

const std::vector<std::string>& all_paths() {
  static const std::vector<std::string> paths{"o", "o/a", "o/b", "o/a/x", "o/a/y", "o/b/z"};
  return paths;
}

Limit Simulation::random_limit(WindowKind kind) {
  static const std::vector<std::string> zones{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"};
  switch (kind) {
    case WindowKind::kTotal: return {kCalls, static_cast<std::int64_t>(20 + below(400)), {}};
    case WindowKind::kDay: return {kUsd, static_cast<std::int64_t>(100 + below(5'000)), {kind, zones[below(4)]}};
    case WindowKind::kWeek: return {kTokens, static_cast<std::int64_t>(50 + below(2'000)), {kind, zones[below(4)]}};
    case WindowKind::kMonth: return {kCalls, static_cast<std::int64_t>(50 + below(500)), {kind, zones[below(4)]}};
    case WindowKind::kRate: break;
  }
  return {kTokens,
          static_cast<std::int64_t>(40 + below(200)),
          {.kind = WindowKind::kRate, .period = Duration{60 * kSecond}}};
}

AccountSpec Simulation::random_spec(const std::string& path) {
  AccountSpec spec{.path = path, .limits = {random_limit(WindowKind::kTotal)}};
  if (chance(50)) spec.limits.push_back(random_limit(WindowKind::kDay));
  if (chance(25)) spec.limits.push_back(random_limit(WindowKind::kWeek));
  if (chance(25)) spec.limits.push_back(random_limit(WindowKind::kMonth));
  if (chance(40)) spec.limits.push_back(random_limit(WindowKind::kRate));
  spec.sync = chance(8);
  spec.fail_open = chance(15);
  return spec;
}

std::string Simulation::random_account() {
  if (model_.accounts.empty()) return "o";
  auto at = model_.accounts.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(below(model_.accounts.size())));
  return at->first;
}

Amounts Simulation::random_amounts(std::int64_t most) {
  Amounts amounts;
  const auto some = [&](Resource r, unsigned percent, std::int64_t limit) {
    if (chance(percent)) (void)amounts.set(r, static_cast<std::int64_t>(below(static_cast<std::uint64_t>(limit))));
  };
  some(kUsd, 70, 5 * most);
  some(kTokens, 70, 2 * most);
  some(kCalls, 90, std::max<std::int64_t>(2, most / 3));
  return amounts;
}

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
  if (chance(30)) clock_.advance(Duration{static_cast<std::int64_t>(below(30)) * kHour});
  open();
  ++report_.restarts;
  if (!graceful) ++report_.crashes;
  check_restart(graceful && !open_holds, before);
}

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

void Simulation::granted(const ReserveRequest& request, Hold hold) {
  const HoldId id = hold.id();
  const std::string full = request.account + "\n" + request.idempotency_key;
  const auto key = request.idempotency_key.empty() ? keys_.end() : keys_.find(full);
  if (!hold.active()) {
    ++report_.idempotent;
    if (key == keys_.end() || !key->second.settled) return violate("a hold came back finished without a receipt");
    auto receipt = hold.settle({.actual = {}});
    // A key that expired and was used again may have two receipts, where the first hold settled late.
    const auto known = receipts_.find(receipt ? receipt->sequence : 0);
    require(known != receipts_.end() && known->second.idempotency_key == request.idempotency_key &&
                known->second.account == request.account && known->second.actual == receipt->actual,
            "a repeated key gave a receipt that it never had");
    return;
  }
  if (key != keys_.end()) {
    const auto known = model_.holds.find(key->second.hold);
    const bool held = known != model_.holds.end() && !known->second.ended;
    // Where the first hold had expired, a second one may have been taken before the first was settled late.
    const bool late = key->second.receipt.overrun == key->second.receipt.actual;
    require(!key->second.acknowledged || late, "a key that was settled and acknowledged was charged again");
    if (held) {
      ++report_.idempotent;
      require(id == key->second.hold, "a repeated key gave another hold");
      for (Live& live : live_) {
        if (live.id == id) return live.objects.push_back(std::move(hold));
      }
      return violate("a repeated key gave a hold that nobody has");
    }
  }
  bool guarded = true, sync = false;
  for (const std::string& name : model_.path(request.account)) sync = sync || model_.accounts.at(name).sync;
  for (const std::string& name : model_.path(request.account)) {
    // What was lent to a fail_open account while the store failed stays unguarded until it was written.
    if (ever_open_.contains(name) && (doubt_ > 0 || engine_->failing())) guarded = false;
    // The hold of a sync account may have been taken just before the freeze, and granted with it.
    const bool changing = sync || !pending_.empty() || !limbo_.empty();
    require(!model_.accounts.at(name).frozen || changing, name + " is frozen and was charged");
  }
  catch_up();
  model_.grant(id, request, now(), guarded);
  ++report_.granted;
  if (auto wrong = model_.over_limit(request.account, request.amounts); !wrong.empty()) violate("overspent: " + wrong);
  if (!request.idempotency_key.empty()) keys_[full] = {request.account, request.amounts, id, false, false, {}};
  live_.push_back({.id = id, .objects = {}});
  live_.back().objects.push_back(std::move(hold));
}

void Simulation::refused(const ReserveRequest& request, const Refusal& refusal) {
  ++report_.refused;
  if (refusal.why == Refusal::Why::kKeyConflict) {
    const auto key = keys_.find(request.account + "\n" + request.idempotency_key);
    bool differs = key != keys_.end() && !(key->second.amounts == request.amounts);
    for (const auto& [sequence, r] : receipts_) {
      const bool same = r.account == request.account && r.idempotency_key == request.idempotency_key;
      differs = differs || (same && !(r.reserved == request.amounts));
    }
    require(differs, "a key conflict without one");
    return;
  }
  if (refusal.why != Refusal::Why::kLimit || refusal.window.kind == WindowKind::kRate) return;
  if (syncing_)
    return;  // the hold of a sync account may stand in the way, which the model learns of when it is granted
  catch_up();
  const Limit limit{refusal.resource, refusal.limit, refusal.window};
  const auto found = model_.cells.find(Model::cell_name(refusal.account, limit));
  if (found == model_.cells.end()) return violate("refused by a limit that nobody set: " + refusal.to_error().message);
  const ModelCell& cell = found->second;
  require(!cell.base_known || cell.base + cell.spent + cell.held + refusal.asked > cell.amount_low,
          "phantom refusal of " + refusal.account + ": " + refusal.to_error().message);
}

void Simulation::answered(const ReserveRequest& request, Reservation answer) {
  if (auto* hold = std::get_if<Hold>(&answer))
    granted(request, std::move(*hold));
  else if (auto* refusal = std::get_if<Refusal>(&answer))
    refused(request, *refusal);
}

void Simulation::reserve() {
  if (model_.accounts.empty()) return;
  catch_up();
  ReserveRequest request{
      .account = random_account(),
      .amounts = random_amounts(chance(10) ? 200 : 12),
      .ttl = Duration{
          1'000 + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(chance(20) ? 5 * kHour : 30 * kSecond)))}};
  if (chance(30)) request.idempotency_key = "k" + std::to_string(next_key_++);
  if (!keys_.empty() && chance(12)) {
    auto at = keys_.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(below(keys_.size())));
    request.account = at->second.account;
    request.idempotency_key = at->first.substr(at->first.find('\n') + 1);
    if (chance(85)) request.amounts = at->second.amounts;
  }
  bool sync = false;
  for (const std::string& name : model_.path(request.account)) sync = sync || model_.accounts.at(name).sync;
  for (const auto* specs : {&pending_, &limbo_}) {
    for (const AccountSpec& spec : *specs) sync = sync || spec.sync;
  }
  if (chance(40) && !sync) return answered(request, engine_->try_reserve(request));
  // A change in the same transaction would come between the taking and the granting of its hold.
  if (sync) finish_round();
  for (int i = 0; sync && i < 5 && (!pending_.empty() || !limbo_.empty()); ++i) pump();
  if (sync && (!pending_.empty() || !limbo_.empty())) return;
  const auto done = std::make_shared<bool>(false);
  ++waiting_;
  engine_->reserve(request, [this, request, done](Reservation r) {
    *done = true;
    --waiting_;
    answered(request, std::move(r));
  });
  // The hold of a sync account is taken before it is granted; keep both in one instant, so that the model can follow.
  syncing_ = sync;
  for (int i = 0; sync && !*done && i < 20; ++i) pump();
  syncing_ = false;
}

void Simulation::settle() {
  if (live_.empty()) return;
  catch_up();
  const std::size_t at = below(live_.size());
  ModelHold& hold = model_.holds.at(live_[at].id);
  Amounts actual;
  for (const Amount& a : hold.amounts.items()) {
    std::int64_t units = static_cast<std::int64_t>(below(static_cast<std::uint64_t>(a.units) + 1));
    if (chance(50)) units = a.units;
    if (chance(6)) units += static_cast<std::int64_t>(below(20));
    (void)actual.set(a.resource, units);
  }
  const bool late = hold.ended;
  auto receipt = live_[at].objects.front().settle({.actual = actual, .uncertain = chance(5), .memo = "m"});
  if (!receipt) return violate("settle failed: " + receipt.error().message);
  ++report_.settled;
  if (late) ++report_.late;
  if (!receipt->overrun.empty()) ++report_.overruns;
  model_.settle(hold, *receipt, late, now());
  settled_.push_back(live_[at].id);
  receipts_[receipt->sequence] = *receipt;
  if (!hold.key.empty()) {
    const auto key = keys_.find(hold.account + "\n" + hold.key);
    if (key != keys_.end() && key->second.hold == live_[at].id) {
      key->second.settled = true;
      key->second.receipt = *receipt;
    }
  }
  if (chance(20)) {
    const auto again = live_[at].objects.back().settle({.actual = {}});
    require(again && again->sequence == receipt->sequence && again->actual == receipt->actual,
            "a second settle gave another receipt");
  }
  live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(at));
}

void Simulation::let_go() {
  if (live_.empty()) return;
  catch_up();
  const std::size_t at = below(live_.size());
  Live& live = live_[at];
  ModelHold& hold = model_.holds.at(live.id);
  if (chance(50)) {
    live.objects.front().release();
    live.objects.front().release();
    if (!hold.ended) model_.end(hold, now());
  } else {
    live.objects.pop_back();
    if (!live.objects.empty()) return;
    if (!hold.ended) model_.end(hold, now());
  }
  live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(at));
}

void Simulation::extend() {
  if (live_.empty()) return;
  catch_up();
  Live& live = live_[below(live_.size())];
  ModelHold& hold = model_.holds.at(live.id);
  const Duration ttl{1'000 + static_cast<std::int64_t>(below(40 * kSecond))};
  const bool ok = live.objects.front().extend(ttl).has_value();
  require(ok == !hold.ended, "extend answered wrongly");
  if (ok) hold.expires_us = now() + ttl.count();
}

void Simulation::put(const AccountSpec& spec) {
  pending_.push_back(spec);
  if (spec.fail_open) ever_open_.insert(spec.path);
  model_.put_pending(spec);
  engine_->put_account(spec, [this, spec](Result<void> ok) {
    const auto at = std::find(pending_.begin(), pending_.end(), spec);
    if (at != pending_.end()) pending_.erase(at);
    if (ok)
      model_.confirm(spec, now());
    else
      limbo_.push_back(spec);
  });
}

void Simulation::change_account() {
  if (!pending_.empty() || !limbo_.empty()) return;
  catch_up();
  ++report_.limit_changes;
  const std::string& path = all_paths()[below(all_paths().size())];
  if (!model_.accounts.contains(path)) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos || model_.accounts.contains(path.substr(0, slash))) put(random_spec(path));
    return;
  }
  AccountSpec spec = model_.accounts.at(path);
  switch (below(7)) {
    case 0: spec.frozen = !spec.frozen; break;
    case 1:
      if (waiting_ == 0) spec.sync = !spec.sync;  // or a waiter's hold would be taken before it is granted
      break;
    case 2: spec.fail_open = !spec.fail_open; break;
    case 3: {
      Limit& limit = spec.limits[below(spec.limits.size())];
      limit.amount = static_cast<std::int64_t>(below(static_cast<std::uint64_t>(limit.amount) + 2));
      break;
    }
    case 4: spec.limits[below(spec.limits.size())].amount += static_cast<std::int64_t>(below(300)); break;
    case 5:
      if (spec.limits.size() > 1 && chance(50)) {
        spec.limits.erase(spec.limits.begin() + 1 + static_cast<std::ptrdiff_t>(below(spec.limits.size() - 1)));
      } else {
        const Limit limit = random_limit(static_cast<WindowKind>(1 + below(4)));
        const std::string name = Model::cell_name(path, limit);
        const bool has = std::any_of(spec.limits.begin(), spec.limits.end(),
                                     [&](const Limit& l) { return Model::cell_name(path, l) == name; });
        if (!has) spec.limits.push_back(limit);
        const auto old = model_.cells.find(name);
        if (!has && old != model_.cells.end()) spec.limits.back().window = old->second.limit.window;
      }
      break;
    default:
      for (Limit& limit : spec.limits) {
        if (limit.window.kind == WindowKind::kDay) limit.window.time_zone = chance(50) ? "Asia/Kolkata" : "UTC";
      }
  }
  if (!(spec == model_.accounts.at(path))) put(spec);
}

void Simulation::flush() {
  const std::vector<HoldId> before = settled_;
  engine_->flush([this, before](Result<void> ok) {
    if (!ok) return;
    for (const HoldId id : before) {
      const auto found = model_.holds.find(id);
      if (found == model_.holds.end()) continue;
      model_.acknowledge(found->second);
      acknowledged_[found->second.receipt.sequence] = found->second.receipt;
      const auto key = keys_.find(found->second.account + "\n" + found->second.key);
      if (key != keys_.end() && key->second.hold == id) key->second.acknowledged = true;
    }
  });
}

void Simulation::advance_clock() {
  const std::uint64_t kind = below(100);
  const std::int64_t most = kind < 60 ? kSecond : kind < 90 ? 20 * kSecond : kind < 97 ? 2 * kHour : 30 * kHour;
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

void Simulation::forgive() {
  if (model_.accounts.empty() || !limbo_.empty() || !pending_.empty()) return;
  const std::string path = random_account();
  finish_round();
  engine_->forgive(path, [this](Result<std::vector<Standing>> lines) {
    if (!lines) return;
    for (const Standing& line : *lines) {
      ModelCell& cell = model_.cells.at(Model::cell_name(line.account, line.limit));
      cell.base -= line.stranded;
      cell.truth = 0;  // the operator says that it was not spent
    }
  });
  disk_->next_fault = StoreFault::kNone;
  calm_ = true;  // a lost answer would leave the model in doubt
  pump();
  calm_ = false;
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
  for (const std::string& path : all_paths()) {
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

}  // namespace

SimulationReport simulate(const SimulationOptions& options) { return Simulation(options).run(); }

}  // namespace bursar::ledger
