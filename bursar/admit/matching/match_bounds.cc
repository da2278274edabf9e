#include "bursar/admit/matching/match_bounds.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "bursar/admit/matching/configuration_pricing.h"
#include "bursar/allocate/linear_program.h"

namespace bursar::admit {
namespace {

using allocate::GrowingProgram;
using allocate::LinearProgram;
using Pricer = std::function<Configuration(const GoalView& goal, std::span<const double> slot_price)>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Rows of the master: a goal each, then a slot each.
void add(GrowingProgram& master, std::size_t goal, std::size_t goals, const Configuration& c) {
  std::vector<int> row{static_cast<int>(goal)};
  std::vector<double> element{1};
  for (std::size_t k = 0; k < c.slot.size(); ++k) {
    row.push_back(static_cast<int>(goals + c.slot[k]));
    element.push_back(c.use[k]);
  }
  master.add_column(c.worth, row, element);
}

Result<MatchBound> generate_columns(const MatchInstance& instance, const MatchBoundOptions& options,
                                    const Pricer& pricer) {
  if (auto ok = check(instance); !ok) return tl::unexpected(ok.error());
  const std::size_t goals = instance.weight.size(), slots = instance.slots.size();
  const auto edges = slots_by_goal(instance);
  MatchBound out{.goal_price = std::vector<double>(goals, 0.0), .slot_price = std::vector<double>(slots, 0.0)};
  GrowingProgram master(std::vector<double>(goals + slots, 1.0));
  bool empty = true;
  for (std::size_t u = 0; u < goals; ++u) {
    if (edges[u].empty() || instance.weight[u] <= 0) continue;
    add(master, u, goals, pricer({instance.weight[u], edges[u]}, out.slot_price));
    ++out.columns;
    empty = false;
  }
  out.bound = empty ? 0 : kInfinity;
  while (!empty && out.rounds < options.max_rounds) {
    const auto solved = master.solve();
    if (!solved) return tl::unexpected(solved.error());
    ++out.rounds;
    out.value = solved->objective;
    std::vector<double> slot_price(slots);
    for (std::size_t v = 0; v < slots; ++v) slot_price[v] = std::max(0.0, solved->price[goals + v]);
    double bound = std::accumulate(slot_price.begin(), slot_price.end(), 0.0);
    bool found = false;
    for (std::size_t u = 0; u < goals; ++u) {
      if (edges[u].empty() || instance.weight[u] <= 0) continue;
      const Configuration best = pricer({instance.weight[u], edges[u]}, slot_price);
      const double alpha = std::max(0.0, solved->price[u]);
      bound += std::max(0.0, best.most_gain);
      if (best.gain <= alpha + 1e-12 * (1 + alpha)) continue;
      add(master, u, goals, best);
      ++out.columns;
      found = true;
    }
    if (bound < out.bound) {
      out.bound = bound;
      out.slot_price = std::move(slot_price);
      for (std::size_t u = 0; u < goals; ++u) out.goal_price[u] = std::max(0.0, solved->price[u]);
    }
    if (!found || out.bound - out.value <= options.tolerance * (1 + std::abs(out.value))) break;
  }
  out.bound = std::max(out.bound, out.value);
  return out;
}

}  // namespace

Result<MatchBound> stochastic_configuration_lp(const MatchInstance& instance, const MatchBoundOptions& options) {
  return generate_columns(instance, options, price_stochastic);
}

Result<MatchBound> configuration_lp(const MatchInstance& instance, const MatchBoundOptions& options) {
  return generate_columns(instance, options, [&](const GoalView& goal, std::span<const double> slot_price) {
    return price_truncated(goal, slot_price, options.max_pricing_nodes);
  });
}

Result<MatchBound> matching_lp(const MatchInstance& instance) {
  if (auto ok = check(instance); !ok) return tl::unexpected(ok.error());
  const std::size_t goals = instance.weight.size(), slots = instance.slots.size();
  LinearProgram lp{.start = {0}, .row_upper = std::vector<double>(goals + slots, 1.0)};
  for (std::size_t v = 0; v < slots; ++v) {
    for (const MatchEdge& edge : instance.slots[v]) {
      if (edge.probability <= 0) continue;
      lp.objective.push_back(instance.weight[edge.goal] * edge.probability);
      lp.upper.push_back(kInfinity);
      lp.row.insert(lp.row.end(), {static_cast<int>(edge.goal), static_cast<int>(goals + v)});
      lp.element.insert(lp.element.end(), {edge.probability, 1});
      lp.start.push_back(static_cast<int>(lp.row.size()));
    }
  }
  MatchBound out{.goal_price = std::vector<double>(goals, 0.0), .slot_price = std::vector<double>(slots, 0.0)};
  out.columns = lp.objective.size();
  if (out.columns == 0) return out;
  const auto solved = maximise(lp);
  if (!solved) return tl::unexpected(solved.error());
  out.value = out.bound = solved->objective;
  out.rounds = 1;
  std::copy_n(solved->price.begin(), goals, out.goal_price.begin());
  std::copy_n(solved->price.begin() + static_cast<std::ptrdiff_t>(goals), slots, out.slot_price.begin());
  return out;
}

}  // namespace bursar::admit
