#include "bursar/allocate/many_resources.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "bursar/allocate/choice_core.h"
#include "bursar/allocate/choice_pass.h"
#include "bursar/allocate/choice_relaxation.h"
#include "bursar/allocate/resource_prices.h"
#include "bursar/allocate/resource_search.h"

namespace bursar::allocate {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kMostRounds = 50;
constexpr double kRounding = 1e-12;  // of the dual value: a gap this small is none

Result<void> check(const ResourceTable& table, std::span<const double> budgets) {
  if (table.resources == 0 || table.resources > ResourceTable::kMostResources || budgets.size() != table.resources) {
    return invalid_argument("there are " + std::to_string(table.resources) + " resources and " +
                            std::to_string(budgets.size()) + " budgets; both must be the same, from 1 to 256");
  }
  if (table.cost.size() != table.resources * table.value.size()) {
    return invalid_argument("there are " + std::to_string(table.cost.size()) + " costs for " +
                            std::to_string(table.value.size()) + " options and " + std::to_string(table.resources) +
                            " resources; every option needs one of each");
  }
  for (std::size_t r = 0; r < table.resources; ++r) {
    const ChoiceTable one = table.of(r);
    const auto named = [&](Error e) {
      return tl::unexpected(with_context("resource " + std::to_string(r), std::move(e)));
    };
    if (auto ok = detail::check_shape(one, budgets[r]); !ok) return named(ok.error());
    detail::ChoicePass pass(one);
    long double least = 0;
    for (std::size_t from = 0; from < one.items(); from += detail::kBlockItems) {
      const std::size_t to = std::min(from + detail::kBlockItems, one.items());
      if (const auto bad = pass.bad_number(from, to)) return named(detail::bad_number(one, *bad).value());
      for (std::size_t i = from; i < to; ++i) {
        double cheapest = kInfinity;
        for (std::size_t o = one.begin(i); o < one.end(i); ++o) {
          if (one.allowed(o)) cheapest = std::min(cheapest, one.cost[o]);
        }
        least += cheapest;
      }
    }
    if (least > with_tolerance(budgets[r])) return named(detail::below_minimum(one, budgets[r]).value());
  }
  return {};
}

struct Move {
  double score;
  std::uint32_t item;
  std::uint32_t to;
};

// Turns a choice at prices into one within the budgets, then uses what they leave.
class Repair {
 public:
  Repair(const ResourceTable& table, std::span<const double> budgets, const std::vector<double>& price,
         std::vector<std::uint32_t>& choice)
      : table_(table), shape_(table.of(0)), budgets_(budgets), price_(price), choice_(choice), used_(budgets.size()) {
    for (std::size_t r = 0; r < budgets.size(); ++r) {
      long double total = 0;
      double size = std::abs(budgets[r]);
      for (std::size_t i = 0; i < choice.size(); ++i) total += cost(r, shape_.begin(i) + choice[i]);
      used_[r] = static_cast<double>(total);
      if (size == 0) size = std::max(1.0, std::abs(used_[r]));
      unit_.push_back(1 / size);
      limit_.push_back(with_tolerance(budgets[r]));
    }
  }

  bool feasible() const {
    for (std::size_t r = 0; r < used_.size(); ++r) {
      if (used_[r] > limit_[r]) return false;
    }
    return true;
  }

  bool repair() {
    for (int round = 0; round < kMostRounds && !feasible(); ++round) {
      if (!apply(best_moves(false), false)) return false;
    }
    return feasible();
  }

  void fill() {
    for (int round = 0; round < kMostRounds && apply(best_moves(true), true); ++round) {
    }
  }

 private:
  double cost(std::size_t r, std::size_t option) const { return table_.cost[r * table_.value.size() + option]; }

  // By how much the overrun, in shares of the budgets, shrinks when the item moves.
  double relief(std::size_t from, std::size_t to) const {
    double total = 0;
    for (std::size_t r = 0; r < used_.size(); ++r) {
      const double over = used_[r] - limit_[r], more = cost(r, to) - cost(r, from);
      total += unit_[r] * (std::max(0.0, over) - std::max(0.0, over + more));
    }
    return total;
  }

  bool fits(std::size_t from, std::size_t to) const {
    for (std::size_t r = 0; r < used_.size(); ++r) {
      if (used_[r] + (cost(r, to) - cost(r, from)) > limit_[r]) return false;
    }
    return true;
  }

  double worth(std::size_t option) const {
    double w = table_.value[option];
    for (std::size_t r = 0; r < used_.size(); ++r) w -= price_[r] * cost(r, option);
    return w;
  }

  // One move an item: the least loss per relief, or the most value that fits.
  std::vector<Move> best_moves(bool filling) const {
    std::vector<Move> moves;
    for (std::size_t i = 0; i < choice_.size(); ++i) {
      const std::size_t from = shape_.begin(i) + choice_[i];
      Move best{kInfinity, static_cast<std::uint32_t>(i), choice_[i]};
      for (std::size_t o = shape_.begin(i); o < shape_.end(i); ++o) {
        if (o == from || !shape_.allowed(o)) continue;
        double score = kInfinity;
        if (filling) {
          if (table_.value[o] > table_.value[from] && fits(from, o)) score = table_.value[from] - table_.value[o];
        } else if (const double less = relief(from, o); less > 0) {
          score = std::max(0.0, worth(from) - worth(o)) / less;
        }
        if (score < best.score) best = {score, best.item, static_cast<std::uint32_t>(o - shape_.begin(i))};
      }
      if (best.score < kInfinity) moves.push_back(best);
    }
    std::ranges::sort(
        moves, [](const Move& a, const Move& b) { return a.score != b.score ? a.score < b.score : a.item < b.item; });
    return moves;
  }

