#include "bursar/allocate/resource_prices.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "bursar/allocate/linear_program.h"

namespace bursar::allocate::detail {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// L(p) >= value + slope . (p - at): one tangent of the dual function.
struct Cut {
  std::vector<double> at;
  std::vector<double> slope;  // budgets - cost at `at`
  double value;
};

// Minimises the largest cut within centre +- radius, p >= 0. Variables of the program: p - low (low the box's lower
// corner), and the level above the highest known bound from below, shifted to be >= 0.
Result<std::vector<double>> minimise_model(const std::vector<Cut>& cuts, const std::vector<double>& centre,
                                           const std::vector<double>& radius, double* level) {
  const std::size_t n = centre.size();
  std::vector<double> low(n), width(n);
  for (std::size_t r = 0; r < n; ++r) {
    low[r] = std::max(0.0, centre[r] - radius[r]);
    width[r] = centre[r] + radius[r] - low[r];
  }
  // t >= value + slope . (low + y - at), as slope . y - t <= -(value + slope . (low - at)); t = top - s with s >= 0
  // free to grow: the level is at most the least of the cut values at `low` taken as a ceiling.
  std::vector<double> at_low;
  double top = -kInfinity;
  for (const Cut& cut : cuts) {
    double v = cut.value;
    for (std::size_t r = 0; r < n; ++r) v += cut.slope[r] * (low[r] - cut.at[r]);
    at_low.push_back(v);
    top = std::max(top, v);
  }
  LinearProgram lp;
  lp.start.push_back(0);
  for (std::size_t r = 0; r < n; ++r) {
    lp.objective.push_back(0);
    lp.upper.push_back(width[r]);
    for (std::size_t j = 0; j < cuts.size(); ++j) {
      lp.row.push_back(static_cast<int>(j));
      lp.element.push_back(cuts[j].slope[r]);
    }
    lp.start.push_back(static_cast<int>(lp.row.size()));
  }
  lp.objective.push_back(1);  // s = top - t, as large as possible
  lp.upper.push_back(kInfinity);
  for (std::size_t j = 0; j < cuts.size(); ++j) {
    lp.row.push_back(static_cast<int>(j));
    lp.element.push_back(1);
    lp.row_upper.push_back(top - at_low[j]);
  }
  lp.start.push_back(static_cast<int>(lp.row.size()));
  auto solved = maximise(lp);
  if (!solved) return tl::unexpected(solved.error());
  *level = top - solved->objective;
  std::vector<double> p(n);
  for (std::size_t r = 0; r < n; ++r) p[r] = std::max(0.0, low[r] + solved->x[r]);
  return p;
}

}  // namespace

double evaluate_dual(const ResourceTable& table, std::span<const double> budgets, std::span<const double> prices,
                     std::uint32_t* choice, std::span<double> total_cost) {
  const ChoiceTable shape = table.of(0);
  const std::size_t options = table.value.size();
  std::ranges::fill(total_cost, 0.0);
  long double total = 0;
  for (std::size_t i = 0; i < shape.items(); ++i) {
    double best = -kInfinity;
    std::size_t at = shape.begin(i);
    for (std::size_t o = shape.begin(i); o < shape.end(i); ++o) {
      double worth = table.value[o];
      for (std::size_t r = 0; r < prices.size(); ++r) worth -= prices[r] * table.cost[r * options + o];
      if (shape.allowed(o) && worth > best) {
        best = worth;
        at = o;
      }
    }
    total += best;
    for (std::size_t r = 0; r < total_cost.size(); ++r) total_cost[r] += table.cost[r * options + at];
    if (choice != nullptr) choice[i] = static_cast<std::uint32_t>(at - shape.begin(i));
  }
  for (std::size_t r = 0; r < prices.size(); ++r) total += static_cast<long double>(prices[r]) * budgets[r];
  return static_cast<double>(total);
}

