#include "bursar/explore/adversarial/hedge.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "bursar/core/saved_numbers.h"
#include "bursar/explore/learner_checks.h"

namespace bursar::explore {

double hedge_rate(const HedgePlan& plan) {
  const double rounds = plan.share * static_cast<double>(std::max<std::uint64_t>(plan.rounds, 1));
  const double wide = plan.second_moment ? 3 : 1;
  return std::min(.5, std::sqrt(std::log(static_cast<double>(std::max<std::size_t>(plan.experts, 1))) /
                                std::max(wide * rounds, std::numeric_limits<double>::min())));
}

double hedge_bound(const HedgePlan& plan, double rate) {
  if (plan.experts <= 1) return 0;
  const double rounds = (plan.second_moment ? 3 : 1) * plan.share * static_cast<double>(plan.rounds);
  return rate * rounds + std::log(static_cast<double>(plan.experts)) / rate;
}

std::size_t index_at(std::span<const double> weights, double total, double u) {
  const double target = u * total;
  double sum = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0) continue;
    sum += weights[i];
    last = i;
    if (sum > target) return i;
  }
  return last;  // rounding took the end
}

Result<Hedge> Hedge::create(std::size_t experts, double rate, double cost_max) {
  if (auto ok = check_arms(experts); !ok) return tl::unexpected(with_context("experts", ok.error()));
  if (!(rate >= 0 && rate < 1)) {
    return invalid_argument("rate: must be at least 0 and below 1, is " + std::to_string(rate));
  }
  if (!(cost_max > 0)) return invalid_argument("cost_max: must be positive, is " + std::to_string(cost_max));
  return Hedge(experts, rate, cost_max);
}

Hedge::Hedge(std::size_t experts, double rate, double cost_max)
    : rate_(rate), cost_max_(cost_max), costs_(experts, 0.0), probabilities_(experts) {
  refresh();
}

void Hedge::refresh() {
  const double least = *std::ranges::min_element(costs_), decay = std::log1p(-rate_);
  double total = 0;
  for (std::size_t e = 0; e < costs_.size(); ++e) total += probabilities_[e] = std::exp(decay * (costs_[e] - least));
  for (double& p : probabilities_) p /= total;
}

std::size_t Hedge::draw(RandomStream& random) const { return index_at(probabilities_, 1, random.uniform01()); }

Result<void> Hedge::check(std::size_t expert, double cost) const {
  if (cost >= 0 && cost <= cost_max_ && std::isfinite(cost)) return {};
  return invalid_argument("cost of expert " + std::to_string(expert) + ": must be from 0 to " +
                          std::to_string(cost_max_) + ", is " + std::to_string(cost));
}

Result<void> Hedge::learn(std::span<const double> costs) {
  if (costs.size() != costs_.size()) {
    return invalid_argument("costs: " + std::to_string(costs.size()) + " for " + std::to_string(costs_.size()) +
                            " experts");
  }
  for (std::size_t e = 0; e < costs.size(); ++e) {
    if (auto ok = check(e, costs[e]); !ok) return ok;
  }
  for (std::size_t e = 0; e < costs.size(); ++e) {
    expected_cost_ += probabilities_[e] * costs[e];
    costs_[e] += costs[e];
  }
  ++rounds_;
  refresh();
  return {};
}

Result<void> Hedge::learn_one(std::size_t expert, double cost) {
  if (expert >= costs_.size()) {
    return invalid_argument("expert: must be below " + std::to_string(costs_.size()) + ", is " +
                            std::to_string(expert));
  }
  if (auto ok = check(expert, cost); !ok) return ok;
  expected_cost_ += probabilities_[expert] * cost;
  costs_[expert] += cost;
  ++rounds_;
  refresh();
  return {};
}

double Hedge::best_cost() const { return *std::ranges::min_element(costs_); }

boost::json::object Hedge::save() const {
  return {{"costs", saved_numbers(costs_)}, {"expected_cost", expected_cost_}, {"rounds", rounds_}};
}

Result<void> Hedge::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  auto costs = from.numbers("costs", costs_.size());
  const double expected = from.number("expected_cost");
  const std::uint64_t rounds = from.count("rounds");
  if (auto ok = from.check(); !ok) return ok;
  if (std::ranges::any_of(costs, [](double c) { return c < 0; })) {
    return fail(ErrorCode::kCorrupt, "saved state: costs must be at least 0");
  }
  costs_ = std::move(costs);
  expected_cost_ = expected;
  rounds_ = rounds;
  refresh();
  return {};
}

}  // namespace bursar::explore
