#include "bursar/admit/matching/configuration_pricing.h"

#include <algorithm>
#include <numeric>

namespace bursar::admit {
namespace {

// Depth-first search over the slots in rising beta / p: take or leave each.
class TruncatedSearch {
 public:
  TruncatedSearch(const GoalView& goal, std::span<const double> slot_price, std::size_t max_nodes)
      : weight_(goal.weight), left_(max_nodes) {
    for (std::size_t k = 0; k < goal.slots.size(); ++k) {
      items_.push_back({.position = k, .p = goal.slots[k].probability, .cost = slot_price[goal.slots[k].slot]});
    }
    std::ranges::sort(items_, [](const Item& a, const Item& b) {
      if (a.cost * b.p != b.cost * a.p) return a.cost * b.p < b.cost * a.p;
      return a.p != b.p ? a.p > b.p : a.position < b.position;
    });
    taken_.assign(items_.size(), false);
  }

  void run() {
    most_ = relaxed(0, 0, 0);
    descend(0, 0, 0);
    if (left_ > 0) most_ = best_gain_;
  }

  [[nodiscard]] std::vector<std::size_t> best() const {
    std::vector<std::size_t> out;
    for (std::size_t k = 0; k < items_.size(); ++k) {
      if (k < best_.size() && best_[k]) out.push_back(items_[k].position);
    }
    std::ranges::sort(out);
    return out;
  }
  [[nodiscard]] double gain() const { return best_gain_; }
  [[nodiscard]] double most() const { return std::max(most_, best_gain_); }

 private:
  struct Item {
    std::size_t position = 0;
    double p = 0, cost = 0;
  };

  // Best with the slots from k on, in fractions: each is worth w p - beta until the sum reaches 1.
  [[nodiscard]] double relaxed(std::size_t k, double sum, double cost) const {
    double gain = weight_ * std::min(1.0, sum) - cost;
    for (; k < items_.size() && sum < 1; ++k) {
      const Item& item = items_[k];
      if (item.cost >= weight_ * item.p) break;
      const double share = std::min(1.0, (1 - sum) / item.p);
      gain += share * (weight_ * item.p - item.cost);
      sum += item.p;
    }
    return gain;
  }

  void descend(std::size_t k, double sum, double cost) {
    if (left_ == 0) return;
    --left_;
    const double gain = weight_ * std::min(1.0, sum) - cost;
    if (gain > best_gain_) best_gain_ = gain, best_ = taken_;
    if (k == items_.size() || sum >= 1) return;
    if (relaxed(k, sum, cost) <= best_gain_ + 1e-13 * weight_) return;
    taken_[k] = true;
    descend(k + 1, sum + items_[k].p, cost + items_[k].cost);
    taken_[k] = false;
    // Leaving this one, leave those that are the same and no cheaper.
    std::size_t next = k + 1;
    while (next < items_.size() && items_[next].p == items_[k].p) ++next;
    descend(next, sum, cost);
  }

  double weight_ = 0;
  std::size_t left_ = 0;
  std::vector<Item> items_;
  std::vector<bool> taken_, best_;
  double best_gain_ = 0, most_ = 0;
};

}  // namespace

Configuration price_stochastic(const GoalView& goal, std::span<const double> slot_price) {
  const std::size_t n = goal.slots.size();
  std::vector<bool> take(n, false);
  double gain = 0;
  for (std::size_t k = n; k-- > 0;) {
    const double p = goal.slots[k].probability;
    const double with = p * goal.weight - slot_price[goal.slots[k].slot] + (1 - p) * gain;
    take[k] = with > gain;
    gain = std::max(gain, with);
  }
  Configuration out{.gain = gain, .most_gain = gain};
  double alive = 1;
  for (std::size_t k = 0; k < n; ++k) {
    if (!take[k] || alive <= 0) continue;
    out.slot.push_back(goal.slots[k].slot);
    out.use.push_back(alive);
    alive *= 1 - goal.slots[k].probability;
  }
  out.worth = goal.weight * (1 - alive);
  return out;
}

Configuration price_truncated(const GoalView& goal, std::span<const double> slot_price, std::size_t max_nodes) {
  TruncatedSearch search(goal, slot_price, max_nodes);
  search.run();
  Configuration out{.gain = search.gain(), .most_gain = search.most()};
  double sum = 0;
  for (const std::size_t k : search.best()) {
    out.slot.push_back(goal.slots[k].slot);
    out.use.push_back(1);
    sum += goal.slots[k].probability;
  }
  out.worth = goal.weight * std::min(1.0, sum);
  return out;
}

}  // namespace bursar::admit
