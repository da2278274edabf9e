#include "bursar/core/apportionment.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

namespace bursar {
namespace {

constexpr std::int64_t kMost = std::int64_t{1} << 50;  // below, a quota's fraction still has 3 bits to spare
constexpr double kUnlimited = std::numeric_limits<double>::infinity();

struct Item {
  double weight = 0, floor = 0, ceiling = kUnlimited;
};

// Equal quotas of different items come out of different roundings; fractions this close are a tie.
double comparable(double fraction) { return std::round(fraction * 0x1.0p32); }

Result<std::vector<Item>> check(std::span<const double> weights, std::int64_t total, const ApportionBounds& bounds) {
  if (total < 0 || total > kMost) {
    return invalid_argument("total must be from 0 to 2^50, is " + std::to_string(total));
  }
  const auto has_other_length = [&](auto span) { return !span.empty() && span.size() != weights.size(); };
  if (has_other_length(bounds.floors) || has_other_length(bounds.ceilings)) {
    return invalid_argument("floors and ceilings must be as many as the " + std::to_string(weights.size()) +
                            " weights");
  }
  std::vector<Item> items(weights.size());
  double floors = 0, ceilings = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string name = "item " + std::to_string(i);
    if (!(weights[i] >= 0) || !std::isfinite(weights[i])) {
      return invalid_argument("weight of " + name + " must be finite and at least 0, is " + std::to_string(weights[i]));
    }
    const std::int64_t floor = bounds.floors.empty() ? 0 : bounds.floors[i];
    const std::int64_t ceiling = bounds.ceilings.empty() ? total : std::min(bounds.ceilings[i], total);
    if (floor < 0 || floor > (bounds.ceilings.empty() ? floor : bounds.ceilings[i])) {
      return invalid_argument("bounds of " + name + " must be 0 <= floor <= ceiling, floor is " +
                              std::to_string(floor));
    }
    items[i] = {weights[i], static_cast<double>(floor), static_cast<double>(ceiling)};
    floors += items[i].floor;
    ceilings += items[i].weight > 0 ? items[i].ceiling : items[i].floor;
  }
  const bool all_zero = std::ranges::all_of(items, [](const Item& item) { return item.weight == 0; });
  if (all_zero) {
    ceilings = 0;
    for (Item& item : items) {
      item.weight = 1;
      ceilings += item.ceiling;
    }
  }
  if (floors > static_cast<double>(total)) {
    return fail(ErrorCode::kInfeasible, "the floors alone exceed the total of " + std::to_string(total));
  }
  if (ceilings < static_cast<double>(total)) {
    return fail(ErrorCode::kInfeasible, "the items cannot take the total of " + std::to_string(total) +
                                            "; raise a ceiling or give a weight to an item that has none");
  }
  return items;
}

// sum_i clamp(lambda w_i, floor_i, ceiling_i) = total: sort the lambdas at which an item meets a bound and walk them;
// in between the sum is a straight line.
std::vector<double> quotas(const std::vector<Item>& items, double total) {
  struct Bend {
    double lambda, fixed, slope;  // from here on: changes of the fixed part and of the slope of the sum
  };
  double fixed = 0, slope = 0;
  std::vector<Bend> bends;
  for (const Item& item : items) {
    fixed += item.floor;
    if (item.weight == 0 || item.floor >= item.ceiling) continue;
    bends.push_back({item.floor / item.weight, -item.floor, item.weight});
    bends.push_back({item.ceiling / item.weight, item.ceiling, -item.weight});
  }
  std::ranges::sort(bends, {}, &Bend::lambda);
  double lambda = 0;
  for (std::size_t i = 0; i < bends.size(); ++i) {
    lambda = bends[i].lambda;
    if (fixed + slope * lambda >= total) break;
    fixed += bends[i].fixed;
    slope += bends[i].slope;
    const double next = i + 1 < bends.size() ? bends[i + 1].lambda : lambda;
    if (slope > 0 && fixed + slope * next >= total) {
      lambda = std::clamp((total - fixed) / slope, lambda, next);
      break;
    }
  }
  std::vector<double> out;
  out.reserve(items.size());
  for (const Item& item : items) {
    const double most = std::max(item.ceiling, item.floor);
    out.push_back(item.weight == 0 ? item.floor : std::clamp(lambda * item.weight, item.floor, most));
  }
  return out;
}

}  // namespace

Result<std::vector<std::int64_t>> apportion(std::span<const double> weights, std::int64_t total,
                                            ApportionBounds bounds) {
  if (weights.empty() && total == 0) return std::vector<std::int64_t>{};
  auto items = check(weights, total, bounds);
  if (!items) return tl::unexpected(std::move(items.error()));
  // Only proportions count; without this, weights near the largest double would overflow their own sum.
  const double heaviest = std::ranges::max_element(*items, {}, &Item::weight)->weight;
  for (Item& item : *items) item.weight /= heaviest;

  const auto quota = quotas(*items, static_cast<double>(total));
  std::vector<std::int64_t> units(quota.size());
  std::vector<double> fraction(quota.size());
  std::int64_t left = total;
  for (std::size_t i = 0; i < quota.size(); ++i) {
    // A quota that rounding left a hair below a whole number is that number.
    const double whole = std::floor(quota[i] + 1e-9);
    units[i] = static_cast<std::int64_t>(whole);
    fraction[i] = comparable(std::max(quota[i] - whole, 0.0));
    left -= units[i];
  }
  std::vector<std::size_t> order(quota.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(-fraction[i], i); });
  for (const std::size_t i : order) {
    if (left <= 0) break;
    if (static_cast<double>(units[i]) >= (*items)[i].ceiling || (*items)[i].weight == 0) continue;
    ++units[i];
    --left;
  }
  // Rounding of very large totals may leave a unit or two; they go where a bound allows it.
  for (std::size_t i = 0; left != 0 && i < units.size(); ++i) {
    if ((*items)[i].weight == 0) continue;
    const auto low = static_cast<std::int64_t>((*items)[i].floor),
               high = static_cast<std::int64_t>((*items)[i].ceiling);
    const std::int64_t step =
        std::clamp(left, std::min(low - units[i], std::int64_t{0}), std::max(high - units[i], std::int64_t{0}));
    units[i] += step;
    left -= step;
  }
  if (left != 0) return fail(ErrorCode::kInternal, "apportionment left " + std::to_string(left) + " units over");
  return units;
}

Result<std::vector<std::int64_t>> round_cumulatively(std::span<const double> values) {
  std::vector<std::int64_t> out;
  out.reserve(values.size());
  double sum = 0, lost = 0;  // Neumaier: the low bits that the running sum drops
  std::int64_t before = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double x = values[i], next = sum + x;
    lost += std::abs(sum) >= std::abs(x) ? (sum - next) + x : (x - next) + sum;
    sum = next;
    if (!std::isfinite(x) || !(std::abs(sum) <= static_cast<double>(kMost))) {
      return invalid_argument("value " + std::to_string(i) + " is not finite or takes the sum beyond 2^50");
    }
    const auto rounded = static_cast<std::int64_t>(std::floor(sum + lost + .5));
    out.push_back(rounded - before);
    before = rounded;
  }
  return out;
}

}  // namespace bursar
