#include "bursar/explore/combinatorial/action_space.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <string>

#include "bursar/core/special.h"
#include "bursar/explore/adversarial/hedge.h"

namespace bursar::explore {

double total_of(std::span<const std::uint32_t> action, std::span<const double> per_atom) {
  double sum = 0;
  for (const std::uint32_t atom : action) sum += per_atom[atom];
  return sum;
}

Result<std::unique_ptr<ActionList>> ActionList::create(std::size_t atoms, std::vector<Action> actions) {
  if (atoms == 0 || atoms > kMostAtoms) {
    return invalid_argument("atoms: must be from 1 to " + std::to_string(kMostAtoms) + ", is " + std::to_string(atoms));
  }
  if (actions.empty()) return invalid_argument("actions: there are none; give at least one");
  std::set<Action> seen;
  for (std::size_t a = 0; a < actions.size(); ++a) {
    const std::string where = "action " + std::to_string(a) + ": ";
    std::ranges::sort(actions[a]);
    if (actions[a].empty()) return invalid_argument(where + "has no atoms");
    if (actions[a].back() >= atoms) {
      return invalid_argument(where + "atom " + std::to_string(actions[a].back()) + " must be below " +
                              std::to_string(atoms));
    }
    if (std::ranges::adjacent_find(actions[a]) != actions[a].end()) {
      return invalid_argument(where + "names an atom twice");
    }
    if (!seen.insert(actions[a]).second) return invalid_argument(where + "stands twice");
  }
  return std::unique_ptr<ActionList>(new ActionList(atoms, std::move(actions)));
}

ActionList::ActionList(std::size_t atoms, std::vector<Action> actions)
    : atoms_(atoms), actions_(std::move(actions)), cover_(atoms, actions_.size()) {
  for (std::size_t a = actions_.size(); a-- > 0;) {
    longest_ = std::max(longest_, actions_[a].size());
    for (const std::uint32_t atom : actions_[a]) cover_[atom] = a;
  }
  for (std::uint32_t atom = 0; atom < atoms_; ++atom) {
    if (cover_[atom] < actions_.size()) useful_.push_back(atom);
  }
}

double ActionList::log_actions() const { return std::log(static_cast<double>(actions_.size())); }

void ActionList::weigh(std::span<const double> log_weights, ActionWeights& out) const {
  out.table.resize(actions_.size());
  for (std::size_t a = 0; a < actions_.size(); ++a) out.table[a] = total_of(actions_[a], log_weights);
  const double all = logsumexp(out.table);
  out.marginal.assign(atoms_, 0.0);
  for (std::size_t a = 0; a < actions_.size(); ++a) {
    out.table[a] = std::exp(out.table[a] - all);
    for (const std::uint32_t atom : actions_[a]) out.marginal[atom] += out.table[a];
  }
}

Action ActionList::draw(const ActionWeights& weights, RandomStream& random) const {
  return actions_[index_at(weights.table, 1, random.uniform01())];
}

Action ActionList::best(std::span<const double> costs) const {
  return *std::ranges::min_element(actions_, {}, [&](const Action& a) { return total_of(a, costs); });
}

bool ActionList::contains(std::span<const std::uint32_t> action) const {
  Action sorted(action.begin(), action.end());
  std::ranges::sort(sorted);
  return std::ranges::find(actions_, sorted) != actions_.end();
}

Action ActionList::covering(std::uint32_t atom) const { return actions_[cover_[atom]]; }

Result<std::unique_ptr<TopK>> TopK::create(std::size_t atoms, std::size_t k) {
  if (atoms == 0 || atoms > kMostAtoms) {
    return invalid_argument("atoms: must be from 1 to " + std::to_string(kMostAtoms) + ", is " + std::to_string(atoms));
  }
  if (k == 0 || k > atoms) {
    return invalid_argument("k: must be from 1 to the number of atoms, " + std::to_string(atoms) + ", is " +
                            std::to_string(k));
  }
  if (atoms * k > kMostTopKCells) {
    return invalid_argument("atoms x k: must be at most " + std::to_string(kMostTopKCells) + ", is " +
                            std::to_string(atoms * k));
  }
  return std::unique_ptr<TopK>(new TopK(atoms, k));
}

TopK::TopK(std::size_t atoms, std::size_t k) : atoms_(atoms), k_(k), useful_(atoms) {
  std::iota(useful_.begin(), useful_.end(), 0U);
}

double TopK::log_actions() const { return log_choose(static_cast<double>(atoms_), static_cast<double>(k_)).value(); }

// table[e x (k + 1) + j] = P(atom e is taken | j atoms are still to be taken from e, e + 1, …): the share of the
// elementary symmetric polynomial E_j(e …) = w(e) E_{j-1}(e + 1 …) + E_j(e + 1 …) that its first term has.
void TopK::weigh(std::span<const double> log_weights, ActionWeights& out) const {
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  const std::size_t wide = k_ + 1;
  out.table.assign(atoms_ * wide, 0.0);
  std::vector<double> log_sum(wide, kNone);  // ln E_j of the atoms after e
  log_sum[0] = 0;
  for (std::size_t e = atoms_; e-- > 0;) {
    for (std::size_t j = std::min(k_, atoms_ - e); j >= 1; --j) {
      const double taken = log_sum[j - 1] + log_weights[e], left = log_sum[j];
      if (taken == kNone) continue;
      const double both = left == kNone ? taken : std::max(taken, left) + std::log1p(std::exp(-std::abs(taken - left)));
      out.table[e * wide + j] = std::exp(taken - both);
      log_sum[j] = both;
    }
  }
  out.marginal.assign(atoms_, 0.0);
  std::vector<double> reach(wide, 0.0);  // P(j atoms are still to be taken before e)
  reach[k_] = 1;
  for (std::size_t e = 0; e < atoms_; ++e) {
    for (std::size_t j = 1; j <= k_; ++j) {
      const double taken = reach[j] * out.table[e * wide + j];
      out.marginal[e] += taken;
      reach[j] -= taken;
      reach[j - 1] += taken;
    }
  }
}

Action TopK::draw(const ActionWeights& weights, RandomStream& random) const {
  Action out;
  for (std::size_t e = 0; e < atoms_ && out.size() < k_; ++e) {
    const std::size_t left = k_ - out.size();
    const bool all = left == atoms_ - e;  // rounding must not leave too few
    if (random.uniform01() < weights.table[e * (k_ + 1) + left] || all) out.push_back(static_cast<std::uint32_t>(e));
  }
  return out;
}

Action TopK::best(std::span<const double> costs) const {
  Action order = useful_;
  const auto less = [&](std::uint32_t a, std::uint32_t b) {
    return costs[a] != costs[b] ? costs[a] < costs[b] : a < b;
  };
  std::ranges::nth_element(order, order.begin() + static_cast<std::ptrdiff_t>(k_ - 1), less);
  order.resize(k_);
  std::ranges::sort(order);
  return order;
}

bool TopK::contains(std::span<const std::uint32_t> action) const {
  Action sorted(action.begin(), action.end());
  std::ranges::sort(sorted);
  return sorted.size() == k_ && sorted.back() < atoms_ && std::ranges::adjacent_find(sorted) == sorted.end();
}

Action TopK::covering(std::uint32_t atom) const {
  Action out{atom};
  for (std::uint32_t e = 0; out.size() < k_; ++e) {
    if (e != atom) out.push_back(e);
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace bursar::explore
