#include "reproduce/oracles/bayesian_oracles.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <string>

#include "bursar/allocate/linear_program.h"

namespace bursar::reproduce {
namespace {

using admit::BayesianMatching;
using admit::BuyerType;
using Mask = std::uint32_t;
// The item that a buyer gets in period t with these free, or -1.
using Choice = std::function<int(std::size_t t, const BuyerType& type, Mask free, const std::vector<double>& later)>;

bool has(Mask mask, std::size_t i) { return (mask >> i & 1U) != 0; }

Result<std::vector<double>> play(const BayesianMatching& m, const Choice& choice,
                                 const std::function<void(std::size_t, Mask, double)>& see = {}) {
  if (auto ok = check(m); !ok) return tl::unexpected(ok.error());
  if (m.items > 12) return invalid_argument("the exact tables take at most 12 items, not " + std::to_string(m.items));
  std::vector<double> later(std::size_t{1} << m.items, 0.0), now;
  for (std::size_t t = m.periods.size(); t-- > 0;) {
    now.assign(later.size(), 0.0);
    for (std::size_t s = 0; s < later.size(); ++s) {
      const auto free = static_cast<Mask>(s);
      double nobody = 1;
      for (const BuyerType& type : m.periods[t].types) {
        const int i = choice(t, type, free, later);
        const double got = i < 0 ? later[free] : type.value[static_cast<std::size_t>(i)] + later[free & ~(1U << i)];
        now[s] += type.probability * got;
        nobody -= type.probability;
      }
      now[s] += nobody * later[free];
      if (see) see(t, free, now[s]);
    }
    later.swap(now);
  }
  return later;
}

// Rank by falling worth, then rising item, as the rule orders them.
std::vector<std::size_t> order_of(const BuyerType& type) {
  std::vector<std::size_t> order(type.value.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return type.value[a] > type.value[b]; });
  return order;
}

// Every subset that the pivotal sampling of r over `order` gives, with its chance.
void pivotal(const std::vector<std::size_t>& order, const std::vector<double>& r, std::size_t at, int open, double a,
             Mask chosen, double chance, const std::function<void(Mask, double)>& see) {
  if (chance <= 0) return;
  if (at == order.size()) {
    if (open >= 0) see(chosen | 1U << open, chance * a);
    see(chosen, open >= 0 ? chance * (1 - a) : chance);
    return;
  }
  const int j = static_cast<int>(order[at]);
  const double b = r[order[at]];
  if (b <= 0) return pivotal(order, r, at + 1, open, a, chosen, chance, see);
  if (b >= 1) return pivotal(order, r, at + 1, open, a, chosen | 1U << j, chance, see);
  if (open < 0) return pivotal(order, r, at + 1, j, b, chosen, chance, see);
  if (a + b <= 1) {
    pivotal(order, r, at + 1, open, a + b, chosen, chance * a / (a + b), see);
    pivotal(order, r, at + 1, j, a + b, chosen, chance * b / (a + b), see);
    return;
  }
  const double first = (1 - b) / (2 - a - b);
  pivotal(order, r, at + 1, j, a + b - 1, chosen | 1U << open, chance * first, see);
  pivotal(order, r, at + 1, open, a + b - 1, chosen | 1U << j, chance * (1 - first), see);
}

class RuleByHand {
 public:
  RuleByHand(const BayesianMatching& m, const admit::OnlineLp& lp) : m_(m), lp_(lp) {}

  // NOLINTNEXTLINE(misc-no-recursion): it follows every outcome
  double value(std::size_t t, Mask free) {
    if (t == m_.periods.size()) return 0;
    const auto& types = m_.periods[t].types;
    if (types.empty()) return value(t + 1, free);
    if (types.size() == 1) return one_type(t, free);
    // Chances m_i of being matched now, from the subsets themselves.
    std::vector<double> matched(m_.items, 0.0), leaves(m_.items, 0.0);
    double sum = 0, nobody = 1;
    for (std::size_t j = 0; j < types.size(); ++j) {
      const auto r = rates(t, j);
      for_subsets(types[j], r, free, [&](Mask s, double chance) {
        if (const int b = best(types[j], s); b >= 0) {
          matched[static_cast<std::size_t>(b)] += types[j].probability * chance;
          sum += types[j].probability * chance * types[j].value[static_cast<std::size_t>(b)];
        }
      });
      for (std::size_t i = 0; i < m_.items; ++i) leaves[i] += types[j].probability * r[i];
    }
    for (std::size_t i = 0; i < m_.items; ++i) {
      nobody -= matched[i];
      if (matched[i] > 0) sum += matched[i] * after_discards(t, free & ~(1U << i), matched, leaves, 0);
    }
    return sum + nobody * after_discards(t, free, matched, leaves, 0);
  }

