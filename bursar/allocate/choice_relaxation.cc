#include "bursar/allocate/choice_relaxation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "bursar/allocate/choice_hull.h"
#include "bursar/allocate/choice_pass.h"

namespace bursar::allocate::detail {
namespace {

constexpr std::size_t kDirectOptions = 1 << 17;  // below it every item is solved exactly at once
constexpr std::size_t kSampleItems = 1 << 14;
constexpr int kMaxRounds = 12;
constexpr double kTie = 1e-9;

struct Step {
  double slope;  // value per cost
  double cost;
  double value;
  std::uint32_t item;
  std::uint32_t to;
};

bool taken_earlier(const Step& a, const Step& b) { return a.slope != b.slope ? a.slope > b.slope : a.item < b.item; }

// What one pass at two prices a < b found.
struct Narrowed {
  double cost_a = 0;  // total at the lower price: the larger total
  double cost_b = 0;
  long double settled_cost = 0;
  long double settled_value = 0;
  std::vector<std::uint32_t> open;  // items that differ between a and b
};

class Relaxer {
 public:
  Relaxer(const ChoiceTable& table, double budget)
      : table_(table), asked_(budget), budget_(with_tolerance(budget)), pass_(table) {}

  Result<Relaxation> run();

 private:
  struct Interval {
    double low;
    double high;
  };

  [[nodiscard]] std::size_t open_count() const { return all_open_ ? table_.items() : open_.size(); }
  [[nodiscard]] std::size_t open_item(std::size_t j) const { return all_open_ ? j : open_[j]; }
  Interval propose(double sigmas);
  Result<Narrowed> narrow(Interval at);
  void settle_block(std::size_t from, std::size_t to, Narrowed& out);
  double add_steps(std::size_t item, std::vector<Step>& steps, std::uint32_t* base);
  Result<void> check_numbers(std::size_t from, std::size_t to);
  Result<Relaxation> solve_open();
  void fill(std::span<const Step> steps, Relaxation& r);

  const ChoiceTable& table_;
  const double asked_;
  const double budget_;  // with its tolerance
  ChoicePass pass_;
  HullBuilder hull_;
  Relaxation result_;
  bool checked_ = false;

