#include "bursar/explore/equitable/static_plan.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "bursar/allocate/solve.h"
#include "bursar/allocate/water_filling.h"

namespace bursar::explore {
namespace {

using allocate::to_text;

constexpr std::size_t kMostGroups = 10'000;
constexpr std::int64_t kMostSamples = std::int64_t{1} << 50;
constexpr double kMostQ = 32;

tl::unexpected<Error> wrong(const GroupSpec& group, const std::string& what, double number, const std::string& needs) {
  return invalid_argument("group '" + group.name + "': " + what + " is " + to_text(number) + "; it must be " + needs);
}

Result<void> check_curves(std::span<const GroupSpec> groups, std::span<const LearningCurve> curves) {
  if (curves.size() != groups.size()) {
    return invalid_argument("curves: are " + std::to_string(curves.size()) + " for " + std::to_string(groups.size()) +
                            " groups");
  }
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const LearningCurve& c = curves[g];
    if (!(c.a >= 0 && c.a <= 1e9)) return wrong(groups[g], "a", c.a, "from 0 to 10^9");
    if (!(c.b >= 0 && c.b <= 1e9)) return wrong(groups[g], "b", c.b, "from 0 to 10^9");
    if (!(c.gamma > 0 && c.gamma <= 10)) return wrong(groups[g], "gamma", c.gamma, "above 0 and at most 10");
  }
  return {};
}

Result<void> check_budget(std::span<const GroupSpec> groups, double budget) {
  if (!(budget >= 0 && budget <= 1e15)) {
    return invalid_argument("budget: is " + to_text(budget) + "; it must be from 0 to 10^15");
  }
  double floors = 0;
  for (const GroupSpec& group : groups) floors += group.cost * static_cast<double>(group.min_n);
  if (floors <= budget) return {};
  return fail(ErrorCode::kInfeasible, "budget: is " + to_text(budget) + " and the least counts cost " +
                                          to_text(floors) + "; lower min_n or raise the budget");
}

// The part of L that is the group's, as value to be maximised, and its slope.
allocate::UserCurve value_curve(const GroupSpec& group, const LearningCurve& curve, const EquityObjective& objective) {
  return {.value = [&](double n) { return -group.weight * objective.loss(curve.error(n)); },
          .slope = [&](double n) { return -group.weight * objective.slope(curve.error(n)) * curve.slope(n); }};
}

double gain_of_next(const GroupSpec& group, const LearningCurve& curve, const EquityObjective& objective,
                    std::int64_t held) {
  const auto n = static_cast<double>(held);
  return group.weight * (objective.loss(curve.error(n)) - objective.loss(curve.error(n + 1))) / group.cost;
}

// From counts that are within the budget: one sample at a time to the group that gains most per cost and still fits.
void fill(std::span<const GroupSpec> groups, std::span<const LearningCurve> curves, const EquityObjective& objective,
          double budget, std::vector<std::int64_t>& counts) {
  std::vector<double> gain(groups.size());
  for (std::size_t g = 0; g < groups.size(); ++g) gain[g] = gain_of_next(groups[g], curves[g], objective, counts[g]);
  for (double spent = cost_of(groups, counts);;) {
    std::size_t best = groups.size();
    for (std::size_t g = 0; g < groups.size(); ++g) {
      if (counts[g] >= groups[g].max_n || spent + groups[g].cost > budget || gain[g] <= 0) continue;
      if (best == groups.size() || gain[g] > gain[best]) best = g;
    }
    if (best == groups.size()) return;
    ++counts[best];
    gain[best] = gain_of_next(groups[best], curves[best], objective, counts[best]);
    spent = cost_of(groups, counts);
  }
}

}  // namespace

Result<void> check_groups(std::span<const GroupSpec> groups) {
  if (groups.empty() || groups.size() > kMostGroups) {
    return invalid_argument("groups: are " + std::to_string(groups.size()) + "; needs 1 to " +
                            std::to_string(kMostGroups));
  }
  double weights = 0;
  for (const GroupSpec& group : groups) {
    if (group.name.empty() || group.name.size() > 200) return invalid_argument("groups: each needs a name (1 … 200)");
    if (std::ranges::count(groups, group.name, &GroupSpec::name) > 1) {
      return invalid_argument("groups: '" + group.name + "' stands twice");
    }
    if (!(group.cost > 0 && group.cost <= 1e12)) return wrong(group, "cost", group.cost, "above 0");
    if (!(group.weight >= 0 && group.weight <= 1e12)) return wrong(group, "weight", group.weight, "at least 0");
    if (!(group.population >= 0 && group.population <= 1e15)) {
      return wrong(group, "population", group.population, "at least 0");
    }
    if (group.min_n < 1) {
      return wrong(group, "min_n", static_cast<double>(group.min_n), "at least 1: no curve has a value at 0");
    }
    if (group.max_n < group.min_n || group.max_n > kMostSamples) {
      return wrong(group, "max_n", static_cast<double>(group.max_n), "from min_n to 2^50");
    }
    weights += group.weight;
  }
  if (weights == 0) return invalid_argument("groups: every weight is 0; say whom the samples shall serve");
  return {};
}

Result<void> check_objective(const EquityObjective& objective) {
  if (static_cast<bool>(objective.user_loss) != static_cast<bool>(objective.user_slope)) {
    return invalid_argument("objective: a loss of one's own needs its slope as well");
  }
  if (!objective.user_loss && !(objective.q >= 1 && objective.q <= kMostQ)) {
    return invalid_argument("q: is " + to_text(objective.q) + "; it must be from 1 (average) to 32 (nearly the worst)");
  }
  return {};
}

