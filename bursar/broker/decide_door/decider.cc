#include "bursar/broker/decide_door/decider.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "bursar/broker/api/api.h"
#include "bursar/broker/decide_door/decide_check.h"
#include "bursar/broker/state_file.h"
#include "bursar/broker/telemetry/log.h"
#include "bursar/explore/bandit_policy.h"

namespace bursar::broker {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxStateBytes = 256 << 20;

Resources resources_of(const DecideConfig& config) {
  Resources out;
  for (const Amount& amount : config.budget.items()) out.push_back(amount.resource);
  return out;
}

tl::unexpected<Error> ended(const DecisionName& name) {
  return fail(ErrorCode::kAlreadyExists,
              "decision " + to_string(name) +
                  " has ended: it was observed, it took nothing, it was refused, or its time was over or the gateway "
                  "restarted and it counts as what it reserved");
}

const explore::BanditPolicy* as_bandit(const Policy* policy) {
  return dynamic_cast<const explore::BanditPolicy*>(policy);
}

tl::unexpected<Error> unknown(const DecisionName& name) {
  return fail(ErrorCode::kNotFound, "there is no decision " + to_string(name));
}

}  // namespace

Decider::Decider(DecideConfig config, std::string path, WallTime now)
    : config_(std::move(config)),
      path_(std::move(path)),
      resources_(resources_of(config_)),
      run_(static_cast<std::uint64_t>(std::max<std::int64_t>(unix_us(now), 0)) / 1000),
      window_(window_of(config_).value_or(std::nullopt)),  // checked with the configuration
      learns_(learns_rewards(config_)),
      created_(now) {}

Result<std::unique_ptr<Decider>> Decider::open(const DecideConfig& config, std::string path, WallTime now) {
  std::unique_ptr<Decider> out(new Decider(config, std::move(path), now));
  const auto restored = out->restore();
  if (!restored) {
    return tl::unexpected(Error{ErrorCode::kCorrupt, out->path_ + ": " + restored.error().message +
                                                         "; move the file away to begin with the whole budget"});
  }
  if (!*restored) {
    if (auto ok = out->begin(now); !ok) return tl::unexpected(with_context("policies: " + config.name, ok.error()));
  }
  if (auto ok = out->save(); !ok) return tl::unexpected(ok.error());
  return out;
}

Result<void> Decider::begin(WallTime now) {
  if (auto* const bandit = dynamic_cast<explore::BanditPolicy*>(policy_.get())) {
    bandit->renew();
    return start_window(now);
  }
  auto policy = make_decider(config_, policy_ ? policy_->prices() : std::span<const double>());
  if (!policy) return tl::unexpected(policy.error());
  if (policy_) base_ += policy_->decided();
  policy_ = std::move(*policy);
  return start_window(now);
}

Result<void> Decider::start_window(WallTime now) {
  created_ = now;
  time_s_ = 0;
  changed_ = true;
  if (!window_) return {};
  const auto span = ledger::span_of(*window_, now);
  if (!span) return tl::unexpected(span.error());
  created_ = span->begin;
  ends_ = span->end;
  return {};
}

void Decider::roll(WallTime now) {
  if (now < ends_) return;
  if (auto ok = begin(now); !ok) {
    log(LogLevel::kError, "policy_keeps_its_window", {{"policy", config_.name}, {"reason", ok.error().message}});
  }
}

json::object Decider::setup() const {
  return {{"policy", config_.policy},
          {"budget", to_string(config_.budget)},
          {"window", config_.window},
          {"horizon", config_.horizon}};
}

json::object Decider::state() const {
  json::array open;
  for (const auto& [id, entry] : entries_) {
    json::array costs;
    for (const double cost : costs_of(entry.stage == Stage::kPaid ? entry.expected : entry.reserve, resources_))
      costs.emplace_back(cost);
    open.push_back(json::array{id, std::move(costs)});
  }
  return {{"version", 1},      {"setup", setup()},        {"base", base_},           {"created_us", unix_us(created_)},
          {"time_s", time_s_}, {"open", std::move(open)}, {"state", policy_->save()}};
}

