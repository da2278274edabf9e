#include "bursar/allocate/budget_manifold.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "bursar/allocate/solve.h"

namespace bursar::allocate {
namespace {

constexpr double kOnBudget = 1e-10;

double dot(std::span<const double> a, std::span<const double> b) {
  return std::transform_reduce(a.begin(), a.end(), b.begin(), 0.0);
}

struct Moments {
  double mean = 0;
  double variance = 0;
};

Moments moments(std::span<const double> logits, std::span<const double> cost, std::vector<double>& p) {
  p.resize(logits.size());
  softmax(logits, p);
  Moments m;
  for (std::size_t k = 0; k < p.size(); ++k) m.mean += p[k] * cost[k];
  for (std::size_t k = 0; k < p.size(); ++k) m.variance += p[k] * (cost[k] - m.mean) * (cost[k] - m.mean);
  return m;
}

}  // namespace

void softmax(std::span<const double> logits, std::span<double> p) {
  const double top = std::ranges::max(logits);
  double total = 0;
  for (std::size_t k = 0; k < p.size(); ++k) total += p[k] = std::exp(logits[k] - top);
  for (double& x : p) x /= total;
}

Result<BudgetManifold> BudgetManifold::make(BudgetGroups groups, double budget) {
  double least = 0, most = 0;
  for (std::size_t i = 0; i < groups.groups; ++i) {
    const auto row = groups.cost.subspan(i * groups.options, groups.options);
    least += std::ranges::min(row);
    most += std::ranges::max(row);
  }
  if (!(budget > least) || !(budget < most)) {
    return fail(ErrorCode::kInfeasible, "the budget is " + to_text(budget) + "; the surface needs one between " +
                                            to_text(least) + " and " + to_text(most));
  }
  return BudgetManifold(groups, budget);
}

double BudgetManifold::cost(std::span<const double> logits) const {
  std::vector<double> p;
  double total = 0;
  for (std::size_t i = 0; i < groups_.groups; ++i) {
    total += moments(logits.subspan(i * groups_.options, groups_.options),
                     groups_.cost.subspan(i * groups_.options, groups_.options), p)
                 .mean;
  }
  return total;
}

double BudgetManifold::cost_slope(std::span<const double> logits) const {
  std::vector<double> p;
  double total = 0;
  for (std::size_t i = 0; i < groups_.groups; ++i) {
    total += moments(logits.subspan(i * groups_.options, groups_.options),
                     groups_.cost.subspan(i * groups_.options, groups_.options), p)
                 .variance;
  }
  return total;
}

void BudgetManifold::normal(std::span<const double> logits, std::span<double> normal) const {
  std::vector<double> p;
  for (std::size_t i = 0; i < groups_.groups; ++i) {
    const std::size_t at = i * groups_.options;
    const Moments m = moments(logits.subspan(at, groups_.options), groups_.cost.subspan(at, groups_.options), p);
    for (std::size_t k = 0; k < groups_.options; ++k) normal[at + k] = p[k] * (groups_.cost[at + k] - m.mean);
  }
}

bool BudgetManifold::project(std::span<const double> logits, std::span<double> vector) const {
  std::vector<double> n(logits.size());
  normal(logits, n);
  // Scaled by its largest entry first: squares of saturated probabilities would underflow.
  double size = 0;
  for (const double x : n) size = std::max(size, std::abs(x));
  if (!(size > 1e-30)) return false;
  for (double& x : n) x /= size;
  const double share = dot(vector, n) / dot(n, n);
  for (std::size_t j = 0; j < n.size(); ++j) vector[j] -= share * n[j];
  return true;
}

int BudgetManifold::retract(std::span<double> logits) const {
  std::vector<double> moved(logits.size());
  int evaluations = 0;
  const auto excess = [&](double t) {
    ++evaluations;
    for (std::size_t j = 0; j < moved.size(); ++j) moved[j] = logits[j] + t * groups_.cost[j];
    return cost(moved) - budget_;
  };
  const double tolerance = kOnBudget * std::max(1.0, std::abs(budget_)) * 0.5;
  double low = 0, high = 0;
  const double at_zero = excess(0);
  if (std::abs(at_zero) <= tolerance) return evaluations;
  double reach =
      1 / std::max(1e-30, std::abs(std::ranges::max(groups_.cost, {}, [](double c) { return std::abs(c); })));
  const bool rises = at_zero < 0;
  bool crossed = false;
  for (int k = 0; k < 200 && !crossed; ++k) {
    (rises ? high : low) = rises ? reach : -reach;
    crossed = rises ? excess(high) >= 0 : excess(low) <= 0;
    reach *= 2;
  }
  double t = (low + high) / 2;
  for (int k = 0; k < 200; ++k) {
    const double e = excess(t);
    if (std::abs(e) <= tolerance) break;
    (e < 0 ? low : high) = t;
    // Newton where it stays inside, bisection where it does not.
    const double slope = cost_slope(moved);
    const double newton = t - e / slope;
    const double next = slope > 0 && newton > low && newton < high ? newton : (low + high) / 2;
    if (next == t) break;
    t = next;
  }
  for (std::size_t j = 0; j < logits.size(); ++j) logits[j] += t * groups_.cost[j];
  return evaluations;
}

}  // namespace bursar::allocate
