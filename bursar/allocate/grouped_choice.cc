#include "bursar/allocate/grouped_choice.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "bursar/allocate/choice_core.h"
#include "bursar/allocate/choice_hull.h"
#include "bursar/allocate/choice_pass.h"
#include "bursar/allocate/choice_relaxation.h"
#include "bursar/allocate/many_resources.h"

namespace bursar::allocate {
namespace {

struct Step {
  double slope, cost, value;
  std::uint32_t item, to;
};

// Some of the items of a table, copied.
struct SubTable {
  std::vector<std::uint32_t> item;
  std::vector<double> value, cost;
  std::vector<std::uint64_t> first{0};
  std::vector<std::uint8_t> forbidden;

  void add(const ChoiceTable& table, std::uint32_t i) {
    item.push_back(i);
    for (std::size_t o = table.begin(i); o < table.end(i); ++o) {
      value.push_back(table.value[o]);
      cost.push_back(table.cost[o]);
      if (!table.forbidden.empty()) forbidden.push_back(table.forbidden[o]);
    }
    first.push_back(value.size());
  }
  [[nodiscard]] ChoiceTable view() const {
    return {.value = value, .cost = cost, .first = first, .forbidden = forbidden};
  }
};

class Grouped {
 public:
  Grouped(const ChoiceTable& table, std::span<const std::uint32_t> group, std::span<const double> caps, double budget,
          const GroupedOptions& options)
      : table_(table), group_(group), budget_(with_tolerance(budget)), asked_(budget), options_(options) {
    for (const double c : caps) caps_.push_back(std::isinf(c) ? c : with_tolerance(c));
  }

  Result<GroupedResult> run(std::span<const double> asked_caps) {
    if (auto ok = start(asked_caps); !ok) return tl::unexpected(ok.error());
    climb();
    r_.bound = detail::reachable_bound(table_, r_.bound);
    members_.resize(caps_.size());
    for (std::size_t i = 0; i < group_.size(); ++i) members_[group_[i]].add(table_, static_cast<std::uint32_t>(i));
    for (std::size_t g = 0; g < caps_.size() && gap() > options_.relative_gap; ++g) refine(g);
    add_up();
    if (table_.value.size() <= options_.max_exact_options && caps_.size() <= 32 && gap() > options_.relative_gap)
      search();
    r_.bound = std::max(r_.bound, r_.value);
    if (!proven_)
      r_.stop = gap() <= 1e-12                   ? StopReason::kOptimal
                : gap() <= options_.relative_gap ? StopReason::kWithinGap
                                                 : StopReason::kLimit;
    return std::move(r_);
  }

 private:
  double gap() const { return relative_gap(r_.value, r_.bound); }

  // Everyone's cheapest option, the steps of the hulls, and whether the caps can be met at all.
  Result<void> start(std::span<const double> asked_caps) {
    detail::HullBuilder hull;
    r_.choice.resize(table_.items());
    r_.group_cost.assign(caps_.size(), 0);
    for (std::size_t i = 0; i < table_.items(); ++i) {
      const std::size_t begin = table_.begin(i);
      const auto vertices = hull.of(table_, i);
      r_.choice[i] = vertices[0];
      r_.cost += table_.cost[begin + vertices[0]];
      r_.value += table_.value[begin + vertices[0]];
      r_.group_cost[group_[i]] += table_.cost[begin + vertices[0]];
      for (std::size_t k = 1; k < vertices.size(); ++k) {
        const double cost = table_.cost[begin + vertices[k]] - table_.cost[begin + vertices[k - 1]];
        const double value = table_.value[begin + vertices[k]] - table_.value[begin + vertices[k - 1]];
        steps_.push_back({value / cost, cost, value, static_cast<std::uint32_t>(i), vertices[k]});
      }
    }
    for (std::size_t g = 0; g < caps_.size(); ++g) {
      if (r_.group_cost[g] <= caps_[g]) continue;
      return short_of(g, asked_caps[g]);
    }
    if (r_.cost > budget_) return detail::below_minimum(table_, asked_);
    return {};
  }