double cost_of(std::span<const GroupSpec> groups, std::span<const std::int64_t> counts) {
  double cost = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) cost += groups[g].cost * static_cast<double>(counts[g]);
  return cost;
}

double equity_loss(std::span<const GroupSpec> groups, std::span<const LearningCurve> curves,
                   const EquityObjective& objective, std::span<const std::int64_t> counts) {
  double loss = 0;
  for (std::size_t g = 0; g < groups.size(); ++g)
    loss += groups[g].weight * objective.loss(curves[g].error(static_cast<double>(counts[g])));
  return loss;
}

Result<StaticPlan> plan_static(std::span<const GroupSpec> groups, std::span<const LearningCurve> curves,
                               const EquityObjective& objective, double budget) {
  if (auto ok = check_groups(groups); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_curves(groups, curves); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_objective(objective); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_budget(groups, budget); !ok) return tl::unexpected(ok.error());
  std::vector<allocate::WaterItem> items;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    items.push_back({.curve = value_curve(groups[g], curves[g], objective),
                     .floor = static_cast<double>(groups[g].min_n),
                     .ceiling = static_cast<double>(groups[g].max_n),
                     .cost = groups[g].cost});
  }
  auto water = allocate::water_filling(items, budget);
  if (!water) return tl::unexpected(water.error());
  StaticPlan plan{.amounts = std::move(water->amounts), .bound = -water->value, .price = water->price};
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const auto below = static_cast<std::int64_t>(std::floor(plan.amounts[g])) - 1;
    plan.counts.push_back(std::clamp(below, groups[g].min_n, groups[g].max_n));
  }
  fill(groups, curves, objective, budget, plan.counts);
  plan.spent = cost_of(groups, plan.counts);
  plan.loss = equity_loss(groups, curves, objective, plan.counts);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    plan.errors.push_back(curves[g].error(static_cast<double>(plan.counts[g])));
    plan.marginals.push_back(gain_of_next(groups[g], curves[g], objective, plan.counts[g]));
  }
  return plan;
}

Result<std::vector<std::int64_t>> plan_fixed(FixedPlan kind, std::span<const GroupSpec> groups, double budget) {
  if (auto ok = check_groups(groups); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_budget(groups, budget); !ok) return tl::unexpected(ok.error());
  std::vector<double> share;
  for (const GroupSpec& group : groups) {
    share.push_back(kind == FixedPlan::kEqualCounts  ? 1
                    : kind == FixedPlan::kEqualSpend ? 1 / group.cost
                                                     : group.population);
  }
  double cost = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) cost += groups[g].cost * share[g];
  if (cost == 0) return invalid_argument("population: every share is 0; a proportional plan needs some");
  std::vector<std::int64_t> counts;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const double n = std::floor(budget * share[g] / cost * (1 + 1e-12));
    counts.push_back(std::clamp(static_cast<std::int64_t>(n), groups[g].min_n, groups[g].max_n));
  }
  // Least counts of some may have pushed the sum above the budget: the largest give way.
  for (double over = cost_of(groups, counts) - budget; over > 0; over = cost_of(groups, counts) - budget) {
    std::size_t most = groups.size();
    for (std::size_t g = 0; g < groups.size(); ++g) {
      if (counts[g] > groups[g].min_n && (most == groups.size() || counts[g] > counts[most])) most = g;
    }
    const auto excess = static_cast<std::int64_t>(std::ceil(over / groups[most].cost));
    counts[most] -= std::clamp(excess, std::int64_t{1}, counts[most] - groups[most].min_n);
  }
  return counts;
}

Result<PlanExplanation> explain_plan(std::span<const GroupSpec> groups, std::span<const LearningCurve> curves,
                                     const EquityObjective& objective, double budget, const StaticPlan& plan) {
  PlanExplanation out;
  double weights = 0;
  for (const GroupSpec& group : groups) weights += group.weight;
  const auto average = [&](const std::vector<double>& errors) {
    double sum = 0;
    for (std::size_t g = 0; g < groups.size(); ++g) sum += groups[g].weight * errors[g] / weights;
    return sum;
  };
  const auto add = [&](std::string name, std::span<const GroupSpec> of, const EquityObjective& how) -> Result<void> {
    auto other = plan_static(of, curves, how, budget);
    if (!other) return tl::unexpected(other.error());
    out.variants.push_back({std::move(name), std::move(other->counts), std::move(other->errors)});
    return {};
  };
  for (const double q : {1.0, 2.0, 4.0, 8.0}) {
    if (auto ok = add("q = " + to_text(q), groups, {.q = q}); !ok) return tl::unexpected(ok.error());
  }
  std::vector<GroupSpec> doubled(groups.begin(), groups.end());
  for (std::size_t g = 0; g < groups.size() && groups.size() <= 20; ++g) {
    doubled[g].weight *= 2;
    if (auto ok = add("weight of " + groups[g].name + " doubled", doubled, objective); !ok)
      return tl::unexpected(ok.error());
    doubled[g].weight = groups[g].weight;
  }
  out.average_error = average(plan.errors);
  out.least_average_error = average(out.variants.front().errors);
  out.price_of_equity = out.average_error - out.least_average_error;
  out.worst_error = std::ranges::max(plan.errors);
  for (std::size_t g = 0; g < groups.size(); ++g)
    out.next_dollar.push_back(-curves[g].slope(static_cast<double>(plan.counts[g])) / groups[g].cost);
  return out;
}

}  // namespace bursar::explore
