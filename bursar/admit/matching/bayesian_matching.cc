#include "bursar/admit/matching/bayesian_matching.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "bursar/allocate/linear_program.h"

namespace bursar::admit {
namespace {

constexpr std::size_t kMostEdges = 20'000'000;
constexpr double kGone = 1e-9;  // 1 - y below it: the item is as good as gone

std::string place(std::size_t t, std::size_t j) {
  return "period " + std::to_string(t) + ", type " + std::to_string(j);
}

// One x_itj of the program.
struct Variable {
  std::size_t item = 0, pair = 0;
  double weight = 0, probability = 0;
};

// The edges of an item in one period: they share y.
struct Visit {
  std::size_t item = 0, period = 0;
  std::vector<std::size_t> variables;
};

struct Edges {
  std::vector<Variable> variables;
  std::vector<std::vector<Visit>> visits;  // [items], in order of time
};

Edges edges_of(const BayesianMatching& m, const std::vector<std::size_t>& first) {
  Edges out{.variables = {}, .visits = std::vector<std::vector<Visit>>(m.items)};
  for (std::size_t t = 0; t < m.periods.size(); ++t) {
    for (std::size_t j = 0; j < m.periods[t].types.size(); ++j) {
      const BuyerType& type = m.periods[t].types[j];
      for (std::size_t i = 0; i < m.items; ++i) {
        if (type.value[i] <= 0 || type.probability <= 0) continue;
        auto& visits = out.visits[i];
        if (visits.empty() || visits.back().period != t) visits.push_back({.item = i, .period = t, .variables = {}});
        visits.back().variables.push_back(out.variables.size());
        out.variables.push_back(
            {.item = i, .pair = first[t] + j, .weight = type.value[i], .probability = type.probability});
      }
    }
  }
  return out;
}

// Columns: x of every variable, then y of every visit but an item's first (where y = 0). Rows: sum_i x <= p of every
// pair; x + p y <= p of every variable; y - y_before - sum x_before = 0 of every such visit.
class Program {
 public:
  Program(const Edges& edges, std::size_t pairs) : pairs_(pairs), variables_(edges.variables.size()) {
    columns_.resize(variables_);
    lp_.row_upper.assign(pairs + variables_, 0.0);
    lp_.row_lower.assign(pairs + variables_, -std::numeric_limits<double>::infinity());
    for (std::size_t v = 0; v < variables_; ++v) {
      const Variable& x = edges.variables[v];
      lp_.objective.push_back(x.weight);
      lp_.row_upper[x.pair] = lp_.row_upper[pairs + v] = x.probability;
      columns_[v] = {{x.pair, 1.0}, {pairs + v, 1.0}};
    }
    for (const auto& visits : edges.visits) add_chain(edges, visits);
    lp_.upper.assign(columns_.size(), std::numeric_limits<double>::infinity());
    lp_.start = {0};
    for (const auto& column : columns_) {
      for (const auto& [row, element] : column) {
        lp_.row.push_back(static_cast<int>(row));
        lp_.element.push_back(element);
      }
      lp_.start.push_back(static_cast<int>(lp_.row.size()));
    }
  }

  [[nodiscard]] Result<allocate::LinearSolution> solve() const { return maximise(lp_); }
  // The price of x <= p (1 - y).
  [[nodiscard]] double edge_price(const allocate::LinearSolution& s, std::size_t v) const {
    return std::max(0.0, s.price[pairs_ + v]);
  }

 private:
  void add_chain(const Edges& edges, const std::vector<Visit>& visits) {
    for (std::size_t k = 1; k < visits.size(); ++k) {
      const std::size_t row = lp_.row_upper.size();
      lp_.row_upper.push_back(0);
      lp_.row_lower.push_back(0);
      if (k > 1) columns_.back().emplace_back(row, -1.0);  // y of the visit before
      for (const std::size_t v : visits[k - 1].variables) columns_[v].emplace_back(row, -1.0);
      columns_.push_back({{row, 1.0}});
      lp_.objective.push_back(0);
      for (const std::size_t v : visits[k].variables)
        columns_.back().emplace_back(pairs_ + v, edges.variables[v].probability);
    }
  }

