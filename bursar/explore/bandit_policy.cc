#include "bursar/explore/bandit_policy.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <list>

#include "bursar/core/saved_numbers.h"
#include "bursar/core/saved_setup.h"
#include "bursar/explore/learner_checks.h"

namespace bursar::explore {
namespace {

constexpr std::array kCommon{
    PolicyParameter{.name = "arms",
                    .about = "how many options there are; each request lists all of them, in the same order",
                    .kind = ParameterKind::kInteger,
                    .low = 1,
                    .high = kMostArms},
    PolicyParameter{.name = "seed",
                    .about = "of everything that is drawn",
                    .kind = ParameterKind::kInteger,
                    .preset = "1",
                    .low = 0,
                    .high = 9e15},
    PolicyParameter{.name = "low", .about = "the lowest reward that can come", .preset = "0"},
    PolicyParameter{.name = "high", .about = "the highest reward that can come", .preset = "1"},
    PolicyParameter{.name = "most",
                    .about = "the most that one decision can use of each resource, for requests without costs",
                    .kind = ParameterKind::kNumbers,
                    .preset = "[]",
                    .low = 0},
    PolicyParameter{.name = "max_open",
                    .about = "decisions after which one that was never observed counts at its hold",
                    .kind = ParameterKind::kInteger,
                    .preset = "65536",
                    .low = 1,
                    .high = 1 << 24},
};

tl::unexpected<Error> wrong_length(std::string_view field, std::size_t is, std::size_t arms, std::size_t resources) {
  return invalid_argument(std::string(field) + ": has " + std::to_string(is) + " numbers for " + std::to_string(arms) +
                          " arms x " + std::to_string(resources) + " resources");
}

bool amounts(std::span<const double> numbers) {
  return std::ranges::all_of(numbers, [](double x) { return std::isfinite(x) && x >= 0; });
}

}  // namespace

BanditPolicy::BanditPolicy(std::string_view name, PolicySetup setup, Bandit bandit)
    : name_(name),
      setup_(std::move(setup)),
      bandit_(std::move(bandit)),
      most_(numbers_of(setup_, "most")),
      remaining_(setup_.budget),
      anything_known_(!most_.empty()),
      closed_(bandit_.learner().arms()) {
  most_.resize(setup_.budget.size());
}

Result<void> BanditPolicy::check(const Request& r) const {
  const std::size_t arms = closed_.size(), m = remaining_.size();
  if (!r.rewards.empty() && r.rewards.size() != arms) {
    return invalid_argument("options: there are " + std::to_string(r.rewards.size()) + ", and the policy " + name_ +
                            " has " + std::to_string(arms) + " arms; list all of them in each request");
  }
  if (!r.costs.empty() && r.costs.size() != arms * m) return wrong_length("costs", r.costs.size(), arms, m);
  if (!r.holds.empty() && r.holds.size() != arms * m) return wrong_length("holds", r.holds.size(), arms, m);
  if (!r.purse.empty() && r.purse.size() != m) return wrong_length("purse", r.purse.size(), 1, m);
  if (!amounts(r.costs)) return invalid_argument("costs: must be finite numbers of at least 0");
  if (!amounts(r.holds)) return invalid_argument("holds: must be finite numbers of at least 0");
  if (!std::ranges::all_of(r.purse, [](double x) { return std::isfinite(x); })) {
    return invalid_argument("purse: must be finite numbers");
  }
  return {};
}

std::span<const double> BanditPolicy::hold_of(const Request& r, std::size_t arm) const {
  const std::size_t m = remaining_.size();
  if (!r.holds.empty()) return r.holds.subspan(arm * m, m);
  if (!r.costs.empty()) return r.costs.subspan(arm * m, m);
  return most_;
}

bool BanditPolicy::fits(std::span<const double> hold, const Request& r) const {
  const bool known = anything_known_ || !r.costs.empty() || !r.holds.empty();
  for (std::size_t j = 0; j < remaining_.size(); ++j) {
    const double left = r.purse.empty() ? remaining_[j] : std::min(remaining_[j], r.purse[j]);
    if (hold[j] > left || (!known && left <= 0)) return false;
  }
  return true;
}

Result<Decision> BanditPolicy::decide(const Request& r) {
  if (auto ok = check(r); !ok) return tl::unexpected(ok.error());
  const bool alike = r.costs.empty() && r.holds.empty();  // one hold for all arms
  bool any = false, all = true;
  if (alike) {
    any = all = fits(most_, r);
    std::ranges::fill(closed_, std::uint8_t{!any});
  } else {
    for (std::size_t a = 0; a < closed_.size(); ++a) {
      const bool open = fits(hold_of(r, a), r);
      closed_[a] = !open;
      any |= open;
      all &= open;
    }
  }
  auto choice = bandit_.choose({.context = r.context,
                                .closed = all ? std::span<const std::uint8_t>() : closed_,
                                .costs = r.costs,
                                .remaining = remaining_});
  if (!choice) return tl::unexpected(choice.error());
  Decision d{.id = choice->id};
  d.past_horizon = setup_.horizon > 0 && choice->id >= setup_.horizon;
  if (!choice->arm) {
    d.reason = any ? DecisionReason::kNothingPays : DecisionReason::kBudget;
    return d;
  }
  d.option = d.intended = *choice->arm;
  d.reason = choice->by_chance ? DecisionReason::kChance : DecisionReason::kBest;
  const auto hold = hold_of(r, *choice->arm);
  const auto expected = r.costs.empty() ? hold : r.costs.subspan(*choice->arm * remaining_.size(), remaining_.size());
  for (std::size_t j = 0; j < hold.size(); ++j) remaining_[j] -= hold[j];
  held_[d.id] = {{expected.begin(), expected.end()}, {hold.begin(), hold.end()}};
  limit_held();
  return d;
}

// What was never observed counts at its hold, and its reward as missing.
void BanditPolicy::limit_held() {
  while (held_.size() > bandit_.options().max_open) {
    (void)bandit_.forget(held_.begin()->first);
    held_.erase(held_.begin());
  }
}

Result<void> BanditPolicy::observe(DecisionId id, const Outcome& outcome) {
  const auto found = held_.find(id);
  if (found == held_.end()) {
    return fail(ErrorCode::kNotFound, "decision " + std::to_string(id) +
                                          (id >= decided() ? " was never made"
                                                           : " is not open: it took nothing, was observed before, or "
                                                             "is older than the decisions that are kept open"));
  }
  const auto& [expected, hold, past] = found->second;
  if (!outcome.costs.empty() && outcome.costs.size() != hold.size()) {
    return wrong_length("costs", outcome.costs.size(), 1, hold.size());
  }
  if (!amounts(outcome.costs)) return invalid_argument("costs: must be finite numbers of at least 0");
  const auto actual = outcome.costs.empty() ? std::span<const double>(expected) : outcome.costs;
  const bool teaches = outcome.reward && !outcome.refused;
  const auto told = teaches ? bandit_.learn(id, {.reward = *outcome.reward, .spent = actual}) : bandit_.forget(id);
  // A choice that the bandit gave up because too many came after it has nothing left to teach.
  if (!told && told.error().code != ErrorCode::kAlreadyExists) return told;
  for (std::size_t j = 0; j < hold.size() && !past; ++j) {
    remaining_[j] += hold[j] - (outcome.refused ? 0 : actual[j]);
  }
  held_.erase(found);
  return {};
}

void BanditPolicy::renew() {
  remaining_ = setup_.budget;
  for (auto& [id, held] : held_) held.past = true;
}

std::span<const double> BanditPolicy::prices() const {
  prices_ = bandit_.learner().prices();
  prices_.resize(remaining_.size());
  const double width = bandit_.options().range.high - bandit_.options().range.low;
  for (double& price : prices_) price *= width;
  return prices_;
}

boost::json::object BanditPolicy::save() const {
  boost::json::object out = save_setup(name_, setup_);
  boost::json::array held;
  for (const auto& [id, one] : held_) {
    held.push_back(boost::json::object{
        {"id", id}, {"expected", saved_numbers(one.expected)}, {"hold", saved_numbers(one.hold)}, {"past", one.past}});
  }
  out["decided"] = decided();
  out["remaining"] = saved_numbers(remaining_);
  out["held"] = std::move(held);
  out["bandit"] = bandit_.save();
  return out;
}

Result<void> BanditPolicy::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  auto remaining = from.numbers("remaining", remaining_.size());
  if (auto ok = from.check(); !ok) return ok;
  const auto* bandit = saved.if_contains("bandit");
  const auto* held = saved.if_contains("held");
  if (bandit == nullptr || !bandit->is_object() || held == nullptr || !held->is_array()) {
    return fail(ErrorCode::kCorrupt, "saved state: needs the object bandit and the list held");
  }
  if (auto ok = bandit_.load(bandit->get_object()); !ok) return ok;
  for (const auto& entry : held->get_array()) {
    if (!entry.is_object()) return fail(ErrorCode::kCorrupt, "saved state: held must hold objects");
    SavedNumbers one(entry.get_object());
    const std::uint64_t id = one.count("id");
    Held amounts_held{one.numbers("expected", remaining_.size()), one.numbers("hold", remaining_.size()),
                      one.flag("past")};
    if (auto ok = one.check(); !ok) return ok;
    if (id >= decided() || !amounts(amounts_held.expected) || !amounts(amounts_held.hold) ||
        !held_.emplace(id, std::move(amounts_held)).second) {
      return fail(ErrorCode::kCorrupt, "saved state: held decision " + std::to_string(id) + " cannot be");
    }
  }
  remaining_ = std::move(remaining);
  return {};
}