  tl::unexpected<Error> short_of(std::size_t g, double cap) const {
    std::vector<std::pair<double, std::size_t>> needs;
    for (std::size_t i = 0; i < group_.size(); ++i) {
      if (group_[i] == g) needs.emplace_back(table_.cost[table_.begin(i) + r_.choice[i]], i);
    }
    std::ranges::sort(needs, std::greater{});
    std::string message = "group " + std::to_string(g) + ": its items' cheapest options cost " +
                          to_text(r_.group_cost[g]) + " and its cap is " + to_text(cap) + ": " +
                          to_text(r_.group_cost[g] - cap) + " short; most is needed by";
    for (std::size_t k = 0; k < std::min<std::size_t>(3, needs.size()); ++k) {
      message +=
          (k == 0 ? " item " : ", item ") + std::to_string(needs[k].second) + " (" + to_text(needs[k].first) + ")";
    }
    return fail(ErrorCode::kInfeasible, message + "; raise the cap or offer cheaper options");
  }

  // Takes steps by falling slope: in fractions for the bound, in whole steps for the answer.
  void climb() {
    std::ranges::stable_sort(
        steps_, [](const Step& a, const Step& b) { return a.slope != b.slope ? a.slope > b.slope : a.item < b.item; });
    double lp_left = budget_ - r_.cost, left = lp_left;
    std::vector<double> lp_room(caps_.size()), room(caps_.size()), full_at(caps_.size(), 0);
    for (std::size_t g = 0; g < caps_.size(); ++g) lp_room[g] = room[g] = caps_[g] - r_.group_cost[g];
    std::vector<bool> missed(table_.items());
    r_.bound = r_.value;
    for (const Step& s : steps_) {
      const std::size_t g = group_[s.item];
      const double most = std::min(lp_left, lp_room[g]);
      if (most > 0) {
        const double part = std::min(s.cost, most);
        r_.bound += part == s.cost ? s.value : s.slope * part;
        if (part < s.cost) (lp_left <= lp_room[g] ? r_.price : full_at[g]) = s.slope;
        lp_left -= part;
        lp_room[g] -= part;
        if (part < s.cost && lp_left > 0) lp_room[g] = 0;
        if (part < s.cost && lp_room[g] > 0) lp_left = 0;
      }
      if (missed[s.item]) continue;
      if (s.cost > left || s.cost > room[g]) {
        missed[s.item] = true;
        continue;
      }
      left -= s.cost;
      room[g] -= s.cost;
      r_.group_cost[g] += s.cost;
      r_.cost += s.cost;
      r_.value += s.value;
      r_.choice[s.item] = s.to;
    }
    for (const double slope : full_at) r_.group_price.push_back(std::max(0.0, slope - r_.price));
  }

  // Solves a group anew within what it holds and what the budget leaves.
  void refine(std::size_t g) {
    const SubTable& members = members_[g];
    if (members.item.empty()) return;
    const double within = std::min(caps_[g], r_.group_cost[g] + std::max(0.0, budget_ - r_.cost));
    const auto better = multiple_choice(members.view(), within,
                                        {.relative_gap = 0.1 * options_.relative_gap,
                                         .max_states = options_.max_states,
                                         .max_cells = 1 << 24,
                                         .stop = options_.stop});
    double held = 0;
    for (const std::uint32_t i : members.item) held += table_.value[table_.begin(i) + r_.choice[i]];
    if (!better || better->value <= held || better->cost > caps_[g]) return;
    if (r_.cost - r_.group_cost[g] + better->cost > budget_) return;
    for (std::size_t k = 0; k < members.item.size(); ++k) r_.choice[members.item[k]] = better->choice[k];
    r_.cost += better->cost - r_.group_cost[g];
    r_.value += better->value - held;
    r_.group_cost[g] = better->cost;
  }

