// What must hold for whatever a reader accepts.
#pragma once

#include <cmath>
#include <cstdlib>
#include <set>

#include "bursar/allocate/format/answer.h"
#include "bursar/allocate/format/stated_problem.h"

namespace bursar::allocate {

inline void require(bool holds) {
  if (!holds) std::abort();
}

inline void require_sound(const StatedProblem& stated) {
  const Problem& p = stated.problem;
  const std::size_t options = p.value.size(), items = p.items();
  require(items > 0 && options >= items && p.cost.size() % options == 0 && !p.cost.empty());
  require(p.first.empty() == (p.width != 0));
  require(p.item_names.empty() || p.item_names.size() == items);
  require(std::set(p.item_names.begin(), p.item_names.end()).size() == p.item_names.size());
  require(p.forbidden.empty() || p.forbidden.size() == options);
  require(p.minimum.empty() || p.minimum.size() == items);
  require(p.group.empty() == p.groups.empty() && (p.group.empty() || p.group.size() == items));
  for (const double x : p.value) require(std::isfinite(x));
  for (const double x : p.cost) require(std::isfinite(x) && x >= 0);
  for (std::size_t i = 0; i < items; ++i) {
    const std::size_t end = p.first.empty() ? (i + 1) * p.width : p.first[i + 1];
    require(end > first_option(p, i));
    std::set<std::string> names;
    for (std::size_t k = 0; k < end - first_option(p, i); ++k)
      require(names.insert(option_name(p, i, static_cast<std::uint32_t>(k))).second);
  }
}

// A small problem is also solved: what the reader lets through, the solver takes, and never holds more than the budget.
inline void require_solved(const StatedProblem& stated) {
  const Problem& p = stated.problem;
  if (p.value.size() > 64 || resources_of(p) > 4 || p.groups.size() > 4) return;
  Budget budget = stated.budget.value_or(Budget{});
  budget.amounts.resize(resources_of(p), 10);
  const auto a = allocate(p, budget, {.max_states = 1 << 12, .max_cells = 1 << 16, .max_nodes = 100});
  if (!a) return;
  require(a->choice.size() == p.items());
  for (std::size_t r = 0; r < budget.amounts.size(); ++r) require(a->cost[r] <= with_tolerance(budget.amounts[r]));
  require(!answer_json(p, budget, *a, {.explain = {0}}).empty());
}

}  // namespace bursar::allocate
