// Splits a budget of whole units over items by always giving the next unit to the item that gains most from it.
//
//   // 64 rollouts over 8 prompts, each between 2 and 64, worth value(i, n) for n rollouts of prompt i.
//   auto split = marginal_greedy({.items = 8, .budget = 64, .floor = 2, .ceiling = 64},
//                                [&](std::size_t i, std::int64_t n) { return value(i, n + 1) - value(i, n); });
//   if (!split) return report(split.error());
//   use(split->units);
//
// Choose it when gains shrink with every unit already given ("decreasing gains": rollouts, samples, votes). Then the
// split is optimal. Where a gain grows (S-shaped curves, thresholds) the greedy order is wrong; the split says at which
// item and unit, and `when_gains_grow` decides what happens: the exact program (default), the concave hull (fast, with
// a bound), or only the report.
//
// Maximises  sum_i sum_{n = floor_i}^{u_i - 1} gain(i, n)   subject to   sum_i u_i <= budget,  floor_i <= u_i <=
// ceiling_i. Time O(items + budget log items), memory O(items); where gains grow, the curves are tabulated: O(items x
// ceiling) numbers and calls. Source: systems/knapsack-rl, systems/pets, systems/dora; exactness for decreasing gains
// is the exchange argument: an optimal split that lacks the largest remaining gain can swap it in and lose nothing.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "bursar/allocate/solve.h"

namespace bursar::allocate {

struct UnitProblem {
  std::size_t items = 0;
  std::int64_t budget = 0;                      // units, all items together
  std::int64_t floor = 0;                       // units, every item gets at least this many
  std::int64_t ceiling = 0;                     // units, no item gets more than this many
  std::span<const std::int64_t> floors = {};    // [items] or empty: instead of `floor`
  std::span<const std::int64_t> ceilings = {};  // [items] or empty: instead of `ceiling`

  [[nodiscard]] std::int64_t floor_of(std::size_t i) const { return floors.empty() ? floor : floors[i]; }
  [[nodiscard]] std::int64_t ceiling_of(std::size_t i) const { return ceilings.empty() ? ceiling : ceilings[i]; }
};

enum class Growth : std::uint8_t {
  kExact,   // the exact program over the tabulated curves
  kHull,    // the concave hulls: within one step of one item of the best, bound stated
  kReport,  // the greedy split as it is; the bound is infinite
};

struct UnitOptions {
  Growth when_gains_grow = Growth::kExact;
  bool look_ahead = false;  // also check the gains that greedy would never ask for: all of them, up to the ceilings
  std::uint64_t max_cells = 1 << 26;  // of the tabulated curves, and of the exact program
};

struct GrowingGain {
  std::size_t item = 0;
  std::int64_t unit = 0;  // gain(item, unit) > gain(item, unit - 1)
};

struct UnitSplit {
  std::vector<std::int64_t> units;   // [items]; the sum is the budget unless no further units gain
  std::int64_t spent = 0;            // sum of units
  double gained = 0;                 // sum of the gains above the floors
  double bound = 0;                  // no split gains more
  double next_gain = 0;              // what one more unit of budget would have gained: the price of the budget
  std::optional<GrowingGain> grows;  // the first gain seen to grow
  StopReason stop = StopReason::kOptimal;
};

namespace detail {

[[nodiscard]] Result<void> check_units(const UnitProblem& problem);
[[nodiscard]] tl::unexpected<Error> bad_gain(std::size_t item, std::int64_t unit, double gain);
[[nodiscard]] Result<UnitSplit> split_by_table(const UnitProblem& problem,
                                               const std::function<double(std::size_t, std::int64_t)>& gain,
                                               const UnitOptions& options, GrowingGain first);
[[nodiscard]] Result<std::optional<GrowingGain>> look_for_growth(
    const UnitProblem& problem, const std::function<double(std::size_t, std::int64_t)>& gain, std::uint64_t max_cells);

struct Bid {
  double gain;
  std::size_t item;
};

// Largest gain first; among equals the lowest item, so that equal inputs give equal splits.
inline bool worse(const Bid& a, const Bid& b) { return a.gain != b.gain ? a.gain < b.gain : a.item > b.item; }

// Restores the heap after its top was replaced: one descent instead of a pop and a push.
inline void sink_top(std::vector<Bid>& heap) {
  const Bid bid = heap.front();
  std::size_t at = 0;
  for (std::size_t child = 1; child < heap.size(); child = 2 * at + 1) {
    if (child + 1 < heap.size() && worse(heap[child], heap[child + 1])) ++child;
    if (!worse(bid, heap[child])) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = bid;
}

}  // namespace detail

// gain(i, n) is what item i gains from its (n+1)-th unit; finite. Without growth it is asked at most budget + items
// times, for each item with n rising by one from its floor: it may keep running products.
// Errors: kInvalidArgument for a negative or crossed bound and for a gain that is not finite; kInfeasible when the
// floors alone exceed the budget (by how much, and the largest floors); kExhausted where tabulated curves exceed
// max_cells.
template <class Gain>
[[nodiscard]] Result<UnitSplit> marginal_greedy(const UnitProblem& problem, Gain&& gain,
                                                const UnitOptions& options = {}) {
  if (auto ok = detail::check_units(problem); !ok) return tl::unexpected(ok.error());
  UnitSplit split;
  std::vector<detail::Bid> heap;
  split.units.reserve(problem.items);
  heap.reserve(problem.items);
  for (std::size_t i = 0; i < problem.items; ++i) {
    const std::int64_t floor = problem.floor_of(i);
    split.units.push_back(floor);
    split.spent += floor;
    if (floor == problem.ceiling_of(i)) continue;
    const double first = gain(i, floor);
    if (!std::isfinite(first)) return detail::bad_gain(i, floor, first);
    heap.push_back({first, i});
  }
  std::ranges::make_heap(heap, detail::worse);
  while (split.spent < problem.budget && !heap.empty() && heap.front().gain > 0) {
    const detail::Bid best = heap.front();
    const std::int64_t held = ++split.units[best.item];
    ++split.spent;
    split.gained += best.gain;
    if (held == problem.ceiling_of(best.item)) {
      heap.front() = heap.back();
      heap.pop_back();
      if (!heap.empty()) detail::sink_top(heap);
      continue;
    }
    const double next = gain(best.item, held);
    if (!std::isfinite(next)) return detail::bad_gain(best.item, held, next);
    if (next > best.gain && !split.grows) split.grows = GrowingGain{best.item, held};
    heap.front().gain = next;
    detail::sink_top(heap);
  }
  split.next_gain = heap.empty() ? 0.0 : std::max(0.0, heap.front().gain);
  split.bound = split.gained;
  if (options.look_ahead && !split.grows) {
    auto grows = detail::look_for_growth(problem, gain, options.max_cells);
    if (!grows) return tl::unexpected(grows.error());
    split.grows = *grows;
  }
  if (!split.grows) return split;
  if (options.when_gains_grow != Growth::kReport) return detail::split_by_table(problem, gain, options, *split.grows);
  split.bound = std::numeric_limits<double>::infinity();
  split.stop = StopReason::kLimit;
  return split;
}

}  // namespace bursar::allocate
