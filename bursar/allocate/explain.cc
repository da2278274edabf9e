#include <algorithm>
#include <cmath>
#include <span>

#include "bursar/allocate/choice_hull.h"
#include "bursar/allocate/problem.h"

namespace bursar::allocate {
namespace {

class Explainer {
 public:
  Explainer(const Problem& p, const Allocation& a, std::size_t item)
      : p_(p),
        a_(a),
        item_(item),
        begin_(p.first.empty() ? item * p.width : p.first[item]),
        count_((p.first.empty() ? begin_ + p.width : p.first[item + 1]) - begin_) {}

  Explanation run() {
    e_.item = item_;
    e_.chosen = a_.choice[item_];
    for (std::size_t k = 0; k < count_; ++k) e_.options.push_back(measure(k));
    mark_hull();
    for (std::size_t k = 0; k < count_; ++k) judge(k);
    write();
    return std::move(e_);
  }

 private:
  double cost(std::size_t r, std::size_t k) const { return p_.cost[r * p_.value.size() + begin_ + k]; }
  double worth_sign() const { return p_.minimise ? -1.0 : 1.0; }
  bool available(std::size_t k) const {
    return (p_.forbidden.empty() || p_.forbidden[begin_ + k] == 0) &&
           (p_.minimum.empty() || cost(0, k) >= p_.minimum[item_]);
  }

  OptionReport measure(std::size_t k) const {
    OptionReport r{.value = p_.value[begin_ + k]};
    r.worth = worth_sign() * r.value;
    for (std::size_t c = 0; c < a_.price.size(); ++c) {
      r.cost.push_back(cost(c, k));
      r.worth -= a_.price[c] * r.cost.back();
    }
    if (!a_.group_price.empty()) r.worth -= a_.group_price[p_.group[item_]] * cost(0, k);
    return r;
  }

  // Positions on the hull, and the prices at which the item would move along it.
  void mark_hull() {
    on_hull_.assign(count_, a_.price.size() > 1);
    if (a_.price.size() > 1) return;
    std::vector<double> value;
    std::vector<std::uint8_t> out;
    for (std::size_t k = 0; k < count_; ++k) {
      value.push_back(worth_sign() * p_.value[begin_ + k]);
      out.push_back(available(k) ? 0 : 1);
    }
    detail::HullBuilder builder;
    const auto hull = builder.of(value.data(), p_.cost.data() + begin_, out.data(), count_);
    for (const std::uint32_t k : hull) on_hull_[k] = true;
    const double own = cost(0, e_.chosen);
    for (const std::uint32_t k : hull) {
      if (k == e_.chosen) continue;
      const double slope = (value[k] - value[e_.chosen]) / (cost(0, k) - own);
      if (cost(0, k) > own) e_.more_below = std::max(e_.more_below, slope);
      if (cost(0, k) < own) e_.less_above = std::min(e_.less_above, slope);
    }
  }

  bool dominated(std::size_t k) const {
    for (std::size_t j = 0; j < count_; ++j) {
      if (j == k || !available(j)) continue;
      bool cheaper = true, same = p_.value[begin_ + j] == p_.value[begin_ + k];
      for (std::size_t r = 0; r < a_.price.size(); ++r) {
        cheaper &= cost(r, j) <= cost(r, k);
        same &= cost(r, j) == cost(r, k);
      }
      if (cheaper && worth_sign() * (p_.value[begin_ + j] - p_.value[begin_ + k]) >= 0 && (!same || j < k)) return true;
    }
    return false;
  }

  void judge(std::size_t k) {
    OptionStatus& s = e_.options[k].status;
    if (k == e_.chosen) {
      s = OptionStatus::kChosen;
    } else if (!p_.forbidden.empty() && p_.forbidden[begin_ + k] != 0) {
      s = OptionStatus::kForbidden;
    } else if (!available(k)) {
      s = OptionStatus::kBelowMinimum;
    } else if (dominated(k)) {
      s = OptionStatus::kDominated;
    } else if (!on_hull_[k]) {
      s = OptionStatus::kOffHull;
    } else {
      s = e_.options[k].worth < e_.options[e_.chosen].worth ? OptionStatus::kPricedOut : OptionStatus::kUnaffordable;
    }
  }

  std::string option_name(std::size_t k) const {
    std::string name = "option " + std::to_string(k);
    if (p_.option_names.empty()) return name;
    const std::size_t at = p_.option_names.size() == p_.value.size() ? begin_ + k : k;
    return name + " (" + p_.option_names[at] + ")";
  }

  void write() {
    std::string& t = e_.text;
    t = "item " + std::to_string(item_) + (p_.item_names.empty() ? "" : " (" + p_.item_names[item_] + ")") + " takes " +
        option_name(e_.chosen) + ": " + (p_.minimise ? "loss " : "value ") + to_text(e_.options[e_.chosen].value);
    for (std::size_t r = 0; r < a_.price.size(); ++r) {
      t += (r == 0 ? ", cost " : " and ") + to_text(cost(r, e_.chosen));
      if (!p_.resource_names.empty()) t += " " + p_.resource_names[r];
      t += " at a price of " + to_text(a_.price[r]);
    }
    t += ".";
    if (a_.price.size() == 1 && e_.more_below > 0)
      t += " Below a price of " + to_text(e_.more_below) + " it would take more.";
    if (a_.price.size() == 1 && std::isfinite(e_.less_above))
      t += " Above a price of " + to_text(e_.less_above) + " it would take less.";
    for (std::size_t k = 0; k < count_; ++k) {
      if (k == e_.chosen) continue;
      t += " " + option_name(k) + " is " + std::string(name_of(e_.options[k].status));
      if (e_.options[k].status == OptionStatus::kPricedOut)
        t += " by " + to_text(e_.options[e_.chosen].worth - e_.options[k].worth);
      t += ".";
    }
  }

  const Problem& p_;
  const Allocation& a_;
  const std::size_t item_, begin_, count_;
  std::vector<bool> on_hull_;
  Explanation e_;
};

}  // namespace

std::string_view name_of(OptionStatus status) {
  switch (status) {
    case OptionStatus::kChosen: return "chosen";
    case OptionStatus::kForbidden: return "forbidden";
    case OptionStatus::kBelowMinimum: return "below the item's minimum";
    case OptionStatus::kDominated: return "dominated";
    case OptionStatus::kOffHull: return "beaten by a mixture of others at every price";
    case OptionStatus::kPricedOut: return "priced out";
    case OptionStatus::kUnaffordable: return "worth its price but beyond what the budget leaves";
  }
  return "priced out";
}

Result<Explanation> explain(const Problem& problem, const Allocation& allocation, std::size_t item) {
  const std::size_t items = problem.items();
  if (item >= items)
    return invalid_argument("item is " + std::to_string(item) + " and the problem has " + std::to_string(items));
  const std::size_t begin = problem.first.empty() ? item * problem.width : problem.first[item];
  const std::size_t end = problem.first.empty() ? begin + problem.width : problem.first[item + 1];
  const bool groups_fit = allocation.group_price.empty() || allocation.group_price.size() == problem.groups.size();
  if (allocation.choice.size() != items || allocation.choice[item] >= end - begin || !groups_fit ||
      problem.cost.size() != allocation.price.size() * problem.value.size()) {
    return invalid_argument("the allocation is not one of this problem");
  }
  return Explainer(problem, allocation, item).run();
}

}  // namespace bursar::allocate