std::uint64_t count_of(const PolicySetup& setup, std::string_view parameter) {
  return setup.parameters.at(parameter).to_number<std::uint64_t>();
}

double number_of(const PolicySetup& setup, std::string_view parameter) {
  return setup.parameters.at(parameter).to_number<double>();
}

std::vector<double> numbers_of(const PolicySetup& setup, std::string_view parameter) {
  std::vector<double> out;
  for (const auto& x : setup.parameters.at(parameter).get_array()) out.push_back(x.to_number<double>());
  return out;
}

std::string_view text_of(const PolicySetup& setup, std::string_view parameter) {
  return setup.parameters.at(parameter).get_string();
}

bool flag_of(const PolicySetup& setup, std::string_view parameter) { return setup.parameters.at(parameter).get_bool(); }

Result<BanditOptions> bandit_options(const PolicySetup& setup) {
  const std::size_t most = numbers_of(setup, "most").size();
  if (most != 0 && most != setup.budget.size()) {
    return invalid_argument("most: has " + std::to_string(most) + " numbers for " +
                            std::to_string(setup.budget.size()) + " resources");
  }
  return BanditOptions{.seed = count_of(setup, "seed"),
                       .range = {number_of(setup, "low"), number_of(setup, "high")},
                       .max_open = static_cast<std::uint32_t>(count_of(setup, "max_open"))};
}

