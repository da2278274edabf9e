#include <algorithm>
#include <iterator>
#include <utility>

#include "bursar/ledger/simulation_run.h"

namespace bursar::ledger {

void Simulation::reserve() {
  if (model_.accounts.empty()) return;
  catch_up();
  ReserveRequest request{.account = random_account(),
                         .amounts = random_amounts(chance(10) ? 200 : 12),
                         .ttl = Duration{1'000 + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(
                                                     chance(20) ? 5 * kSimulatedHour : 30 * kSimulatedSecond)))}};
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

void Simulation::answered(const ReserveRequest& request, Reservation answer) {
  if (auto* hold = std::get_if<Hold>(&answer))
    granted(request, std::move(*hold));
  else if (auto* refusal = std::get_if<Refusal>(&answer))
    refused(request, *refusal);
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
  const Duration ttl{1'000 + static_cast<std::int64_t>(below(40 * kSimulatedSecond))};
  const bool ok = live.objects.front().extend(ttl).has_value();
  require(ok == !hold.ended, "extend answered wrongly");
  if (ok) hold.expires_us = now() + ttl.count();
}

void Simulation::put(const AccountSpec& spec) {
  pending_.push_back(spec);
  if (spec.fail_open) ever_open_.insert(spec.path);
  model_.put_pending(spec);
  engine_->put_account(spec, [this, spec](const Result<void>& ok) {
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
  const std::string& path = simulated_paths()[below(simulated_paths().size())];
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
  engine_->flush([this, before](const Result<void>& ok) {
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

}  // namespace bursar::ledger