  std::size_t pairs_ = 0, variables_ = 0;
  std::vector<std::vector<std::pair<std::size_t, double>>> columns_;
  allocate::LinearProgram lp_;
};

std::vector<std::size_t> first_pairs(const BayesianMatching& m) {
  std::vector<std::size_t> first{0};
  for (const Period& period : m.periods) first.push_back(first.back() + period.types.size());
  return first;
}

// y and r from x.
void fill(const BayesianMatching& m, OnlineLp& lp) {
  lp.used.assign(m.periods.size() * m.items, 0.0);
  lp.rate.assign(lp.x.size(), 0.0);
  std::vector<double> y(m.items, 0.0);
  for (std::size_t t = 0; t < m.periods.size(); ++t) {
    std::ranges::copy(y, lp.used.begin() + static_cast<std::ptrdiff_t>(t * m.items));
    for (std::size_t j = 0; j < m.periods[t].types.size(); ++j) {
      const double p = m.periods[t].types[j].probability;
      const std::size_t at = (lp.first[t] + j) * m.items;
      for (std::size_t i = 0; i < m.items; ++i) {
        const double left = 1 - lp.used[t * m.items + i];
        if (left >= kGone && p > 0) lp.rate[at + i] = std::clamp(lp.x[at + i] / (p * left), 0.0, 1.0);
        y[i] = std::min(1.0, y[i] + lp.x[at + i]);
      }
    }
  }
}

// What an item is worth after period t: sum over later edges of p times the price of x <= p (1 - y).
void fill_item_prices(const BayesianMatching& m, const Edges& edges, const Program& program,
                      const allocate::LinearSolution& solution, OnlineLp& lp) {
  lp.item_price.assign(m.periods.size() * m.items, 0.0);
  for (std::size_t i = 0; i < m.items; ++i) {
    double price = 0;
    std::size_t k = edges.visits[i].size();
    for (std::size_t t = m.periods.size(); t-- > 0;) {
      lp.item_price[t * m.items + i] = price;
      if (k == 0 || edges.visits[i][k - 1].period != t) continue;
      for (const std::size_t v : edges.visits[i][--k].variables)
        price += edges.variables[v].probability * program.edge_price(solution, v);
    }
  }
}

}  // namespace

Result<void> check(const BayesianMatching& m) {
  for (std::size_t t = 0; t < m.periods.size(); ++t) {
    double sum = 0;
    for (std::size_t j = 0; j < m.periods[t].types.size(); ++j) {
      const BuyerType& type = m.periods[t].types[j];
      if (!(type.probability >= 0 && type.probability <= 1)) {
        return invalid_argument(place(t, j) + ": the probability is " + std::to_string(type.probability) +
                                "; it must be from 0 to 1");
      }
      sum += type.probability;
      if (type.value.size() != m.items) {
        return invalid_argument(place(t, j) + ": there are " + std::to_string(type.value.size()) + " values for " +
                                std::to_string(m.items) + " items");
      }
      for (std::size_t i = 0; i < m.items; ++i) {
        if (type.value[i] >= 0 && std::isfinite(type.value[i])) continue;
        return invalid_argument(place(t, j) + ": the value of item " + std::to_string(i) + " is " +
                                std::to_string(type.value[i]) + "; it must be a finite number from 0");
      }
    }
    if (sum > 1 + 1e-9) {
      return invalid_argument("period " + std::to_string(t) + ": the probabilities of its types add up to " +
                              std::to_string(sum) + "; they must leave at most 1");
    }
  }
  return {};
}

Result<OnlineLp> solve_online_lp(const BayesianMatching& m) {
  if (auto ok = check(m); !ok) return tl::unexpected(ok.error());
  OnlineLp lp{.items = m.items, .first = first_pairs(m)};
  const std::size_t pairs = lp.first.back();
  if (m.items > 0 && pairs > kMostEdges / m.items)
    return fail(ErrorCode::kExhausted, std::to_string(pairs) + " buyers and " + std::to_string(m.items) +
                                           " items make more than 20 million edges");
  lp.x.assign(pairs * m.items, 0.0);
  lp.arrival_price.assign(pairs, 0.0);
  lp.item_price.assign(m.periods.size() * m.items, 0.0);
  const Edges edges = edges_of(m, lp.first);
  if (!edges.variables.empty()) {
    const Program program(edges, pairs);
    const auto solution = program.solve();
    if (!solution) return tl::unexpected(solution.error());
    lp.objective = solution->objective;
    for (std::size_t v = 0; v < edges.variables.size(); ++v)
      lp.x[edges.variables[v].pair * m.items + edges.variables[v].item] = std::max(0.0, solution->x[v]);
    for (std::size_t k = 0; k < pairs; ++k) lp.arrival_price[k] = std::max(0.0, solution->price[k]);
    fill_item_prices(m, edges, program, *solution, lp);
  }
  fill(m, lp);
  return lp;
}

Result<OnlineLp> solution_from(const BayesianMatching& m, std::vector<double> x) {
  if (auto ok = check(m); !ok) return tl::unexpected(ok.error());
  OnlineLp lp{.items = m.items, .first = first_pairs(m), .x = std::move(x)};
  if (lp.x.size() != lp.first.back() * m.items)
    return invalid_argument("x has " + std::to_string(lp.x.size()) + " numbers; it must have one for each of " +
                            std::to_string(lp.first.back()) + " buyers and " + std::to_string(m.items) + " items");
  fill(m, lp);
  for (std::size_t t = 0; t < m.periods.size(); ++t) {
    for (std::size_t j = 0; j < m.periods[t].types.size(); ++j) {
      const BuyerType& type = m.periods[t].types[j];
      const std::size_t at = (lp.first[t] + j) * m.items;
      double sum = 0;
      for (std::size_t i = 0; i < m.items; ++i) {
        const double own = lp.x[at + i], most = type.probability * (1 - lp.used[t * m.items + i]);
        if (!(own >= 0) || own > most + 1e-7)
          return invalid_argument(place(t, j) + ": x of item " + std::to_string(i) + " is " + std::to_string(own) +
                                  "; it must be from 0 to p (1 - y) = " + std::to_string(most));
        sum += own;
        lp.objective += type.value[i] * own;
      }
      if (sum > type.probability + 1e-7)
        return invalid_argument(place(t, j) + ": x adds up to " + std::to_string(sum) +
                                ", more than the buyer's chance of " + std::to_string(type.probability));
    }
  }
  return lp;
}

}  // namespace bursar::admit