 private:
  [[nodiscard]] std::vector<double> rates(std::size_t t, std::size_t j) const {
    const double* r = lp_.rate.data() + (lp_.first[t] + j) * m_.items;
    return {r, r + m_.items};
  }
  static int best(const BuyerType& type, Mask s) {
    for (const std::size_t i : order_of(type)) {
      if (has(s, i)) return static_cast<int>(i);
    }
    return -1;
  }
  static void for_subsets(const BuyerType& type, std::vector<double> r, Mask free,
                          const std::function<void(Mask, double)>& see) {
    for (std::size_t i = 0; i < r.size(); ++i) r[i] = has(free, i) ? r[i] : 0;
    pivotal(order_of(type), r, 0, -1, 0, 0, 1, see);
  }

  double one_type(std::size_t t, Mask free) {
    const BuyerType& type = m_.periods[t].types[0];
    const double p = type.probability;
    double sum = 0;
    for_subsets(type, rates(t, 0), free, [&](Mask s, double chance) {
      if (chance <= 0) return;
      const int b = best(type, s);
      if (b < 0) {
        sum += chance * value(t + 1, free);
        return;
      }
      const Mask others = s & ~(1U << b);
      for (Mask gone = others;; gone = (gone - 1) & others) {
        double share = chance;
        for (std::size_t i = 0; i < m_.items; ++i) {
          if (has(others, i)) share *= has(gone, i) ? p : 1 - p;
        }
        const Mask left = free & ~gone;
        sum += share * (1 - p) * value(t + 1, left);
        sum += share * p * (type.value[static_cast<std::size_t>(b)] + value(t + 1, left & ~(1U << b)));
        if (gone == 0) break;
      }
    });
    return sum;
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  double after_discards(std::size_t t, Mask free, const std::vector<double>& matched, const std::vector<double>& leaves,
                        std::size_t i) {
    if (i == m_.items) return value(t + 1, free);
    const double d = matched[i] >= 1 ? 0 : (leaves[i] - matched[i]) / (1 - matched[i]);
    const double kept = after_discards(t, free, matched, leaves, i + 1);
    if (!has(free, i) || d <= 0) return kept;
    return (1 - d) * kept + d * after_discards(t, free & ~(1U << i), matched, leaves, i + 1);
  }

  const BayesianMatching& m_;
  const admit::OnlineLp& lp_;
};

// The best matching of these buyers, best[mask]: with the items of mask still free.
double best_matching(const std::vector<const BuyerType*>& buyers, std::size_t items) {
  std::vector<double> best(std::size_t{1} << items, 0.0), next;
  for (const BuyerType* buyer : buyers) {
    next = best;
    for (std::size_t s = 0; s < best.size(); ++s) {
      for (std::size_t i = 0; i < items; ++i) {
        if (has(static_cast<Mask>(s), i))
          next[s] = std::max(next[s], buyer->value[i] + best[s & ~(std::size_t{1} << i)]);
      }
    }
    best.swap(next);
  }
  return best.back();
}

}  // namespace

Result<double> best_online(const BayesianMatching& m) {
  return play(m,
              [](std::size_t, const BuyerType& type, Mask free, const std::vector<double>& later) {
                int best = -1;
                double most = later[free];
                for (std::size_t i = 0; i < type.value.size(); ++i) {
                  if (!has(free, i) || type.value[i] + later[free & ~(1U << i)] <= most) continue;
                  most = type.value[i] + later[free & ~(1U << i)];
                  best = static_cast<int>(i);
                }
                return best;
              })
      .map([](const std::vector<double>& value) { return value.back(); });
}

Result<double> greedy_value(const BayesianMatching& m) {
  return play(m,
              [](std::size_t, const BuyerType& type, Mask free, const std::vector<double>&) {
                int best = -1;
                for (std::size_t i = 0; i < type.value.size(); ++i) {
                  const double most = best < 0 ? 0 : type.value[static_cast<std::size_t>(best)];
                  if (has(free, i) && type.value[i] > most) best = static_cast<int>(i);
                }
                return best;
              })
      .map([](const std::vector<double>& value) { return value.back(); });
}

Result<double> price_welfare(const BayesianMatching& m, const admit::PhilosopherValue& value, double* worst_lead) {
  if (worst_lead != nullptr) *worst_lead = std::numeric_limits<double>::infinity();
  const auto buy = [&](std::size_t t, const BuyerType& type, Mask free, const std::vector<double>&) {
    int best = -1;
    double most = 0;
    for (std::size_t i = 0; i < type.value.size(); ++i) {
      if (!has(free, i)) continue;
      const double price = std::max(0.0, value.at(t + 1, free) - value.at(t + 1, free & ~(1U << i)));
      if (type.value[i] - price > most) most = type.value[i] - price, best = static_cast<int>(i);
    }
    return best;
  };
  return play(m, buy,
              [&](std::size_t t, Mask free, double welfare) {
                if (worst_lead != nullptr) *worst_lead = std::min(*worst_lead, welfare - value.at(t, free));
              })
      .map([](const std::vector<double>& welfare) { return welfare.back(); });
}

Result<double> clairvoyant(const BayesianMatching& m) {
  if (auto ok = check(m); !ok) return tl::unexpected(ok.error());
  double sequences = 1;
  for (const auto& period : m.periods) sequences *= static_cast<double>(period.types.size() + 1);
  if (sequences > 1e6 || m.items > 12) return invalid_argument("too many sequences of buyers to follow, or items");
  std::vector<const BuyerType*> buyers;
  const std::function<double(std::size_t)> follow = [&](std::size_t t) {
    if (t == m.periods.size()) return best_matching(buyers, m.items);
    double nobody = 1, sum = 0;
    for (const BuyerType& type : m.periods[t].types) {
      nobody -= type.probability;
      buyers.push_back(&type);
      sum += type.probability * follow(t + 1);
      buyers.pop_back();
    }
    return sum + nobody * follow(t + 1);
  };
  return follow(0);
}

double rule_by_hand(const BayesianMatching& m, const admit::OnlineLp& lp) {
  return RuleByHand(m, lp).value(0, (1U << m.items) - 1);
}

Result<double> online_lp_by_prefix_sums(const BayesianMatching& m, bool past_is_independent) {
  if (auto ok = check(m); !ok) return tl::unexpected(ok.error());
  struct Column {
    std::size_t t = 0, pair = 0, item = 0;
    double p = 0;
  };
  std::vector<Column> columns;
  allocate::LinearProgram lp{.start = {0}};
  std::size_t pairs = 0;
  for (std::size_t t = 0; t < m.periods.size(); ++t) {
    for (const BuyerType& type : m.periods[t].types) {
      for (std::size_t i = 0; i < m.items; ++i) {
        columns.push_back({.t = t, .pair = pairs, .item = i, .p = type.probability});
        lp.objective.push_back(type.value[i]);
      }
      lp.row_upper.push_back(type.probability);
      ++pairs;
    }
  }
  for (const Column& own : columns) lp.row_upper.push_back(own.p);
  lp.row_upper.insert(lp.row_upper.end(), m.items, 1.0);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const Column& own = columns[c];
    lp.row.push_back(static_cast<int>(own.pair));
    lp.element.push_back(1);
    for (std::size_t d = 0; d < columns.size(); ++d) {
      const bool later = past_is_independent && columns[d].item == own.item && columns[d].t > own.t;
      if (c != d && !later) continue;
      lp.row.push_back(static_cast<int>(pairs + d));
      lp.element.push_back(c == d ? 1 : columns[d].p);
    }
    lp.row.push_back(static_cast<int>(pairs + columns.size() + own.item));
    lp.element.push_back(1);
    lp.upper.push_back(std::numeric_limits<double>::infinity());
    lp.start.push_back(static_cast<int>(lp.row.size()));
  }
  if (columns.empty()) return 0;
  return maximise(lp).map([](const allocate::LinearSolution& s) { return s.objective; });
}

}  // namespace bursar::reproduce
