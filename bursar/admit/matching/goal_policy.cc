#include "bursar/admit/matching/goal_policy.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>

#include "bursar/core/saved_numbers.h"

namespace bursar::admit {
namespace {

bool amounts(std::span<const double> x) {
  return std::ranges::all_of(x, [](double v) { return v >= 0 && std::isfinite(v); });
}

tl::unexpected<Error> wrong_length(std::string_view what, std::size_t has, std::size_t needs) {
  return invalid_argument(std::string(what) + ": has " + std::to_string(has) + " numbers, needs " +
                          std::to_string(needs));
}

}  // namespace

GoalPolicy::GoalPolicy(std::string name, PolicySetup setup, std::vector<double> weights, GoalMatcher matcher)
    : name_(std::move(name)),
      setup_(std::move(setup)),
      weights_(std::move(weights)),
      zeros_(setup_.budget.size(), 0.0),
      remaining_(setup_.budget),
      matcher_(std::move(matcher)) {}

Result<void> GoalPolicy::check(const Request& r) const {
  const std::size_t goals = weights_.size(), m = remaining_.size();
  if (r.rewards.size() != goals) return wrong_length("rewards (one a goal)", r.rewards.size(), goals);
  if (!r.costs.empty() && r.costs.size() != goals * m) return wrong_length("costs", r.costs.size(), goals * m);
  if (!r.holds.empty() && r.holds.size() != r.costs.size())
    return wrong_length("holds", r.holds.size(), r.costs.size());
  if (!r.purse.empty() && r.purse.size() != m) return wrong_length("purse", r.purse.size(), m);
  if (!amounts(r.costs) || !amounts(r.holds)) return invalid_argument("costs: must be finite and at least 0");
  if (std::ranges::any_of(r.purse, [](double x) { return std::isnan(x); }))
    return invalid_argument("purse: holds something that is not a number");
  for (std::size_t u = 0; u < goals; ++u) {
    if (!(r.rewards[u] >= 0 && r.rewards[u] <= weights_[u] * (1 + 1e-9))) {
      return invalid_argument("reward of goal " + std::to_string(u) + ": must be its weight " +
                              std::to_string(weights_[u]) + " times a probability, is " + std::to_string(r.rewards[u]));
    }
  }
  return {};
}

bool GoalPolicy::fits(std::span<const double> hold, std::span<const double> purse) const {
  for (std::size_t j = 0; j < hold.size(); ++j) {
    if (hold[j] > remaining_[j] || (!purse.empty() && hold[j] > purse[j])) return false;
  }
  return true;
}

Result<Decision> GoalPolicy::decide(const Request& r) {
  if (auto ok = check(r); !ok) return tl::unexpected(ok.error());
  const std::size_t m = remaining_.size();
  const auto row = [m](std::span<const double> x, std::size_t u) { return x.empty() ? x : x.subspan(u * m, m); };
  const auto holds = r.holds.empty() ? r.costs : r.holds;
  std::vector<MatchEdge> edges;
  bool too_dear = false;
  for (std::size_t u = 0; u < weights_.size(); ++u) {
    if (r.rewards[u] <= 0) continue;
    if (!fits(row(holds, u), r.purse)) {
      too_dear = true;
      continue;
    }
    edges.push_back({.goal = u, .probability = std::min(1.0, r.rewards[u] / weights_[u])});
  }
  const auto attempt = matcher_.offer(edges);
  if (!attempt) return tl::unexpected(attempt.error());
  Decision d{.id = decided_++};
  d.past_horizon = setup_.horizon > 0 && d.id >= setup_.horizon;
  if (!*attempt) {
    d.reason = too_dear ? DecisionReason::kBudget : DecisionReason::kNothingPays;
    return d;
  }
  d.option = d.intended = static_cast<std::size_t>((*attempt)->goal);
  d.reason = DecisionReason::kBest;
  Open open{.attempt = (*attempt)->id, .cost = zeros_, .hold = zeros_};
  if (!r.costs.empty()) {
    std::ranges::copy(row(r.costs, *d.option), open.cost.begin());
    std::ranges::copy(row(holds, *d.option), open.hold.begin());
  }
  for (std::size_t j = 0; j < m; ++j) remaining_[j] -= open.hold[j];
  open_.emplace(d.id, std::move(open));
  return d;
}

Result<void> GoalPolicy::observe(DecisionId id, const Outcome& outcome) {
  const auto found = open_.find(id);
  if (found == open_.end()) {
    return fail(ErrorCode::kNotFound,
                "decision " + std::to_string(id) +
                    (id >= decided_ ? " was never made" : " is not open: it took nothing, or was observed before"));
  }
  const Open& open = found->second;
  if (!outcome.costs.empty() && outcome.costs.size() != remaining_.size())
    return wrong_length("costs", outcome.costs.size(), remaining_.size());
  if (!amounts(outcome.costs)) return invalid_argument("costs: must be finite and at least 0");
  if (outcome.reward && !std::isfinite(*outcome.reward)) return invalid_argument("reward: must be finite");
  const bool success = !outcome.refused && outcome.reward && *outcome.reward > 0;
  auto ok = outcome.refused ? matcher_.retract(open.attempt) : matcher_.report(open.attempt, success);
  if (!ok) return ok;
  const auto actual = outcome.costs.empty() ? std::span<const double>(open.cost) : outcome.costs;
  for (std::size_t j = 0; j < remaining_.size(); ++j) remaining_[j] += open.hold[j] - (outcome.refused ? 0 : actual[j]);
  open_.erase(found);
  return {};
}

boost::json::object GoalPolicy::save() const {
  boost::json::array open, names;
  for (const auto& [id, o] : open_) {
    open.push_back(boost::json::object{
        {"id", id}, {"try", o.attempt}, {"cost", saved_numbers(o.cost)}, {"hold", saved_numbers(o.hold)}});
  }
  for (const std::string& name : setup_.resource_names) names.emplace_back(name);
  return {{"policy", name_},
          {"budget", saved_numbers(setup_.budget)},
          {"resources", std::move(names)},
          {"horizon", setup_.horizon},
          {"parameters", setup_.parameters},
          {"decided", decided_},
          {"remaining", saved_numbers(remaining_)},
          {"open", std::move(open)},
          {"goals", matcher_.save()}};
}

Result<void> GoalPolicy::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  const std::uint64_t decided = from.count("decided");
  auto remaining = from.numbers("remaining", remaining_.size());
  if (auto ok = from.check(); !ok) return ok;
  const auto *open = saved.if_contains("open"), *goals = saved.if_contains("goals");
  if (open == nullptr || !open->is_array() || goals == nullptr)
    return fail(ErrorCode::kCorrupt, "saved state: needs the list open and the object goals");
  auto matcher = GoalMatcher::load(*goals, matcher_.options().curve);
  if (!matcher) return fail(ErrorCode::kCorrupt, "saved state, goals: " + matcher.error().message);
  if (matcher->goals() != weights_.size()) return fail(ErrorCode::kCorrupt, "saved state: has other goals");
  std::map<DecisionId, Open> read;
  for (const auto& entry : open->get_array()) {
    if (!entry.is_object()) return fail(ErrorCode::kCorrupt, "saved state: open must hold objects");
    SavedNumbers one(entry.get_object());
    const std::uint64_t id = one.count("id");
    Open own{.attempt = one.count("try"),
             .cost = one.numbers("cost", remaining.size()),
             .hold = one.numbers("hold", remaining.size())};
    if (auto ok = one.check(); !ok) return ok;
    if (id >= decided || !amounts(own.cost) || !amounts(own.hold) || !read.emplace(id, std::move(own)).second)
      return fail(ErrorCode::kCorrupt, "saved state: open decision " + std::to_string(id) + " cannot be");
  }
  decided_ = decided;
  remaining_ = std::move(remaining);
  matcher_ = std::move(*matcher);
  open_ = std::move(read);
  return {};
}

}  // namespace bursar::admit