  void search() {
    const std::size_t options = table_.value.size();
    std::vector<double> cost(table_.cost.begin(), table_.cost.end()), budgets{asked_};
    for (std::size_t g = 0; g < caps_.size(); ++g) {
      if (std::isinf(caps_[g])) continue;
      budgets.push_back(caps_[g]);
      const std::size_t at = cost.size();
      cost.resize(at + options);
      for (const std::uint32_t i : members_[g].item) {
        for (std::size_t o = table_.begin(i); o < table_.end(i); ++o) cost[at + o] = table_.cost[o];
      }
    }
    const auto exact = many_resources({.value = table_.value,
                                       .cost = cost,
                                       .resources = budgets.size(),
                                       .first = table_.first,
                                       .width = table_.width,
                                       .forbidden = table_.forbidden},
                                      budgets,
                                      {.relative_gap = options_.relative_gap,
                                       .max_search_items = options,
                                       .max_nodes = options_.max_nodes,
                                       .stop = options_.stop});
    if (!exact || exact->value < r_.value) return;
    r_.choice = exact->choice;
    r_.bound = std::min(r_.bound, exact->bound);
    add_up();
    r_.stop = exact->stop;
    proven_ = exact->stop == StopReason::kOptimal;
  }

  void add_up() {
    long double value = 0, cost = 0;
    std::ranges::fill(r_.group_cost, 0.0);
    for (std::size_t i = 0; i < r_.choice.size(); ++i) {
      const std::size_t o = table_.begin(i) + r_.choice[i];
      value += table_.value[o];
      cost += table_.cost[o];
      r_.group_cost[group_[i]] += table_.cost[o];
    }
    r_.value = static_cast<double>(value);
    r_.cost = static_cast<double>(cost);
  }

  const ChoiceTable& table_;
  std::span<const std::uint32_t> group_;
  std::vector<double> caps_;
  const double budget_, asked_;
  const GroupedOptions& options_;
  std::vector<Step> steps_;
  std::vector<SubTable> members_;
  GroupedResult r_;
  bool proven_ = false;
};

Result<void> check(const ChoiceTable& table, std::span<const std::uint32_t> group, std::span<const double> caps,
                   double budget) {
  if (auto ok = detail::check_shape(table, budget); !ok) return ok;
  if (group.size() != table.items()) {
    return invalid_argument("there are " + std::to_string(group.size()) + " group numbers for " +
                            std::to_string(table.items()) + " items");
  }
  for (std::size_t i = 0; i < group.size(); ++i) {
    if (group[i] >= caps.size()) {
      return invalid_argument("item " + std::to_string(i) + ": group is " + std::to_string(group[i]) +
                              " and there are " + std::to_string(caps.size()) + " groups");
    }
  }
  for (std::size_t g = 0; g < caps.size(); ++g) {
    if (std::isnan(caps[g]) || caps[g] < -kLargestNumber) {
      return invalid_argument("group " + std::to_string(g) + ": cap is " + to_text(caps[g]) +
                              "; it must be a number, or infinite for none");
    }
  }
  detail::ChoicePass pass(table);
  for (std::size_t from = 0; from < table.items(); from += detail::kBlockItems) {
    if (const auto bad = pass.bad_number(from, std::min(from + detail::kBlockItems, table.items())))
      return detail::bad_number(table, *bad);
  }
  return {};
}

}  // namespace

Result<GroupedResult> grouped_choice(const ChoiceTable& table, std::span<const std::uint32_t> group,
                                     std::span<const double> caps, double budget, const GroupedOptions& options) {
  if (auto ok = check(table, group, caps, budget); !ok) return tl::unexpected(ok.error());
  return Grouped(table, group, caps, budget, options).run(caps);
}

}  // namespace bursar::allocate
