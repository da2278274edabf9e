#include "bursar/allocate/resource_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace bursar::allocate::detail {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

class Search {
 public:
  Search(const ResourceTable& table, std::span<const double> budgets, std::span<const double> prices, double start,
         const ResourceOptions& options)
      : table_(table), shape_(table.of(0)), options_(options), prices_(prices), best_(start) {
    rank_items();
    measure_rest();
    left_.assign(budgets.begin(), budgets.end());
    current_.resize(shape_.items());
  }

  SearchResult run() {
    double priced = 0;
    for (std::size_t r = 0; r < prices_.size(); ++r) priced += prices_[r] * left_[r];
    descend(0, 0.0, priced + rest_[0]);
    out_.stop = cancelled_                        ? StopReason::kCancelled
                : out_.nodes > options_.max_nodes ? StopReason::kLimit
                                                  : StopReason::kOptimal;
    return std::move(out_);
  }

 private:
  struct Candidate {
    std::uint32_t option;
    double loss;
  };

  double cost(std::size_t r, std::size_t o) const { return table_.cost[r * table_.value.size() + o]; }

  // Options of each item by rising loss; items by falling loss of their second.
  void rank_items() {
    const std::size_t items = shape_.items();
    std::vector<double> second(items, kInfinity);
    top_.resize(items);
    candidates_.resize(items);
    for (std::size_t i = 0; i < items; ++i) {
      double top = -kInfinity;
      for (std::size_t o = shape_.begin(i); o < shape_.end(i); ++o) {
        if (!shape_.allowed(o)) continue;
        double worth = table_.value[o];
        for (std::size_t r = 0; r < prices_.size(); ++r) worth -= prices_[r] * cost(r, o);
        candidates_[i].push_back({static_cast<std::uint32_t>(o - shape_.begin(i)), worth});
        top = std::max(top, worth);
      }
      for (Candidate& c : candidates_[i]) c.loss = top - c.loss;
      std::ranges::sort(candidates_[i], {}, &Candidate::loss);
      top_[i] = top;
      if (candidates_[i].size() > 1) second[i] = candidates_[i][1].loss;
    }
    order_.resize(items);
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::ranges::stable_sort(order_, [&](std::size_t a, std::size_t b) { return second[a] > second[b]; });
  }

  // For the items from each depth on: their best priced worth, and the least each resource can get away with.
  void measure_rest() {
    const std::size_t items = order_.size(), resources = prices_.size();
    rest_.assign(items + 1, 0);
    least_.assign((items + 1) * resources, 0);
    for (std::size_t d = items; d-- > 0;) {
      const std::size_t i = order_[d];
      rest_[d] = rest_[d + 1] + top_[i];
      for (std::size_t r = 0; r < resources; ++r) {
        double cheapest = kInfinity;
        for (const Candidate& c : candidates_[i]) cheapest = std::min(cheapest, cost(r, shape_.begin(i) + c.option));
        least_[d * resources + r] = least_[(d + 1) * resources + r] + cheapest;
      }
    }
  }

  // `bound` is the dual value with the items above `depth` fixed.
  void descend(std::size_t depth, double value, double bound) {
    if (depth == order_.size()) {
      if (value > best_) {
        best_ = value;
        out_.better = true;
        out_.choice = current_;
      }
      return;
    }
    const std::size_t i = order_[depth];
    for (const Candidate& c : candidates_[i]) {
      const double here = bound - c.loss;
      if (here <= best_ + 1e-12 * std::abs(best_)) return;  // and so for all later options
      if (++out_.nodes > options_.max_nodes) return;
      if (out_.nodes % 4096 == 0 && options_.stop && options_.stop()) cancelled_ = true;
      if (cancelled_) return;
      const std::size_t o = shape_.begin(i) + c.option;
      bool fits = true;
      for (std::size_t r = 0; r < left_.size(); ++r) {
        fits &= left_[r] - cost(r, o) - least_[(depth + 1) * left_.size() + r] >= -1e-12 * std::abs(left_[r]);
      }
      if (!fits) continue;
      for (std::size_t r = 0; r < left_.size(); ++r) left_[r] -= cost(r, o);
      current_[i] = c.option;
      descend(depth + 1, value + table_.value[o], here);
      for (std::size_t r = 0; r < left_.size(); ++r) left_[r] += cost(r, o);
      if (out_.nodes > options_.max_nodes || cancelled_) return;
    }
  }

  const ResourceTable& table_;
  const ChoiceTable shape_;
  const ResourceOptions& options_;
  std::span<const double> prices_;
  double best_;
  std::vector<std::vector<Candidate>> candidates_;  // [items]
  std::vector<double> top_;                         // [items]
  std::vector<std::size_t> order_;
  std::vector<double> rest_, least_, left_;
  std::vector<std::uint32_t> current_;
  bool cancelled_ = false;
  SearchResult out_;
};

}  // namespace

SearchResult search_resources(const ResourceTable& table, std::span<const double> budgets,
                              std::span<const double> prices, double start, const ResourceOptions& options) {
  return Search(table, budgets, prices, start, options).run();
}

}  // namespace bursar::allocate::detail