Result<DualPoint> price_by_linear_program(const ResourceTable& table, std::span<const double> budgets) {
  const ChoiceTable shape = table.of(0);
  const std::size_t options = table.value.size(), items = shape.items();
  LinearProgram lp;
  lp.start.push_back(0);
  for (std::size_t i = 0; i < items; ++i) {
    for (std::size_t o = shape.begin(i); o < shape.end(i); ++o) {
      if (!shape.allowed(o)) continue;
      lp.objective.push_back(table.value[o]);
      lp.upper.push_back(kInfinity);
      lp.row.push_back(static_cast<int>(i));
      lp.element.push_back(1);
      for (std::size_t r = 0; r < budgets.size(); ++r) {
        const double cost = table.cost[r * options + o];
        if (cost == 0) continue;
        lp.row.push_back(static_cast<int>(items + r));
        lp.element.push_back(cost);
      }
      lp.start.push_back(static_cast<int>(lp.row.size()));
    }
  }
  lp.row_lower.assign(items, 1.0);
  lp.row_lower.resize(items + budgets.size(), -kInfinity);
  lp.row_upper.assign(items, 1.0);
  for (const double b : budgets) lp.row_upper.push_back(b);
  auto solved = maximise(lp);
  if (!solved) return tl::unexpected(solved.error());
  DualPoint p{.probes = 1};
  for (std::size_t r = 0; r < budgets.size(); ++r) p.price.push_back(std::max(0.0, solved->price[items + r]));
  // The dual value at these prices is a bound whatever the tolerances of the LP.
  p.value = evaluate_dual(table, budgets, p.price, nullptr, {});
  return p;
}

Result<DualPoint> price_by_cutting_planes(const ResourceTable& table, std::span<const double> budgets,
                                          const ResourceOptions& options) {
  const std::size_t n = budgets.size();
  std::vector<double> cost(n);
  DualPoint best{.price = std::vector<double>(n, 0.0)};
  std::vector<Cut> cuts;
  const auto probe = [&](const std::vector<double>& p) {
    ++best.probes;
    Cut cut{.at = p, .slope = std::vector<double>(n), .value = 0};
    cut.value = evaluate_dual(table, budgets, p, nullptr, cost);
    for (std::size_t r = 0; r < n; ++r) cut.slope[r] = budgets[r] - cost[r];
    cuts.push_back(std::move(cut));
    return cuts.back().value;
  };
  best.value = probe(best.price);
  // First box: prices at which a resource alone would eat all of the value of the free choice.
  std::vector<double> radius(n);
  for (std::size_t r = 0; r < n; ++r)
    radius[r] = (std::abs(best.value) + 1e-30) / std::max(std::abs(cost[r]), std::max(std::abs(budgets[r]), 1e-30));
  while (best.probes < options.max_probes && !(options.stop && options.stop())) {
    double level = 0;
    auto next = minimise_model(cuts, best.price, radius, &level);
    if (!next) break;
    const double predicted = best.value - level;
    if (predicted <= 0.1 * options.relative_gap * std::abs(best.value) || predicted <= 0) {
      bool inside = true;
      for (std::size_t r = 0; r < n; ++r) inside &= (*next)[r] < best.price[r] + radius[r] * .999;
      if (inside) break;
    }
    const double value = probe(*next);
    const double gained = best.value - value;
    if (gained > 0) {
      best.value = value;
      best.price = *next;
    }
    const double factor = gained > 0.5 * predicted ? 2.0 : gained > 0.1 * predicted ? 1.0 : 0.5;
    for (double& x : radius) x *= factor;
    if (cuts.size() > 60 + 4 * n) {
      // The cuts that are lowest at the centre say least about it.
      const auto height = [&](const Cut& c) {
        double v = c.value;
        for (std::size_t r = 0; r < n; ++r) v += c.slope[r] * (best.price[r] - c.at[r]);
        return v;
      };
      const auto middle = cuts.begin() + static_cast<std::ptrdiff_t>(cuts.size() / 2);
      std::nth_element(cuts.begin(), middle, cuts.end(),
                       [&](const Cut& a, const Cut& b) { return height(a) > height(b); });
      cuts.erase(middle, cuts.end());
    }
  }
  return best;
}

}  // namespace bursar::allocate::detail
