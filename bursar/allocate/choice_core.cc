#include "bursar/allocate/choice_core.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "bursar/allocate/choice_pass.h"

namespace bursar::allocate::detail {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::uint32_t kStay = std::numeric_limits<std::uint32_t>::max();
constexpr double kExactInteger = 0x1.0p53;

struct Alternative {
  double cost;  // relative to the break option
  double gain;  // value relative to the break option
  double loss;  // price x cost - gain, >= 0
  std::uint32_t option;
};

struct CoreItem {
  std::uint32_t item;
  std::uint32_t first, last;  // its alternatives
  double ratio;               // least loss / |cost|
};

struct State {
  double cost;  // both relative to the break choice
  double gain;
  std::uint32_t node;    // how it came about
  std::uint32_t option;  // kStay, or the option just chosen on top of `node`
};

struct Node {
  std::uint32_t parent;
  std::uint32_t item;
  std::uint32_t option;
};

// A fixed shuffle of the items: among equal ratios those that use cost and those that return it must take turns, or
// the states drift away from the budget.
std::uint64_t scattered(std::uint32_t item) { return (item + 1) * 0x9E3779B97F4A7C15ULL; }

bool enters_before(const CoreItem& a, const CoreItem& b) {
  return a.ratio != b.ratio ? a.ratio < b.ratio : scattered(a.item) < scattered(b.item);
}

// Above twice this many items a spread-out few are searched first: often they already hold the optimum.
constexpr std::size_t kFewItems = 1 << 14;

class CoreSearch {
 public:
  CoreSearch(const ChoiceTable& table, double budget, const ChoiceOptions& options, Relaxation& relaxation)
      : table_(table), options_(options), r_(relaxation), residual_(std::max(0.0, budget - relaxation.break_cost)) {}

  CoreResult run();

 private:
  void tighten();
  void look(bool everywhere);
  void collect(bool everywhere);
  void collect_item(std::size_t item, double slack);
  void drop_far_items();
  void search();
  void keep_best();
  bool extend(const CoreItem& item, std::size_t next);
  void truncate(std::size_t width, std::size_t next);
  void apply();
  // No completion of the state with core items from `next` on is worth more.
  [[nodiscard]] double best_possible(double cost, double gain, std::size_t next) const {
    return cost <= residual_ ? r_.break_value + gain + std::max(0.0, r_.price - up_[next]) * (residual_ - cost)
                             : r_.break_value + gain - (r_.price + down_[next]) * (cost - residual_);
  }
  [[nodiscard]] std::size_t most_alternatives() const { return std::max<std::size_t>(4096, options_.max_states / 64); }
  [[nodiscard]] double must_exceed() const { return value_ + margin_; }
  [[nodiscard]] bool good_enough() const {
    return value_ >= bound_ - margin_ || relative_gap(value_, bound_) <= options_.relative_gap;
  }

  const ChoiceTable& table_;
  const ChoiceOptions& options_;
  Relaxation& r_;
  double residual_;           // budget left by the break choice
  double top_ = 0;            // break value + price x residual: losses count from here
  double bound_ = 0;          // top_, rounded down where values are integers
  double margin_ = 0;         // an answer counts as better from here on
  double value_ = 0;          // best so far
  double lost_ = -kInfinity;  // most that a dropped partial answer could still have become