  bool apply(const std::vector<Move>& moves, bool filling) {
    bool any = false;
    for (const Move& m : moves) {
      const std::size_t from = shape_.begin(m.item) + choice_[m.item], to = shape_.begin(m.item) + m.to;
      if (filling ? !fits(from, to) : relief(from, to) <= 0) continue;
      for (std::size_t r = 0; r < used_.size(); ++r) used_[r] += cost(r, to) - cost(r, from);
      choice_[m.item] = m.to;
      any = true;
      if (!filling && feasible()) break;
    }
    return any;
  }

  const ResourceTable& table_;
  const ChoiceTable shape_;
  std::span<const double> budgets_;
  const std::vector<double>& price_;
  std::vector<std::uint32_t>& choice_;
  std::vector<double> used_, unit_, limit_;
};

// From the prices, and where that cannot be repaired from higher and higher ones.
bool construct(const ResourceTable& table, std::span<const double> budgets, const std::vector<double>& price,
               std::vector<std::uint32_t>& choice) {
  std::vector<double> dearer = price;
  for (std::size_t r = 0; r < dearer.size(); ++r) {
    if (dearer[r] == 0) dearer[r] = 1e-9;
  }
  for (int attempt = 0; attempt < 40; ++attempt) {
    detail::evaluate_dual(table, budgets, attempt == 0 ? price : dearer, choice.data(), {});
    Repair repair(table, budgets, price, choice);
    if (repair.repair()) {
      repair.fill();
      return true;
    }
    for (double& p : dearer) p *= 1.5 + attempt;
  }
  return false;
}

void add_up(const ResourceTable& table, ResourceResult& r) {
  const ChoiceTable shape = table.of(0);
  long double value = 0;
  for (std::size_t i = 0; i < r.choice.size(); ++i) value += table.value[shape.begin(i) + r.choice[i]];
  r.value = static_cast<double>(value);
  r.cost.assign(table.resources, 0);
  for (std::size_t k = 0; k < table.resources; ++k) {
    long double cost = 0;
    for (std::size_t i = 0; i < r.choice.size(); ++i)
      cost += table.cost[k * table.value.size() + shape.begin(i) + r.choice[i]];
    r.cost[k] = static_cast<double>(cost);
  }
}

}  // namespace

double dual_value(const ResourceTable& table, std::span<const double> budgets, std::span<const double> prices) {
  return detail::evaluate_dual(table, budgets, prices, nullptr, {});
}

Result<ResourceResult> many_resources(const ResourceTable& table, std::span<const double> budgets,
                                      const ResourceOptions& options) {
  if (auto ok = check(table, budgets); !ok) return tl::unexpected(ok.error());
  const std::size_t items = table.of(0).items();
  ResourceResult r{.price = std::vector<double>(table.resources, 0.0)};
  if (items == 0) {
    r.cost.assign(table.resources, 0);
    return r;
  }
  std::vector<double> allowed;
  for (const double b : budgets) allowed.push_back(with_tolerance(b));
  const bool small = table.value.size() * (table.resources + 1) <= options.max_lp_entries;
  auto dual = small ? detail::price_by_linear_program(table, allowed)
                    : detail::price_by_cutting_planes(table, allowed, options);
  if (!dual && dual.error().code == ErrorCode::kInfeasible) {
    return fail(ErrorCode::kInfeasible, "each budget alone can be met, and all " + std::to_string(table.resources) +
                                            " together cannot, not even by mixtures of options; raise one of them");
  }
  if (!dual) dual = detail::price_by_cutting_planes(table, allowed, options);
  if (!dual) return tl::unexpected(dual.error());
  r.price = dual->price;
  r.probes = dual->probes;
  r.bound = detail::reachable_bound(table.of(0), dual->value);
  r.choice.resize(items);
  const bool found = construct(table, allowed, r.price, r.choice);
  if (found) add_up(table, r);
  const double start = found ? r.value : -kInfinity;
  r.stop = StopReason::kLimit;
  const double enough = std::max(kRounding, options.relative_gap);
  if (items <= options.max_search_items && !(found && relative_gap(r.value, r.bound) <= enough)) {
    const auto search = detail::search_resources(table, allowed, r.price, start, options);
    r.nodes = search.nodes;
    r.stop = search.stop;
    if (search.better) r.choice = search.choice;
    if (!search.better && !found && search.stop == StopReason::kOptimal) {
      return fail(ErrorCode::kInfeasible, "no choice is within all " + std::to_string(table.resources) +
                                              " budgets, though mixtures of options are; raise one of them");
    }
    if (!search.better && !found) {
      return fail(ErrorCode::kExhausted, "no choice within all budgets was found in " + std::to_string(search.nodes) +
                                             " nodes; raise max_nodes or a budget");
    }
    add_up(table, r);
    if (r.stop == StopReason::kOptimal) r.bound = r.value;
  } else if (!found) {
    return fail(ErrorCode::kExhausted,
                "no choice within all budgets was found by repair; raise a budget or max_search_items");
  }
  r.bound = std::max(r.bound, r.value);
  if (r.stop == StopReason::kLimit) {
    const double gap = relative_gap(r.value, r.bound);
    if (gap <= options.relative_gap) r.stop = StopReason::kWithinGap;
    if (gap <= kRounding) r.stop = StopReason::kOptimal;
  }
  return r;
}

}  // namespace bursar::allocate