Result<bool> Decider::restore() {
  const auto text = read_whole(path_);
  if (!text) return tl::unexpected(text.error());
  if (!*text) return false;
  const auto document = parse_json(**text, {.max_bytes = kMaxStateBytes});
  if (!document) return tl::unexpected(document.error());
  const JsonView root(*document);
  const auto version = root.int_at("version", 1, 1);
  if (!version) return tl::unexpected(version.error());
  const auto saved_setup = root.at("setup");
  if (!saved_setup) return tl::unexpected(saved_setup.error());
  if (saved_setup->value() != json::value(setup())) {
    log(LogLevel::kWarn, "policy_begins_anew", {{"policy", config_.name}, {"why", "its setup has changed"}});
    return false;
  }
  const auto base = root.int_at("base", 0);
  if (!base) return tl::unexpected(base.error());
  const auto created = root.int_at("created_us");
  if (!created) return tl::unexpected(created.error());
  const auto time_s = root.double_at("time_s", 0, 1e12);
  if (!time_s) return tl::unexpected(time_s.error());
  const auto state = root.at("state");
  if (!state) return tl::unexpected(state.error());
  auto policy = restore_policy(decide_policies(), state->value());
  if (!policy) return tl::unexpected(policy.error());
  if ((*policy)->remaining().size() != resources_.size()) return state->wrong("is of another number of resources");
  policy_ = std::move(*policy);
  base_ = static_cast<DecisionId>(*base);
  created_ = wall_from_unix_us(*created);
  if (window_) {
    const auto span = ledger::span_of(*window_, created_);
    if (!span) return tl::unexpected(span.error());
    ends_ = span->end;
  }
  time_s_ = *time_s;
  const auto open = root.at("open");
  if (!open) return tl::unexpected(open.error());
  const auto size = open->array_size();
  if (!size) return tl::unexpected(size.error());
  for (std::size_t i = 0; i < *size; ++i) {
    const auto pair = *open->element(i);
    const auto id = pair.element(0).and_then([](const JsonView& v) { return v.as_int(0); });
    if (!id) return tl::unexpected(id.error());
    const auto costs = pair.element(1);
    if (!costs) return tl::unexpected(costs.error());
    std::vector<double> reserved;
    for (std::size_t j = 0; j < resources_.size(); ++j) {
      const auto cost = costs->element(j).and_then([](const JsonView& v) { return v.as_double(0, 1e18); });
      if (!cost) return tl::unexpected(cost.error());
      reserved.push_back(*cost);
    }
    observe(static_cast<DecisionId>(*id), {.costs = reserved});
  }
  return true;
}

Result<Decider::Asked> Decider::ask(const DecideRequest& request, const std::string& subject, WallTime now) {
  const std::scoped_lock lock(mutex_);
  if (entries_.size() >= kMaxOpen) end_oldest_paid();
  if (entries_.size() >= kMaxOpen) {
    return fail(ErrorCode::kExhausted,
                std::to_string(kMaxOpen) + " decisions of " + config_.name + " wait to be observed; observe some",
                true);
  }
  roll(now);
  time_s_ = std::max(time_s_, std::chrono::duration<double>(now - created_).count());
  Asked out;
  if (window_) out.window_ends = ends_;
  out.prices.assign(policy_->prices().begin(), policy_->prices().end());
  const std::vector<double> before(policy_->remaining().begin(), policy_->remaining().end());
  auto decision = policy_->decide({.rewards = request.rewards,
                                   .costs = request.costs,
                                   .holds = request.holds,
                                   .context = request.context,
                                   .time_s = time_s_});
  if (!decision) return tl::unexpected(decision.error());
  changed_ = true;
  const bool auction = request.costs.empty();
  out.name = name_of(base_ + decision->id);
  out.decision = *decision;
  const std::size_t m = resources_.size();
  std::vector<double> expected(m), reserve(m);
  if (decision->option && learns_) {
    // What it holds may be its own parameter.
    for (std::size_t j = 0; j < m; ++j) reserve[j] = std::max(0.0, before[j] - policy_->remaining()[j]);
    expected = reserve;
    if (!request.costs.empty()) {
      std::copy_n(request.costs.begin() + static_cast<std::ptrdiff_t>(*decision->option * m), m, expected.begin());
    }
  } else if (decision->option && auction) {
    reserve[0] = decision->bid;
  } else if (decision->option) {
    const auto row = static_cast<std::ptrdiff_t>(*decision->option * m);
    const std::vector<double>& holds = request.holds.empty() ? request.costs : request.holds;
    std::copy_n(request.costs.begin() + row, m, expected.begin());
    std::copy_n(holds.begin() + row, m, reserve.begin());
  } else if (decision->wanted_bid > 0) {
    observe(out.name.id, {});  // a wish that the budget cut to nothing: never placed
  }
  out.remaining.assign(policy_->remaining().begin(), policy_->remaining().end());
  if (!decision->option) return out;
  out.open = true;
  out.reserve = amounts_of(reserve, resources_, Rounding::kUp);
  entries_.emplace(out.name.id, Entry{.subject = subject,
                                      .expected = amounts_of(expected, resources_, Rounding::kNearest),
                                      .reserve = out.reserve});
  return out;
}