std::span<const PolicyParameter> with_common_parameters(std::span<const PolicyParameter> own) {
  static std::list<std::vector<PolicyParameter>> kept;  // called once an entry, while the table is built
  auto& all = kept.emplace_back(kCommon.begin(), kCommon.end());
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

namespace {

Result<std::unique_ptr<BanditPolicy>> made(std::string_view name, const PolicySetup& setup, MakeLearner make) {
  const auto options = bandit_options(setup);
  if (!options) return tl::unexpected(with_context("policy " + std::string(name), options.error()));
  auto learner = make(setup);
  if (!learner) return tl::unexpected(with_context("policy " + std::string(name), learner.error()));
  auto bandit = Bandit::make(*options, std::move(*learner));
  if (!bandit) return tl::unexpected(with_context("policy " + std::string(name), bandit.error()));
  return std::make_unique<BanditPolicy>(name, setup, std::move(*bandit));
}

}  // namespace

Result<std::unique_ptr<Policy>> make_bandit_policy(std::string_view name, const PolicySetup& setup, MakeLearner make) {
  auto policy = made(name, setup, make);
  if (!policy) return tl::unexpected(policy.error());
  return std::move(*policy);
}

Result<std::unique_ptr<Policy>> restore_bandit_policy(const boost::json::object& saved, const PolicyEntry& entry,
                                                      MakeLearner make) {
  const auto setup = saved_setup(saved, entry);
  if (!setup) return tl::unexpected(setup.error());
  auto policy = made(entry.name, *setup, make);
  if (!policy) {
    Error error = with_context("saved state", policy.error());
    error.code = ErrorCode::kCorrupt;
    return tl::unexpected(std::move(error));
  }
  if (auto ok = (*policy)->load(saved); !ok) return tl::unexpected(ok.error());
  return std::move(*policy);
}

}  // namespace bursar::explore