  // p* lies in (low_, high_]; open_ are the items whose option may differ within it, the others are settled.
  double low_ = 0;
  double high_ = kInfinitePrice;
  double cost_high_ = std::numeric_limits<double>::quiet_NaN();  // total at high_, once a pass has measured it
  bool all_open_ = true;
  std::vector<std::uint32_t> open_;
  long double settled_cost_ = 0;
  long double settled_value_ = 0;
  std::vector<std::uint32_t> at_a_, at_b_;
};

// The item's option just above high_, and its steps with slopes in (low_, high_]. Returns the base option's cost.
double Relaxer::add_steps(std::size_t item, std::vector<Step>& steps, std::uint32_t* base) {
  const std::size_t begin = table_.begin(item);
  const auto vertices = hull_.of(table_, item);
  const double* value = table_.value.data() + begin;
  const double* cost = table_.cost.data() + begin;
  std::size_t at = 0;
  const auto slope_to_next = [&] {
    return (value[vertices[at + 1]] - value[vertices[at]]) / (cost[vertices[at + 1]] - cost[vertices[at]]);
  };
  while (at + 1 < vertices.size() && slope_to_next() > high_) ++at;
  *base = vertices[at];
  const std::size_t first = steps.size();
  for (; at + 1 < vertices.size(); ++at) {
    const std::uint32_t from = vertices[at], to = vertices[at + 1];
    const double slope = slope_to_next();
    if (slope <= low_) break;
    const double more_cost = cost[to] - cost[from], more_value = value[to] - value[from];
    // Rounding can make two slopes equal that are not: as one step they stay in order.
    if (steps.size() > first && slope >= steps.back().slope) {
      steps.back().cost += more_cost;
      steps.back().value += more_value;
      steps.back().to = to;
    } else {
      steps.push_back({slope, more_cost, more_value, static_cast<std::uint32_t>(item), to});
    }
  }
  return cost[*base];
}

// An interval of prices that holds p* unless the sample misleads by more than `sigmas` standard deviations.
Relaxer::Interval Relaxer::propose(double sigmas) {
  const std::size_t open = open_count();
  const std::size_t sample = std::min(open, kSampleItems);
  const bool base_known = !std::isnan(cost_high_);
  std::vector<Step> steps;
  std::vector<std::pair<double, std::size_t>> items;  // base cost, end of its steps
  items.reserve(sample);
  double base_total = 0;
  for (std::size_t s = 0; s < sample; ++s) {
    // One item from each of `sample` equal stretches, at a place that no period in the data follows.
    const std::size_t from = open / sample * s + open % sample * s / sample;
    const std::size_t to = open / sample * (s + 1) + open % sample * (s + 1) / sample;
    const std::size_t j = from + (s * 0x9E3779B97F4A7C15ULL >> 20) % (to - from);
    std::uint32_t base = 0;
    const double cost = add_steps(open_item(j), steps, &base);
    items.emplace_back(base_known ? 0.0 : cost, steps.size());
    base_total += items.back().first;
  }
  const double share = static_cast<double>(sample) / static_cast<double>(open);
  const double target =
      (base_known ? budget_ - cost_high_ : budget_ - static_cast<double>(settled_cost_)) * share - base_total;
  std::vector<Step> sorted = steps;
  std::ranges::sort(sorted, taken_earlier);

  double taken = 0;
  std::size_t at = 0;
  while (at < sorted.size() && taken + sorted[at].cost <= target) taken += sorted[at++].cost;
  const double price = at < sorted.size() ? sorted[at].slope : low_;
  double sum = 0, squares = 0;
  for (std::size_t s = 0, k = 0; s < sample; ++s) {
    double cost = items[s].first;
    for (; k < items[s].second; ++k) {
      if (steps[k].slope > price) cost += steps[k].cost;
    }
    sum += cost;
    squares += cost * cost;
  }
  const double n = static_cast<double>(sample);
  const double spread = std::sqrt(std::max(0.0, squares - sum * sum / n)) * std::sqrt(std::max(0.0, 1 - share));
  const double margin = sigmas * spread;

  Interval interval{low_, high_};
  taken = 0;
  for (std::size_t k = 0; k < sorted.size(); ++k) {
    taken += sorted[k].cost;
    // Steps of equal slope stay together, inside the interval.
    if (taken <= target - margin) interval.high = std::min(high_, sorted[k].slope * (1 + kTie));
    if (taken > target + margin) {
      interval.low = std::max(low_, sorted[k].slope * (1 - kTie));
      break;
    }
  }
  return interval;
}

Result<void> Relaxer::check_numbers(std::size_t from, std::size_t to) {
  if (const auto option = pass_.bad_number(from, to)) return bad_number(table_, *option);
  return {};
}

// Sorts a block's items into settled and open; at_a_ and at_b_ hold their options at both prices.
void Relaxer::settle_block(std::size_t from, std::size_t to, Narrowed& out) {
  double cost_a = 0, cost_b = 0, cost = 0, value = 0;
  const std::size_t open_before = out.open.size();
  out.open.resize(open_before + (to - from));
  std::uint32_t* open = out.open.data() + open_before;
  std::size_t opened = 0;
  for (std::size_t i = from; i < to; ++i) {
    const std::size_t begin = table_.begin(i);
    const std::uint32_t a = at_a_[i - from], b = at_b_[i - from];
    const double option_cost = table_.cost[begin + b];
    const bool same = a == b;
    cost_a += table_.cost[begin + a];
    cost_b += option_cost;
    cost += same ? option_cost : 0.0;
    value += same ? table_.value[begin + b] : 0.0;
    result_.choice[i] = b;
    open[opened] = static_cast<std::uint32_t>(i);
    opened += same ? 0 : 1;
  }
  out.open.resize(open_before + opened);
  out.cost_a += cost_a;
  out.cost_b += cost_b;
  out.settled_cost += cost;
  out.settled_value += value;
}

Result<Narrowed> Relaxer::narrow(Interval at) {
  ++result_.passes;
  Narrowed out;
  out.settled_cost = settled_cost_;
  out.settled_value = settled_value_;
  out.cost_a = out.cost_b = static_cast<double>(settled_cost_);
  at_a_.resize(kBlockItems);
  at_b_.resize(kBlockItems);
  if (!all_open_) {
    for (const std::uint32_t i : open_) {
      pass_.choose(i, i + 1, at.low, at_a_.data());
      pass_.choose(i, i + 1, at.high, at_b_.data());
      settle_block(i, i + 1, out);
    }
    return out;
  }
  for (std::size_t from = 0; from < table_.items(); from += kBlockItems) {
    const std::size_t to = std::min(from + kBlockItems, table_.items());
    if (!checked_) {
      if (auto ok = check_numbers(from, to); !ok) return tl::unexpected(ok.error());
    }
    pass_.choose(from, to, at.low, at_a_.data());
    pass_.choose(from, to, at.high, at_b_.data());
    settle_block(from, to, out);
  }
  checked_ = true;
  return out;
}

Result<Relaxation> Relaxer::run() {
  const std::size_t items = table_.items();
  result_.choice.resize(items);
  if (table_.value.size() <= kDirectOptions) {
    if (auto ok = check_numbers(0, items); !ok) return tl::unexpected(ok.error());
    ++result_.passes;
    return solve_open();
  }
  const std::size_t few = std::max(kDirectOptions, table_.value.size()) / 16;
  double sigmas = 4;
  for (int round = 0; round < kMaxRounds && (all_open_ || open_.size() > few); ++round) {
    if (high_ - low_ <= 4 * kTie * high_) break;  // equal slopes: no price separates these items
    const Interval at = propose(sigmas);
    auto found = narrow(at);
    if (!found) return tl::unexpected(found.error());
    if (found->cost_b > budget_) {
      if (at.high >= kInfinitePrice) return below_minimum(table_, asked_);
      low_ = std::max(low_, at.high);
      sigmas *= 4;
    } else if (found->cost_a <= budget_ && at.low > 0) {
      high_ = std::min(high_, at.low);
      cost_high_ = found->cost_a;
      sigmas *= 4;
    } else {
      const bool stuck = !all_open_ && found->open.size() > open_.size() * 4 / 5;
      low_ = at.low;
      high_ = at.high;
      cost_high_ = found->cost_b;
      settled_cost_ = found->settled_cost;
      settled_value_ = found->settled_value;
      open_ = std::move(found->open);
      all_open_ = false;
      if (stuck) break;
    }
  }
  return solve_open();
}

Result<Relaxation> Relaxer::solve_open() {
  std::vector<Step> steps;
  long double cost = settled_cost_, value = settled_value_;
  const std::size_t open = open_count();
  for (std::size_t j = 0; j < open; ++j) {
    const std::size_t i = open_item(j);
    cost += add_steps(i, steps, &result_.choice[i]);
    value += table_.value[table_.begin(i) + result_.choice[i]];
  }
  if (cost > budget_) {
    if (high_ >= kInfinitePrice) return below_minimum(table_, asked_);
    // Only rounding at an end of the interval leads here; without an interval nothing can be missed.
    low_ = 0;
    high_ = kInfinitePrice;
    all_open_ = true;
    settled_cost_ = settled_value_ = 0;
    return solve_open();
  }
  std::ranges::sort(steps, taken_earlier);
  std::size_t at = 0;
  for (; at < steps.size() && cost + steps[at].cost <= budget_; ++at) {
    cost += steps[at].cost;
    value += steps[at].value;
    result_.choice[steps[at].item] = steps[at].to;
  }
  result_.price = at < steps.size() ? steps[at].slope : low_;
  result_.break_cost = static_cast<double>(cost);
  result_.break_value = static_cast<double>(value);
  result_.bound = static_cast<double>(value + static_cast<long double>(result_.price) * (budget_ - cost));
  fill(std::span(steps).subspan(at), result_);
  result_.bound = std::max(result_.bound, result_.value);
  return std::move(result_);
}

// Gives what the budget leaves to later steps that fit; a step whose item missed an earlier one is not open.
void Relaxer::fill(std::span<const Step> steps, Relaxation& r) {
  r.value = r.break_value;
  r.cost = r.break_cost;
  std::vector<bool> missed(steps.empty() ? 0 : table_.items());
  for (const Step& step : steps) {
    if (missed[step.item]) continue;
    if (r.cost + step.cost <= budget_) {
      r.cost += step.cost;
      r.value += step.value;
      r.filled.emplace_back(step.item, step.to);
    } else {
      missed[step.item] = true;
    }
  }
}

}  // namespace

Result<Relaxation> relax(const ChoiceTable& table, double budget) { return Relaxer(table, budget).run(); }

tl::unexpected<Error> bad_number(const ChoiceTable& table, std::size_t option) {
  std::size_t item = table.first.empty() ? option / table.width : 0;
  if (!table.first.empty()) {
    item = static_cast<std::size_t>(std::ranges::upper_bound(table.first, option) - table.first.begin()) - 1;
  }
  const bool value_is_bad = !(std::abs(table.value[option]) <= kLargestNumber);
  return invalid_argument("item " + std::to_string(item) + ", option " + std::to_string(option - table.begin(item)) +
                          ": " + (value_is_bad ? "value" : "cost") + " is " +
                          to_text(value_is_bad ? table.value[option] : table.cost[option]) +
                          "; it must be finite and at most 1e60 in magnitude");
}

tl::unexpected<Error> below_minimum(const ChoiceTable& table, double budget) {
  std::vector<std::pair<double, std::size_t>> least(table.items());
  long double total = 0;
  for (std::size_t i = 0; i < table.items(); ++i) {
    double cheapest = std::numeric_limits<double>::infinity();
    for (std::size_t o = table.begin(i); o < table.end(i); ++o) {
      if (table.allowed(o)) cheapest = std::min(cheapest, table.cost[o]);
    }
    least[i] = {cheapest, i};
    total += cheapest;
  }
  const auto shown = static_cast<std::ptrdiff_t>(std::min<std::size_t>(3, least.size()));
  std::partial_sort(least.begin(), least.begin() + shown, least.end(),
                    [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string message = "the cheapest options together cost " + to_text(static_cast<double>(total)) +
                        " and the budget is " + to_text(budget) + ": " + to_text(static_cast<double>(total - budget)) +
                        " short; most is needed by";
  for (std::ptrdiff_t k = 0; k < shown; ++k) {
    message += (k == 0 ? " item " : ", item ") + std::to_string(least[static_cast<std::size_t>(k)].second) + " (" +
               to_text(least[static_cast<std::size_t>(k)].first) + ")";
  }
  return fail(ErrorCode::kInfeasible, message + "; raise the budget or offer cheaper options");
}

Result<void> check_shape(const ChoiceTable& table, double budget) {
  const std::size_t options = table.value.size();
  if (table.cost.size() != options) {
    return invalid_argument("there are " + std::to_string(options) + " values and " +
                            std::to_string(table.cost.size()) + " costs; each option needs one of both");
  }
  if (!table.forbidden.empty() && table.forbidden.size() != options) {
    return invalid_argument("forbidden has " + std::to_string(table.forbidden.size()) + " entries for " +
                            std::to_string(options) + " options");
  }
  if (!std::isfinite(budget) || std::abs(budget) > kLargestNumber) {
    return invalid_argument("budget is " + to_text(budget) + "; it must be finite and at most 1e60 in magnitude");
  }
  if (table.first.empty() && options != 0 && (table.width == 0 || options % table.width != 0)) {
    return invalid_argument(std::to_string(options) + " options cannot be shared by items of width " +
                            std::to_string(table.width));
  }
  if (!table.first.empty() && (table.first.front() != 0 || table.first.back() != options)) {
    return invalid_argument("first must run from 0 to the number of options, " + std::to_string(options));
  }
  if (table.items() >= ChoicePass::kNone) return invalid_argument("more than 2^32 - 2 items; split them into shards");
  if (table.first.empty() && table.forbidden.empty()) return {};
  for (std::size_t i = 0; i < table.items(); ++i) {
    if (table.end(i) <= table.begin(i) || table.end(i) > options) {
      return invalid_argument("item " + std::to_string(i) + " has no options; every item must take one");
    }
    bool any = table.forbidden.empty();
    for (std::size_t o = table.begin(i); o < table.end(i) && !any; ++o) any = table.forbidden[o] == 0;
    if (!any) return fail(ErrorCode::kInfeasible, "item " + std::to_string(i) + ": all of its options are forbidden");
  }
  return {};
}

}  // namespace bursar::allocate::detail