  std::vector<Alternative> alternatives_;
  std::vector<CoreItem> core_;
  double far_up_ = kInfinity, far_down_ = kInfinity;  // least slopes of items that were left out of the core
  double farthest_ = kInfinity;                       // items of this ratio and above are left out
  std::vector<double> up_, down_;                     // [core + 1]
  std::vector<State> states_, merged_, scratch_;
  std::vector<Node> nodes_;
  State best_{0, 0, 0, kStay};
  std::uint32_t best_item_ = 0;
  bool improved_ = false;
  bool integral_ = false;  // all values are multiples of one number
  std::uint64_t states_allowed_ = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> changes_;  // (item, option) of the best answer of all searches
  bool changed_ = false;
  CoreResult out_;
};

// Integer costs leave part of the residual unusable; integer values make the bound an integer.
void CoreSearch::tighten() {
  if (const double step = common_step(table_, table_.cost); step > 0) {
    residual_ = std::floor(residual_ / step) * step;
  }
  top_ = r_.break_value + r_.price * residual_;
  bound_ = top_;
  margin_ = 1e-15 * std::abs(value_);
  if (const double step = common_step(table_, table_.value); step > 0 && std::abs(top_) < kExactInteger) {
    bound_ = r_.break_value + std::floor((top_ - r_.break_value) / step + 1e-9) * step;
    margin_ = step * (1 - 1e-6);
    integral_ = true;
  }
  bound_ = std::max(bound_, value_);
}

// The items with an option that loses less than the gap, in order of entry: of all items, or of a spread-out few.
void CoreSearch::collect(bool everywhere) {
  alternatives_.clear();
  core_.clear();
  far_up_ = far_down_ = farthest_ = kInfinity;
  ChoicePass pass(table_);
  std::vector<std::uint32_t> counts(kBlockItems);
  const double slack = top_ - value_;
  const std::size_t stride = everywhere ? kBlockItems : table_.items() / (kFewItems / kBlockItems);
  for (std::size_t from = 0; from < table_.items(); from += stride) {
    const std::size_t to = std::min(from + kBlockItems, table_.items());
    pass.count_close(from, to, r_.price, slack * (1 + 1e-9), counts.data());
    for (std::size_t i = from; i < to; ++i) {
      if (counts[i - from] > 1) collect_item(i, slack);
    }
  }
  out_.passed |= everywhere;
  std::ranges::sort(core_, enters_before);
  up_.assign(core_.size() + 1, far_up_);
  down_.assign(core_.size() + 1, far_down_);
  for (std::size_t j = core_.size(); j-- > 0;) {
    up_[j] = up_[j + 1];
    down_[j] = down_[j + 1];
    for (std::uint32_t a = core_[j].first; a < core_[j].last; ++a) {
      const Alternative& x = alternatives_[a];
      double& ratio = x.cost > 0 ? up_[j] : down_[j];
      ratio = std::min(ratio, x.loss / std::abs(x.cost));
    }
  }
}

void CoreSearch::collect_item(std::size_t i, double slack) {
  const std::size_t begin = table_.begin(i), base = begin + r_.choice[i];
  CoreItem item{static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(alternatives_.size()), 0, kInfinity};
  double up = kInfinity, down = kInfinity;
  for (std::size_t o = begin; o < table_.end(i); ++o) {
    const double cost = table_.cost[o] - table_.cost[base];
    const double gain = table_.value[o] - table_.value[base];
    const double loss = std::max(0.0, r_.price * cost - gain);
    if (o == base || !table_.allowed(o) || cost == 0 || !(loss < slack)) continue;
    alternatives_.push_back({cost, gain, loss, static_cast<std::uint32_t>(o - begin)});
    double& ratio = cost > 0 ? up : down;
    ratio = std::min(ratio, loss / std::abs(cost));
  }
  item.last = static_cast<std::uint32_t>(alternatives_.size());
  item.ratio = std::min(up, down);
  if (item.ratio >= farthest_) {
    alternatives_.resize(item.first);
    far_up_ = std::min(far_up_, up);
    far_down_ = std::min(far_down_, down);
    return;
  }
  if (item.last == item.first) return;
  core_.push_back(item);
  if (alternatives_.size() > 2 * most_alternatives()) drop_far_items();
}

// Keeps the nearer half of the core; the rest counts only through its least slopes, which bound what it could add.
void CoreSearch::drop_far_items() {
  const auto middle = core_.begin() + static_cast<std::ptrdiff_t>(core_.size() / 2);
  std::nth_element(core_.begin(), middle, core_.end(), enters_before);
  farthest_ = std::min(farthest_, middle->ratio);
  for (auto item = middle; item != core_.end(); ++item) {
    for (std::uint32_t a = item->first; a < item->last; ++a) {
      const Alternative& x = alternatives_[a];
      double& far = x.cost > 0 ? far_up_ : far_down_;
      far = std::min(far, x.loss / std::abs(x.cost));
    }
  }
  core_.erase(middle, core_.end());
  std::ranges::sort(core_, {}, &CoreItem::first);
  std::uint32_t at = 0;
  for (CoreItem& item : core_) {
    const std::uint32_t count = item.last - item.first;
    std::copy(alternatives_.begin() + item.first, alternatives_.begin() + item.last, alternatives_.begin() + at);
    item.first = at;
    item.last = at += count;
  }
  alternatives_.resize(at);
}

// Adds the item's alternatives to every state. False: the limit of states is reached, nothing was changed.
bool CoreSearch::extend(const CoreItem& item, std::size_t next) {
  merged_.clear();
  for (const State& s : states_) {
    if (best_possible(s.cost, s.gain, next) > must_exceed()) merged_.push_back(s);
  }
  bool added = false;
  for (std::uint32_t a = item.first; a < item.last; ++a) {
    const Alternative& x = alternatives_[a];
    if (!(top_ - x.loss > must_exceed())) continue;
    scratch_.clear();
    const std::size_t before = merged_.size();
    out_.states += states_.size();
    for (const State& s : states_) {
      const State t{s.cost + x.cost, s.gain + x.gain, s.node, x.option};
      if (!(best_possible(t.cost, t.gain, next) > must_exceed())) continue;
      if (t.cost <= residual_ && r_.break_value + t.gain > value_) {
        value_ = r_.break_value + t.gain;
        best_ = t;
        best_item_ = item.item;
        improved_ = true;
      }
      scratch_.push_back(t);
    }
    if (scratch_.empty()) continue;
    added = true;
    merged_.insert(merged_.end(), scratch_.begin(), scratch_.end());
    std::inplace_merge(
        merged_.begin(), merged_.begin() + static_cast<std::ptrdiff_t>(before), merged_.end(),
        [](const State& p, const State& q) { return p.cost != q.cost ? p.cost < q.cost : p.gain > q.gain; });
  }
  if (nodes_.size() + merged_.size() > options_.max_states / 16 + 1024 || out_.states > states_allowed_) return false;
  if (!added) {
    states_.swap(merged_);
    return true;
  }
  // Dominance: what costs more must be worth more.
  states_.clear();
  double reached = -kInfinity;
  for (State s : merged_) {
    if (s.gain <= reached) continue;
    reached = s.gain;
    if (s.option != kStay) {
      nodes_.push_back({s.node, item.item, s.option});
      s.node = static_cast<std::uint32_t>(nodes_.size() - 1);
      s.option = kStay;
    }
    states_.push_back(s);
  }
  return true;
}

// Keeps the `width` most promising states and remembers how good the others could have become.
void CoreSearch::truncate(std::size_t width, std::size_t next) {
  const auto promise = [&](const State& s) { return best_possible(s.cost, s.gain, next); };
  const auto cut = states_.begin() + static_cast<std::ptrdiff_t>(width);
  std::nth_element(states_.begin(), cut, states_.end(), [&](const State& a, const State& b) {
    const double p = promise(a), q = promise(b);
    return p != q ? p > q : std::abs(a.cost - residual_) < std::abs(b.cost - residual_);
  });
  for (auto s = cut; s != states_.end(); ++s) lost_ = std::max(lost_, promise(*s));
  states_.erase(cut, states_.end());
  std::ranges::sort(states_, {}, &State::cost);
}

void CoreSearch::search() {
  const std::size_t width = std::max<std::size_t>(1024, options_.max_states / 512);
  nodes_.assign(1, {0, kStay, kStay});
  states_.assign(1, {0, 0, 0, kStay});
  improved_ = false;
  best_ = {0, 0, 0, kStay};
  for (std::size_t j = 0; j < core_.size() && !states_.empty() && !good_enough(); ++j) {
    const bool cancelled = options_.stop && (j % 16 == 0) && options_.stop();
    if (cancelled || !extend(core_[j], j + 1)) {
      for (const State& s : states_) lost_ = std::max(lost_, best_possible(s.cost, s.gain, j));
      out_.stop = cancelled ? StopReason::kCancelled : StopReason::kLimit;
      return;
    }
    if (states_.size() > width) truncate(width, j + 1);
    // The best answer so far may hang on a state that was dropped: it is kept as a node.
    if (improved_ && best_.option != kStay) {
      nodes_.push_back({best_.node, best_item_, best_.option});
      best_.node = static_cast<std::uint32_t>(nodes_.size() - 1);
      best_.option = kStay;
    }
  }
  if (farthest_ == kInfinity) return;
  for (const State& s : states_) lost_ = std::max(lost_, best_possible(s.cost, s.gain, core_.size()));
}

void CoreSearch::keep_best() {
  if (!improved_) return;
  changed_ = true;
  changes_.clear();
  if (best_.option != kStay) changes_.emplace_back(best_item_, best_.option);
  for (std::uint32_t n = best_.node; n != 0; n = nodes_[n].parent)
    changes_.emplace_back(nodes_[n].item, nodes_[n].option);
}

void CoreSearch::look(bool everywhere) {
  lost_ = -kInfinity;
  out_.stop = StopReason::kOptimal;
  states_allowed_ = everywhere ? options_.max_states : options_.max_states / 32;
  collect(everywhere);
  search();
  keep_best();
}

void CoreSearch::apply() {
  for (const auto& [item, option] : changed_ ? changes_ : r_.filled) r_.choice[item] = option;
}

CoreResult CoreSearch::run() {
  value_ = r_.value;
  tighten();
  bool exhausted = false;
  if (!good_enough() && table_.items() > 2 * kFewItems) {
    look(false);
    lost_ = kInfinity;  // a few items prove nothing about the others
    if (out_.stop == StopReason::kLimit) out_.stop = StopReason::kOptimal;
  }
  if (!good_enough() && out_.stop != StopReason::kCancelled) {
    look(true);
    exhausted = out_.stop == StopReason::kOptimal && !good_enough();
  }
  apply();
  out_.value = value_;
  if (exhausted) bound_ = std::min(bound_, std::max(value_, lost_));
  if (out_.stop != StopReason::kOptimal) bound_ = std::min(bound_, std::max(value_, lost_));
  if (value_ >= bound_ - margin_) {
    out_.bound = integral_ || exhausted ? value_ : bound_;
    out_.stop = StopReason::kOptimal;
    return out_;
  }
  out_.bound = bound_;
  if (relative_gap(value_, bound_) <= options_.relative_gap) {
    out_.stop = StopReason::kWithinGap;
  } else if (out_.stop == StopReason::kOptimal) {
    out_.stop = StopReason::kLimit;  // partial answers were dropped for width
  }
  return out_;
}

}  // namespace

