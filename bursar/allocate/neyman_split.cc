#include "bursar/allocate/neyman_split.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "bursar/allocate/solve.h"

namespace bursar::allocate {
namespace {

constexpr int kHalvings = 60;

Result<void> check(std::span<const NeymanItem> items, double budget, const NeymanBounds& bounds) {
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  if (bounds.n_min < 1 || bounds.n_max < bounds.n_min || bounds.n_max > kMost) {
    return invalid_argument("n_min is " + std::to_string(bounds.n_min) + " and n_max " + std::to_string(bounds.n_max) +
                            "; they must satisfy 1 <= n_min <= n_max <= 2^40");
  }
  if (!(budget >= 0) || budget > kLargestNumber)
    return invalid_argument("budget is " + to_text(budget) + "; it must be at least 0 and finite");
  for (std::size_t q = 0; q < items.size(); ++q) {
    if (!(items[q].s >= 0) || items[q].s > 1e30)
      return invalid_argument("item " + std::to_string(q) + ": s is " + to_text(items[q].s) +
                              "; it must be from 0 to 1e30");
    if (!(items[q].cost > 0) || items[q].cost > 1e30)
      return invalid_argument("item " + std::to_string(q) + ": cost is " + to_text(items[q].cost) +
                              "; it must be above 0 and at most 1e30");
  }
  return {};
}

std::int64_t rollouts_at(const NeymanItem& item, double log_lambda, const NeymanBounds& bounds) {
  const double n = std::round(item.s * std::exp(-log_lambda / 2) / std::sqrt(item.cost));
  if (!(n < static_cast<double>(bounds.n_max))) return bounds.n_max;
  return std::max(bounds.n_min, static_cast<std::int64_t>(n));
}

double spend(std::span<const NeymanItem> items, double log_lambda, const NeymanBounds& bounds) {
  double total = 0;
  for (const NeymanItem& item : items) total += static_cast<double>(rollouts_at(item, log_lambda, bounds)) * item.cost;
  return total;
}

// What rounding left goes to whoever gains most a token, as long as a whole rollout fits.
void spend_the_rest(std::span<const NeymanItem> items, double budget, const NeymanBounds& bounds, NeymanPlan& plan) {
  const auto gain = [&](std::size_t q) {
    const auto n = static_cast<double>(plan.rollouts[q]);
    return items[q].s * items[q].s / (n * (n + 1) * items[q].cost);
  };
  std::vector<std::pair<double, std::size_t>> heap;
  heap.reserve(items.size());
  for (std::size_t q = 0; q < items.size(); ++q) heap.emplace_back(gain(q), q);
  std::ranges::make_heap(heap);
  while (!heap.empty()) {
    std::ranges::pop_heap(heap);
    const std::size_t q = heap.back().second;
    const bool fits = plan.rollouts[q] < bounds.n_max && plan.spent + items[q].cost <= budget && items[q].s > 0;
    if (!fits) {
      heap.pop_back();  // the budget only shrinks: it will not fit later
      continue;
    }
    ++plan.rollouts[q];
    plan.spent += items[q].cost;
    heap.back().first = gain(q);
    std::ranges::push_heap(heap);
  }
}

}  // namespace

Result<NeymanPlan> neyman_split(std::span<const NeymanItem> items, double budget, const NeymanBounds& bounds) {
  if (auto ok = check(items, budget, bounds); !ok) return tl::unexpected(ok.error());
  NeymanPlan plan;
  double root = 0, floor_cost = 0;
  for (const NeymanItem& item : items) {
    root += item.s * std::sqrt(item.cost);
    floor_cost += item.cost * static_cast<double>(bounds.n_min);
  }
  plan.saturated = floor_cost > with_tolerance(budget);
  // Every lambda that can matter lies between that of the widest and that of the narrowest answer.
  double low = -250, high = 250;
  if (plan.saturated) low = high;
  for (int k = 0; k < kHalvings && low < high; ++k) {
    const double middle = low + (high - low) / 2;
    (spend(items, middle, bounds) > budget ? low : high) = middle;
  }
  for (const NeymanItem& item : items)
    plan.rollouts.push_back(plan.saturated ? bounds.n_min : rollouts_at(item, high, bounds));
  const auto count = [&] {
    plan.spent = plan.variance = 0;
    for (std::size_t q = 0; q < items.size(); ++q) {
      const auto n = static_cast<double>(plan.rollouts[q]);
      plan.spent += n * items[q].cost;
      plan.variance += items[q].s * items[q].s / n;
    }
  };
  count();
  if (!plan.saturated) spend_the_rest(items, with_tolerance(budget), bounds, plan);
  count();
  plan.lambda = plan.saturated ? 0 : std::exp(high);
  plan.variance_bound = budget > 0 && !plan.saturated ? root * root / budget : 0;
  return plan;
}

}  // namespace bursar::allocate
