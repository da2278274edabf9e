#include "bursar/admit/priced_policy.h"

#include <algorithm>
#include <bit>
#include <boost/json/array.hpp>
#include <cmath>

#include "bursar/core/json.h"
#include "bursar/core/saved_numbers.h"
#include "bursar/core/saved_setup.h"

namespace bursar::admit {
namespace {

constexpr std::size_t kFirstSlots = 64, kMostOptions = 1 << 20;
constexpr double kLargest = std::numeric_limits<double>::max();

// Finite and at least 0, every one; NaN fails the comparison. One pass without a branch an element.
bool all_amounts(std::span<const double> x) {
  bool good = true;
  for (const double v : x) good &= v >= 0 && v <= kLargest;
  return good;
}

Result<void> complain_number(std::string_view what, std::span<const double> x, std::size_t width) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] >= 0 && x[i] <= kLargest) continue;
    std::string where = std::string(what) + " of option " + std::to_string(i / width);
    if (width > 1) where += ", resource " + std::to_string(i % width);
    return invalid_argument(where + ": must be finite and at least 0, is " + std::to_string(x[i]));
  }
  return {};
}

}  // namespace

PricedPolicy::PricedPolicy(PricedOptions options, std::unique_ptr<PriceSource> source)
    : options_(std::move(options)),
      source_(std::move(source)),
      m_(options_.setup.budget.size()),
      remaining_(options_.setup.budget),
      open_(std::min(kFirstSlots, std::bit_ceil(std::size_t{std::max<std::uint32_t>(options_.max_open, 1)}))),
      amounts_(open_.size() * 2 * m_),
      scratch_(2 * m_) {
  options_.max_open = std::max<std::uint32_t>(options_.max_open, 1);
}

Result<void> PricedPolicy::check(const Request& r) const {
  const std::size_t options = r.rewards.size();
  if (options == 0 || options > kMostOptions) {
    return invalid_argument("rewards: has " + std::to_string(options) + " options; give 1 to " +
                            std::to_string(kMostOptions));
  }
  const bool auction = r.costs.empty();
  if (auction && options != 1) {
    return invalid_argument("costs: is empty, which makes it an auction, and an auction has one reward, not " +
                            std::to_string(options));
  }
  if (!auction && r.costs.size() != options * m_) {
    return invalid_argument("costs: has " + std::to_string(r.costs.size()) + " numbers; " + std::to_string(options) +
                            " options of " + std::to_string(m_) + " resources need " + std::to_string(options * m_));
  }
  if (!r.holds.empty() && r.holds.size() != r.costs.size()) {
    return invalid_argument("holds: has " + std::to_string(r.holds.size()) + " numbers, costs has " +
                            std::to_string(r.costs.size()));
  }
  if (!r.purse.empty() && r.purse.size() != m_) {
    return invalid_argument("purse: has " + std::to_string(r.purse.size()) + " numbers for " + std::to_string(m_) +
                            " resources");
  }
  if (!all_amounts(r.rewards)) return complain_number("reward", r.rewards, 1);
  if (!all_amounts(r.costs)) return complain_number("cost", r.costs, m_);
  if (!all_amounts(r.holds)) return complain_number("hold", r.holds, m_);
  if (std::ranges::any_of(r.purse, [](double x) { return std::isnan(x); })) {
    return invalid_argument("purse: holds something that is not a number");
  }
  if (!std::isfinite(r.time_s)) return invalid_argument("time_s: must be finite");
  return {};
}

Result<void> PricedPolicy::check(const Outcome& outcome) const {
  if (!outcome.costs.empty() && outcome.costs.size() != m_) {
    return invalid_argument("costs: has " + std::to_string(outcome.costs.size()) + " numbers for " +
                            std::to_string(m_) + " resources");
  }
  if (!all_amounts(outcome.costs)) return complain_number("cost", outcome.costs, m_);
  if (outcome.reward && !std::isfinite(*outcome.reward)) return invalid_argument("reward: must be finite");
  return {};
}

bool PricedPolicy::fits(std::span<const double> hold, std::span<const double> purse) const {
  bool good = true;
  for (std::size_t j = 0; j < m_; ++j) good &= hold[j] <= remaining_[j];
  for (std::size_t j = 0; j < purse.size(); ++j) good &= hold[j] <= purse[j];
  return good;
}

std::size_t PricedPolicy::best_of(const Request& r, std::span<const double> mu, bool only_fitting) const {
  std::size_t best = kNone;
  double best_net = 0;
  const double* cost = r.costs.data();
  for (std::size_t k = 0; k < r.rewards.size(); ++k, cost += m_) {
    double net = r.rewards[k];
    for (std::size_t j = 0; j < m_; ++j) net -= mu[j] * cost[j];
    if (net <= best_net) continue;
    if (only_fitting && !fits((r.holds.empty() ? r.costs : r.holds).subspan(k * m_, m_), r.purse)) continue;
    best = k;
    best_net = net;
  }
  return best;
}