CoreResult search_core(const ChoiceTable& table, double budget, const ChoiceOptions& options, Relaxation& relaxation) {
  return CoreSearch(table, budget, options, relaxation).run();
}

double common_step(const ChoiceTable& table, std::span<const double> numbers) {
  std::uint64_t step = 0;
  for (std::size_t i = 0; i < table.items(); ++i) {
    const double base = numbers[table.begin(i)];
    for (std::size_t o = table.begin(i); o < table.end(i); ++o) {
      if (numbers[o] != std::floor(numbers[o]) || std::abs(numbers[o]) >= kExactInteger) return 0;
      if (step != 1) step = std::gcd(step, static_cast<std::uint64_t>(std::abs(numbers[o] - base)));
    }
  }
  return static_cast<double>(step);
}

double reachable_bound(const ChoiceTable& table, double bound) {
  const double step = common_step(table, table.value);
  if (step == 0) return bound;
  double base = 0, size = std::abs(bound);
  for (std::size_t i = 0; i < table.items(); ++i) {
    base += table.value[table.begin(i)];
    size += std::abs(table.value[table.begin(i)]);
  }
  const double slack = 1e-9 + 1e-12 * size / step;  // of the bound's own rounding
  return slack > .01 ? bound : std::min(bound, base + std::floor((bound - base) / step + slack) * step);
}

}  // namespace bursar::allocate::detail