// Rewards that nobody tells must not stop the calls that wait for nothing else.
void Decider::end_oldest_paid() {
  const auto oldest = std::ranges::find(entries_, Stage::kPaid, [](const auto& entry) { return entry.second.stage; });
  if (oldest == entries_.end()) return;
  const std::vector<double> costs = costs_of(oldest->second.expected, resources_);
  observe(oldest->first, {.costs = costs});
  entries_.erase(oldest);
}

void Decider::grant(DecisionId id, ledger::Hold hold, WallTime now) {
  const std::scoped_lock lock(mutex_);
  Entry& entry = entries_.at(id);
  entry.hold = std::move(hold);
  entry.due = now + config_.feedback;
  entry.stage = Stage::kOpen;
}

void Decider::paid(DecisionId id, const Amounts& cost, WallTime now) {
  if (!learns_) return tell(id, cost, std::nullopt);
  const std::scoped_lock lock(mutex_);
  Entry& entry = entries_.at(id);
  entry.expected = entry.reserve = cost;
  entry.due = now + config_.feedback;
  entry.stage = Stage::kPaid;
  changed_ = true;
}

Result<void> Decider::check_reward(std::optional<double> reward) const {
  const std::scoped_lock lock(mutex_);
  const auto* const bandit = as_bandit(policy_.get());
  if (bandit == nullptr || !reward) return {};
  const auto& [low, high] = bandit->bandit().options().range;
  if (*reward >= low && *reward <= high) return {};
  return invalid_argument("$.reward: must be from " + number_json(low) + " to " + number_json(high) +
                          ", the policy's parameters low and high, is " + number_json(*reward));
}

std::size_t Decider::arms() const {
  const std::scoped_lock lock(mutex_);
  const auto* const bandit = as_bandit(policy_.get());
  return bandit == nullptr ? 0 : bandit->bandit().learner().arms();
}

void Decider::refuse(DecisionId id) {
  const std::scoped_lock lock(mutex_);
  observe(id, {.refused = true});
  entries_.erase(id);
  changed_ = true;
}

Decider::Taken Decider::taken(DecisionId id, Entry& entry) {
  const bool paid = entry.stage == Stage::kPaid;
  entry.stage = Stage::kTaken;
  return {id, std::move(entry.hold), entry.expected, entry.reserve, paid};
}

Result<Decider::Taken> Decider::take(const DecisionName& name, const Principal& principal) {
  const std::scoped_lock lock(mutex_);
  if (name.run < run_) return ended(name);
  if (name.run > run_ || name.id >= base_ + policy_->decided()) return unknown(name);
  const auto found = entries_.find(name.id);
  if (found == entries_.end()) return ended(name);
  Entry& entry = found->second;
  if (entry.subject != principal.subject && !may_administer(principal)) return unknown(name);
  if (entry.stage == Stage::kPending) return unknown(name);  // not given out yet
  if (entry.stage == Stage::kTaken) return ended(name);
  return taken(name.id, entry);
}

void Decider::tell(DecisionId id, const std::optional<Amounts>& cost, std::optional<double> reward) {
  const std::vector<double> costs = cost ? costs_of(*cost, resources_) : std::vector<double>();
  const std::scoped_lock lock(mutex_);
  observe(id, {.costs = costs, .reward = reward});
  entries_.erase(id);
  changed_ = true;
}

// A policy that was told to keep fewer decisions open than there are has counted this one at its hold already, and so
// has one whose window is over.
void Decider::observe(DecisionId id, const Outcome& outcome) {
  if (id < base_) return;
  const auto ok = policy_->observe(id - base_, outcome);
  if (ok || ok.error().code == ErrorCode::kNotFound) return;
  log(LogLevel::kError, "policy_not_told", {{"decision", to_string(name_of(id))}, {"reason", ok.error().message}});
}

std::vector<Decider::Taken> Decider::overdue(WallTime now) {
  const std::scoped_lock lock(mutex_);
  std::vector<Taken> out;
  for (auto& [id, entry] : entries_) {
    const bool open = entry.stage == Stage::kOpen || entry.stage == Stage::kPaid;
    if (open && now >= entry.due) out.push_back(taken(id, entry));
  }
  return out;
}

std::vector<Decider::Taken> Decider::finish() { return overdue(WallTime::max()); }

std::vector<double> Decider::remaining() const {
  const std::scoped_lock lock(mutex_);
  return {policy_->remaining().begin(), policy_->remaining().end()};
}

Result<void> Decider::save() {
  json::object now;
  {
    const std::scoped_lock lock(mutex_);
    if (!changed_) return {};
    now = state();
    changed_ = false;
  }
  auto ok = write_whole(path_, bursar::to_json(json::value(std::move(now))));
  if (!ok) {
    const std::scoped_lock lock(mutex_);
    changed_ = true;
  }
  return ok;
}

}  // namespace bursar::broker