Decision PricedPolicy::begin() {
  Decision d{.id = decided_};
  d.past_horizon = (options_.setup.horizon > 0 && decided_ >= options_.setup.horizon) || source_->past_end();
  ++decided_;
  return d;
}

Result<Decision> PricedPolicy::decide(const Request& r) {
  if (auto ok = check(r); !ok) return tl::unexpected(ok.error());
  source_->look(r);
  const auto mu = source_->prices({.remaining = remaining_, .decided = decided_, .time_s = r.time_s});
  if (r.costs.empty()) return bid(r, mu);
  Decision d = begin();
  const std::span<double> none(scratch_.data(), m_);
  const auto holds = r.holds.empty() ? r.costs : r.holds;
  const std::size_t best = best_of(r, mu, false);
  std::size_t taken = kNone;
  if (best != kNone) {
    d.intended = best;
    const bool fit = fits(holds.subspan(best * m_, m_), r.purse);
    taken = fit ? best : options_.next_best ? best_of(r, mu, true) : kNone;
    d.reason = fit ? DecisionReason::kBest : DecisionReason::kBudget;
  }
  if (taken != kNone) {
    d.option = taken;
    hold(d.id, Kind::kOption, r.rewards[taken], r.costs.subspan(taken * m_, m_), holds.subspan(taken * m_, m_));
  }
  std::ranges::fill(none, 0.0);
  source_->learn({.intended = best == kNone ? none : r.costs.subspan(best * m_, m_),
                  .reward = best == kNone ? 0 : r.rewards[best],
                  .remaining = remaining_,
                  .time_s = r.time_s});
  return d;
}

Decision PricedPolicy::bid(const Request& r, std::span<const double> mu) {
  Decision d = begin();
  const double wanted = second_price_bid(r.rewards[0], mu[0], options_.goal);
  const double reach = std::max(0.0, r.purse.empty() ? remaining_[0] : std::min(remaining_[0], r.purse[0]));
  d.wanted_bid = wanted;
  d.bid = std::min(wanted, reach);
  if (wanted > 0) d.intended = 0;
  if (d.bid > 0) d.option = 0;
  d.reason = wanted <= 0      ? DecisionReason::kNothingPays
             : wanted > reach ? DecisionReason::kBudget
                              : DecisionReason::kBest;
  const std::span<double> none(scratch_.data(), m_), held(scratch_.data() + m_, m_);
  std::ranges::fill(scratch_, 0.0);
  if (d.intended) {
    held[0] = d.bid;
    hold(d.id, Kind::kAuction, r.rewards[0], none, held);
  } else {
    source_->learn({.intended = none, .reward = r.rewards[0], .remaining = remaining_, .time_s = r.time_s});
  }
  return d;
}

std::span<const double> PricedPolicy::quote(double time_s) {
  return source_->prices({.remaining = remaining_, .decided = decided_, .time_s = time_s});
}

Result<Decision> PricedPolicy::take(double reward, std::span<const double> cost, double time_s) {
  const Request r{.rewards = std::span(&reward, 1), .costs = cost, .time_s = time_s};
  if (cost.empty()) return invalid_argument("cost: is empty");
  if (auto ok = check(r); !ok) return tl::unexpected(ok.error());
  Decision d = begin();
  const bool fit = fits(cost, {});
  d.intended = 0;
  d.reason = fit ? DecisionReason::kBest : DecisionReason::kBudget;
  if (fit) {
    d.option = 0;
    hold(d.id, Kind::kOption, reward, cost, cost);
  }
  source_->learn({.intended = cost, .reward = reward, .remaining = remaining_, .time_s = time_s});
  return d;
}

// Doubles the ring; every open decision keeps a slot of its own, since ids that differed modulo n differ modulo 2n.
void PricedPolicy::grow() {
  std::vector<Open> open(2 * open_.size());
  std::vector<double> amounts(open.size() * 2 * m_);
  for (std::size_t from = 0; from < open_.size(); ++from) {
    if (open_[from].kind == Kind::kClosed) continue;
    const std::size_t to = open_[from].id & (open.size() - 1);
    open[to] = open_[from];
    std::copy_n(amounts_.begin() + static_cast<std::ptrdiff_t>(2 * from * m_), 2 * m_,
                amounts.begin() + static_cast<std::ptrdiff_t>(2 * to * m_));
  }
  open_.swap(open);
  amounts_.swap(amounts);
}

std::size_t PricedPolicy::slot_for(DecisionId id) {
  while (true) {
    const std::size_t slot = slot_of(id);
    if (open_[slot].kind == Kind::kClosed) return slot;
    if (open_.size() < options_.max_open) {
      grow();
      continue;
    }
    // Too old: its hold stays spent. An auction's lesson is the bid, which it may have paid.
    const Open old = open_[slot];
    open_[slot].kind = Kind::kClosed;
    --open_count_;
    if (old.kind == Kind::kAuction) settle_auction(old, hold_at(slot));
    return slot;
  }
}

