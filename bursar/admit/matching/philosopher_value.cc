#include "bursar/admit/matching/philosopher_value.h"

#include <algorithm>
#include <span>
#include <string>

namespace bursar::admit {
namespace {

std::vector<std::uint8_t> flags_of(std::uint32_t free, std::size_t items) {
  std::vector<std::uint8_t> out(items);
  for (std::size_t i = 0; i < items; ++i) out[i] = static_cast<std::uint8_t>(free >> i & 1U);
  return out;
}

double earned_now(const ProposalPlan& plan, std::size_t t, std::uint32_t free) {
  double sum = 0;
  for (std::size_t j = 0; j < plan.types(t); ++j) {
    double left = 1;
    for (const Proposal& own : plan.proposals(t, j)) {
      if ((free >> own.item & 1U) == 0) continue;
      const double now = std::min(left, own.rate);
      sum += plan.probability(t, j) * now * own.worth;
      left -= now;
    }
  }
  return sum;
}

// One type: every item of S leaves with probability p, independently (the best one when the buyer comes). Carries the
// chance of (undecided item, items gone so far) through the sampling; the undecided mass is the same in all branches.
class OneTypeStep {
 public:
  OneTypeStep(const ProposalPlan& plan, std::size_t t, std::span<const double> later, std::uint32_t free)
      : p_(plan.probability(t, 0)), later_(later), free_(free) {
    for (const Proposal& own : plan.proposals(t, 0)) {
      if ((free >> own.item & 1U) != 0) rows_.push_back(own);
    }
  }

  double expected_later() {
    const std::size_t n = rows_.size();
    std::vector<double> chance((n + 1) << n, 0.0), next;  // [undecided position, n: none][gone, by position]
    chance[n << n] = 1;
    double mass = 0;
    bool open = false;
    for (std::size_t k = 0; k < n; ++k) {
      next.assign(chance.size(), 0.0);
      for (std::size_t at = 0; at < chance.size(); ++at) {
        if (chance[at] > 0) meet(k, at >> n, at & ((std::size_t{1} << n) - 1), chance[at], mass, next);
      }
      const double b = rows_[k].rate;
      if (b < 1) mass = open ? (mass + b <= 1 ? mass + b : mass + b - 1) : b;
      open = open || b < 1;
      chance.swap(next);
    }
    double sum = 0;
    for (std::size_t at = 0; at < chance.size(); ++at) {
      if (chance[at] <= 0) continue;
      const std::size_t undecided = at >> n, gone = at & ((std::size_t{1} << n) - 1);
      const double leaves = undecided < n ? mass * p_ : 0;
      sum += chance[at] * (1 - leaves) * later_of(gone);
      if (leaves > 0) sum += chance[at] * leaves * later_of(gone | std::size_t{1} << undecided);
    }
    return sum;
  }

 private:
  [[nodiscard]] double later_of(std::size_t gone) const {
    std::uint32_t free = free_;
    for (std::size_t k = 0; k < rows_.size(); ++k) {
      if ((gone >> k & 1U) != 0) free &= ~(1U << rows_[k].item);
    }
    return later_[free];
  }

  void add(std::vector<double>& next, std::size_t undecided, std::size_t gone, double chance) const {
    next[(undecided << rows_.size()) + gone] += chance;
  }
  void choose(std::vector<double>& next, std::size_t chosen, std::size_t undecided, std::size_t gone,
              double chance) const {
    add(next, undecided, gone | std::size_t{1} << chosen, chance * p_);
    add(next, undecided, gone, chance * (1 - p_));
  }

  void meet(std::size_t k, std::size_t undecided, std::size_t gone, double chance, double a,
            std::vector<double>& next) const {
    const double b = rows_[k].rate;
    if (b >= 1) return choose(next, k, undecided, gone, chance);
    if (undecided == rows_.size()) return add(next, k, gone, chance);
    if (a + b <= 1) {
      add(next, undecided, gone, chance * a / (a + b));
      add(next, k, gone, chance * b / (a + b));
      return;
    }
    const double first = (1 - b) / (2 - a - b);
    choose(next, undecided, k, gone, chance * first);
    choose(next, k, undecided, gone, chance * (1 - first));
  }

  double p_ = 0;
  std::span<const double> later_;
  std::uint32_t free_ = 0;
  std::vector<Proposal> rows_;
};

// Several types: item i is matched with probability m_i, and every other free item then leaves with probability d_i.
// sum_i m_i E[V | i and discards gone] + (1 - sum m) E[V | discards gone], folded one item at a time.
double expected_later_of_types(const ProposalPlan& plan, std::size_t t, std::span<const double> later,
                               std::uint32_t free) {
  std::vector<double> matched(plan.items(), 0.0);
  const auto flags = flags_of(free, plan.items());
  for (std::size_t j = 0; j < plan.types(t); ++j) plan.add_match_chances(t, j, flags, matched);
  std::vector<std::size_t> items;
  double nobody = 1;
  for (std::size_t i = 0; i < plan.items(); ++i) {
    if (flags[i] == 0 || (matched[i] <= 0 && plan.leaves(t, i) <= 0)) continue;
    items.push_back(i);
    nobody -= matched[i];
  }
  const std::size_t states = std::size_t{1} << items.size();
  std::vector<double> none(states), one(states, 0.0);
  for (std::size_t s = 0; s < states; ++s) {
    std::uint32_t left = free;
    for (std::size_t k = 0; k < items.size(); ++k) {
      if ((s >> k & 1U) != 0) left &= ~(1U << items[k]);
    }
    none[s] = later[left];
  }
  for (std::size_t k = items.size(); k-- > 0;) {
    const double m = matched[items[k]];
    const double d = m >= 1 ? 0 : std::clamp((plan.leaves(t, items[k]) - m) / (1 - m), 0.0, 1.0);
    const std::size_t bit = std::size_t{1} << k;
    for (std::size_t s = 0; s < bit; ++s) {
      one[s] = (1 - d) * one[s] + d * one[s | bit] + m * none[s | bit];
      none[s] = (1 - d) * none[s] + d * none[s | bit];
    }
  }
  return one[0] + nobody * none[0];
}

}  // namespace

Result<PhilosopherValue> PhilosopherValue::tabulate(const ProposalPlan& plan) {
  const std::size_t items = plan.items();
  if (items > kMostItems || plan.periods() + 1 > kMostCells >> items) {
    return invalid_argument("a table of " + std::to_string(items) + " items and " + std::to_string(plan.periods()) +
                            " periods is too large; 16 items and 2^26 cells at most");
  }
  if (plan.how() != Proposals::kPivotal) return invalid_argument("the table is of pivotal proposals alone");
  PhilosopherValue out;
  out.items_ = items;
  const std::size_t subsets = std::size_t{1} << items;
  out.value_.assign((plan.periods() + 1) << items, 0.0);
  for (std::size_t t = plan.periods(); t-- > 0;) {
    const std::span<const double> later(out.value_.data() + ((t + 1) << items), subsets);
    for (std::size_t free = 0; free < subsets; ++free) {
      const auto mask = static_cast<std::uint32_t>(free);
      double rest = later[free];
      if (plan.types(t) == 1) rest = OneTypeStep(plan, t, later, mask).expected_later();
      if (plan.types(t) > 1) rest = expected_later_of_types(plan, t, later, mask);
      out.value_[(t << items) + free] = earned_now(plan, t, mask) + rest;
    }
  }
  return out;
}

}  // namespace bursar::admit
