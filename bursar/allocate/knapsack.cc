#include "bursar/allocate/knapsack.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace bursar::allocate {
namespace {

constexpr std::int64_t kMostCopies = std::int64_t{1} << 40;

struct Bundle {
  std::size_t item;
  std::int64_t copies;
};

Result<void> check(const KnapsackItems& items, const ChoiceOptions& options) {
  const std::size_t n = items.value.size();
  if (items.cost.size() != n || (!items.copies.empty() && items.copies.size() != n)) {
    return invalid_argument("there are " + std::to_string(n) + " values, " + std::to_string(items.cost.size()) +
                            " costs and " + std::to_string(items.copies.size()) + " copies; give one of each per item");
  }
  if (options.sense != ChoiceSense::kAtMost) {
    return invalid_argument("a knapsack keeps within its budget; for an exact total use multiple_choice");
  }
  for (std::size_t i = 0; i < n; ++i) {
    const bool bad_value = !(std::abs(items.value[i]) <= kLargestNumber);
    if (bad_value || !(std::abs(items.cost[i]) <= kLargestNumber)) {
      return invalid_argument("item " + std::to_string(i) + ": " + (bad_value ? "value" : "cost") + " is " +
                              to_text(bad_value ? items.value[i] : items.cost[i]) +
                              "; it must be finite and at most 1e60 in magnitude");
    }
    if (!items.copies.empty() && (items.copies[i] < 0 || items.copies[i] > kMostCopies)) {
      return invalid_argument("item " + std::to_string(i) + ": copies is " + std::to_string(items.copies[i]) +
                              "; it must be from 0 to 2^40");
    }
  }
  return {};
}

// Bundles of 1, 2, 4, … and a rest, of which every number of copies up to the limit is a sum.
std::vector<Bundle> bundle(const KnapsackItems& items, double budget) {
  std::vector<Bundle> bundles;
  bundles.reserve(items.value.size());
  const bool all_positive = budget >= 0 && std::ranges::all_of(items.cost, [](double c) { return c >= 0; });
  for (std::size_t i = 0; i < items.value.size(); ++i) {
    std::int64_t left = items.copies.empty() ? 1 : items.copies[i];
    if (left > 1 && all_positive && items.cost[i] > 0) {
      left = std::min(left, static_cast<std::int64_t>(std::min(with_tolerance(budget) / items.cost[i], 0x1.0p41)));
    }
    for (std::int64_t size = 1; left > 0; size *= 2) {
      bundles.push_back({i, std::min(size, left)});
      left -= bundles.back().copies;
    }
  }
  return bundles;
}

}  // namespace

Result<KnapsackResult> knapsack(const KnapsackItems& items, double budget, const ChoiceOptions& options) {
  if (auto ok = check(items, options); !ok) return tl::unexpected(ok.error());
  const std::vector<Bundle> bundles = bundle(items, budget);
  std::vector<double> value(2 * bundles.size()), cost(2 * bundles.size());
  for (std::size_t b = 0; b < bundles.size(); ++b) {
    value[2 * b + 1] = items.value[bundles[b].item] * static_cast<double>(bundles[b].copies);
    cost[2 * b + 1] = items.cost[bundles[b].item] * static_cast<double>(bundles[b].copies);
  }
  const auto r = multiple_choice({.value = value, .cost = cost, .width = 2}, budget, options);
  if (!r) return tl::unexpected(r.error());
  KnapsackResult out{.take = std::vector<std::int64_t>(items.value.size()),
                     .value = r->value,
                     .cost = r->cost,
                     .bound = r->bound,
                     .price = r->price,
                     .stop = r->stop,
                     .method = r->method,
                     .states = r->states};
  for (std::size_t b = 0; b < bundles.size(); ++b) {
    if (r->choice[b] == 1) out.take[bundles[b].item] += bundles[b].copies;
  }
  return out;
}

}  // namespace bursar::allocate