void PricedPolicy::hold(DecisionId id, Kind kind, double reward, std::span<const double> cost,
                        std::span<const double> amount) {
  const std::size_t slot = slot_for(id);
  open_[slot] = {.id = id, .reward = reward, .kind = kind};
  std::ranges::copy(cost, cost_at(slot).begin());
  std::ranges::copy(amount, hold_at(slot).begin());
  for (std::size_t j = 0; j < m_; ++j) remaining_[j] -= amount[j];
  ++open_count_;
}

void PricedPolicy::settle_auction(const Open& open, std::span<const double> intended) {
  source_->learn({.intended = intended, .reward = open.reward, .remaining = remaining_, .time_s = 0});
}

Result<void> PricedPolicy::observe(DecisionId id, const Outcome& outcome) {
  const std::size_t slot = slot_of(id);
  const Open open = open_[slot];
  if (open.kind == Kind::kClosed || open.id != id) {
    return fail(ErrorCode::kNotFound,
                "decision " + std::to_string(id) +
                    (id >= decided_ ? " was never made"
                                    : " is not open: it took nothing, was observed before, or is older than the " +
                                          std::to_string(options_.max_open) + " decisions that are kept open"));
  }
  if (auto ok = check(outcome); !ok) return ok;
  open_[slot].kind = Kind::kClosed;
  --open_count_;
  const auto expected = cost_at(slot), held = hold_at(slot);
  const auto actual = outcome.costs.empty() ? std::span<const double>(expected) : outcome.costs;
  for (std::size_t j = 0; j < m_; ++j) remaining_[j] += held[j] - (outcome.refused ? 0 : actual[j]);
  if (open.kind == Kind::kAuction) {
    settle_auction(open, actual);
    return {};
  }
  if (outcome.costs.empty()) return {};
  const std::span<double> difference(scratch_.data(), m_);
  for (std::size_t j = 0; j < m_; ++j) difference[j] = actual[j] - expected[j];
  source_->correct(difference);
  return {};
}

boost::json::object PricedPolicy::save() const {
  // By id, so that the text does not depend on how far the ring has grown.
  std::vector<std::size_t> slots;
  for (std::size_t slot = 0; slot < open_.size(); ++slot) {
    if (open_[slot].kind != Kind::kClosed) slots.push_back(slot);
  }
  std::ranges::sort(slots, {}, [&](std::size_t slot) { return open_[slot].id; });
  boost::json::array open;
  for (const std::size_t slot : slots) {
    const auto amounts = std::span(amounts_).subspan(2 * slot * m_, 2 * m_);
    open.push_back({{"id", open_[slot].id},
                    {"reward", open_[slot].reward},
                    {"auction", open_[slot].kind == Kind::kAuction},
                    {"amounts", saved_numbers(amounts)}});
  }
  boost::json::object out = save_setup(options_.name, options_.setup);
  out["decided"] = decided_;
  out["remaining"] = saved_numbers(remaining_);
  out["open"] = std::move(open);
  out["source"] = source_->save();
  return out;
}

Result<void> PricedPolicy::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  const std::uint64_t decided = from.count("decided");
  auto remaining = from.numbers("remaining", m_);
  if (auto ok = from.check(); !ok) return ok;
  const auto* source = saved.if_contains("source");
  const auto* open = saved.if_contains("open");
  if (source == nullptr || !source->is_object() || open == nullptr || !open->is_array()) {
    return fail(ErrorCode::kCorrupt, "saved state: needs the object source and the list open");
  }
  if (auto ok = source_->load(source->get_object()); !ok) return ok;
  decided_ = decided;
  std::vector<double> none(m_, 0.0);
  for (const auto& entry : open->get_array()) {
    if (!entry.is_object()) return fail(ErrorCode::kCorrupt, "saved state: open must hold objects");
    SavedNumbers one(entry.get_object());
    const std::uint64_t id = one.count("id");
    const double reward = one.number("reward");
    const bool auction = one.flag("auction");
    const auto amounts = one.numbers("amounts", 2 * m_);
    if (auto ok = one.check(); !ok) return ok;
    const bool known = id < decided && open_[slot_of(id)].kind != Kind::kClosed && open_[slot_of(id)].id == id;
    if (id >= decided || known || !all_amounts(amounts)) {
      return fail(ErrorCode::kCorrupt, "saved state: open decision " + std::to_string(id) + " cannot be");
    }
    hold(id, auction ? Kind::kAuction : Kind::kOption, reward, std::span(amounts).first(m_),
         std::span(amounts).subspan(m_));
  }
  remaining_ = std::move(remaining);
  return {};
}

Result<std::unique_ptr<Policy>> restore_priced(const boost::json::object& saved, const PolicyEntry& entry,
                                               Result<std::unique_ptr<PricedPolicy>> (*make)(const PolicySetup&)) {
  const auto setup = saved_setup(saved, entry);
  if (!setup) return tl::unexpected(setup.error());
  auto policy = make(*setup);
  if (!policy) {
    Error error = with_context("saved state", policy.error());
    error.code = ErrorCode::kCorrupt;
    return tl::unexpected(std::move(error));
  }
  if (auto ok = (*policy)->load(saved); !ok) return tl::unexpected(ok.error());
  return std::move(*policy);
}

}  // namespace bursar::admit
