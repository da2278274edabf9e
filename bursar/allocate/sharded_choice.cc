#include "bursar/allocate/sharded_choice.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "bursar/allocate/choice_hull.h"
#include "bursar/allocate/choice_pass.h"
#include "bursar/allocate/choice_relaxation.h"
#include "bursar/core/wide.h"

namespace bursar::allocate {
namespace {

constexpr std::uint64_t kSampleItems = 1 << 14;
constexpr std::size_t kFillSteps = 4096;
constexpr int kScaleBits = 62;

struct Step {
  double slope, cost, value;
  std::uint64_t item;  // of the whole
  std::uint32_t to;
  std::uint32_t sampled_base;  // in a sample: 1 marks an item's base, whose cost is `cost`
};

bool taken_earlier(const Step& a, const Step& b) { return a.slope != b.slope ? a.slope > b.slope : a.item < b.item; }

// Real numbers as integers of a common scale: their sums do not depend on the order.
struct Fixed {
  int exponent = 0;
  [[nodiscard]] Wide of(double x) const { return static_cast<Wide>(std::llrint(std::ldexp(x, exponent))); }
  [[nodiscard]] Wide floor(double x) const {
    const double scaled = std::ldexp(x, exponent);
    return std::abs(scaled) < 0x1.0p120 ? static_cast<Wide>(std::floor(scaled))
                                        : static_cast<Wide>(scaled > 0 ? 0x1.0p120 : -0x1.0p120);
  }
  [[nodiscard]] double back(Wide x) const { return std::ldexp(static_cast<double>(x), -exponent); }
};

Fixed scale_for(double largest) {
  if (largest == 0) return {};
  return {kScaleBits - 1 - std::ilogb(largest)};
}

class Sharded {
 public:
  Sharded(const ChoiceTable& shard, double budget, const Exchange& exchange)
      : table_(shard), asked_(budget), x_(exchange), pass_(shard) {}

  Result<ShardedResult> run() {
    if (auto ok = agree(); !ok) return tl::unexpected(ok.error());
    if (r_.items == 0) return std::move(r_);
    sample();
    if (auto ok = settle(); !ok) return tl::unexpected(ok.error());
    const double price = bisect();
    take(price);
    return std::move(r_);
  }

 private:
  std::vector<Wide> sum(std::vector<Wide> numbers);
  template <class T>
  std::vector<T> gather(std::span<const T> mine);
  Result<void> agree();
  double add_steps(std::size_t item, double low, double high, std::vector<Step>& steps, std::uint32_t* base);
  void sample();
  Result<void> settle();
  void narrow(double a, double b, std::array<Wide, 4>& totals);
  double bisect();
  void take(double price);
  void fill(std::vector<Step> next);
  tl::unexpected<Error> below_minimum(Wide least);

  const ChoiceTable& table_;
  const double asked_;
  const Exchange& x_;
  detail::ChoicePass pass_;
  detail::HullBuilder hull_;
  ShardedResult r_;
  Fixed cost_scale_, value_scale_;
  Wide budget_ = 0, cost_ = 0, value_ = 0;  // cost_, value_: of all items, as chosen so far
  double low_ = 0, high_ = detail::kInfinitePrice, sample_low_ = 0, sample_high_ = detail::kInfinitePrice;
  std::vector<std::uint32_t> open_;  // of the shard
  std::vector<Step> steps_;          // of the open items, by falling slope
  std::vector<Wide> prefix_;         // costs of steps_, added up
};

// A 128-bit number travels as four limbs of 32 bits, whose sums cannot wrap.
std::vector<Wide> Sharded::sum(std::vector<Wide> numbers) {
  std::vector<std::int64_t> limbs;
  for (const Wide n : numbers) {
    const auto bits = static_cast<UnsignedWide>(n);
    for (int k = 0; k < 4; ++k)
      limbs.push_back(static_cast<std::int64_t>(static_cast<std::uint64_t>(bits >> (32 * k)) & 0xFFFFFFFFU));
  }
  r_.bytes_sent += limbs.size() * sizeof limbs[0];
  x_.sum(limbs);
  for (std::size_t n = 0; n < numbers.size(); ++n) {
    UnsignedWide bits = 0;
    for (std::size_t k = 0; k < 4; ++k) bits += static_cast<UnsignedWide>(limbs[4 * n + k]) << (32 * k);
    numbers[n] = static_cast<Wide>(bits);
  }
  return numbers;
}

template <class T>
std::vector<T> Sharded::gather(std::span<const T> mine) {
  r_.bytes_sent += mine.size_bytes();
  const std::vector<std::byte> all = x_.gather(std::as_bytes(mine));
  std::vector<T> out(all.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), all.data(), out.size() * sizeof(T));
  return out;
}

// Everyone learns whose numbers are bad, how many items there are, and the largest magnitudes.
Result<void> Sharded::agree() {
  struct Head {
    std::uint64_t items;
    double cost, value;
    std::uint32_t failed;
    std::uint32_t code;
    std::array<char, 240> message;
  };
  Head mine{table_.items(), 0, 0, 0, 0, {}};
  Result<void> shape = detail::check_shape(table_, asked_);
  if (shape) {
    for (std::size_t from = 0; from < table_.items(); from += detail::kBlockItems) {
      const std::size_t to = std::min(from + detail::kBlockItems, table_.items());
      if (const auto bad = pass_.bad_number(from, to)) {
        shape = detail::bad_number(table_, *bad);
        break;
      }
      for (std::size_t o = table_.begin(from); o < table_.begin(to); ++o) {
        mine.cost = std::max(mine.cost, std::abs(table_.cost[o]));
        mine.value = std::max(mine.value, std::abs(table_.value[o]));
      }
    }
  }
  ++r_.passes;
  if (!shape) {
    mine.failed = 1;
    mine.code = static_cast<std::uint32_t>(shape.error().code);
    shape.error().message.copy(mine.message.data(), mine.message.size() - 1);
  }
  const std::vector<Head> all = gather(std::span<const Head>(&mine, 1));
  double cost = 0, value = 0;
  for (std::size_t k = 0; k < all.size(); ++k) {
    if (all[k].failed != 0) {
      return fail(static_cast<ErrorCode>(all[k].code), "rank " + std::to_string(k) + " (items from " +
                                                           std::to_string(r_.items) + "): " + all[k].message.data());
    }
    if (std::cmp_equal(k, x_.rank)) r_.first_item = r_.items;
    r_.items += all[k].items;
    cost = std::max(cost, all[k].cost);
    value = std::max(value, all[k].value);
  }
  cost_scale_ = scale_for(cost);
  value_scale_ = scale_for(value);
  // Costs were rounded once each: the budget is rounded down after its tolerance.
  budget_ = cost_scale_.floor(with_tolerance(asked_));
  r_.choice.resize(table_.items());
  return {};
}

double Sharded::add_steps(std::size_t item, double low, double high, std::vector<Step>& steps, std::uint32_t* base) {
  const std::size_t begin = table_.begin(item);
  const auto vertices = hull_.of(table_, item);
  const double* value = table_.value.data() + begin;
  const double* cost = table_.cost.data() + begin;
  std::size_t at = 0;
  const auto slope = [&] {
    return (value[vertices[at + 1]] - value[vertices[at]]) / (cost[vertices[at + 1]] - cost[vertices[at]]);
  };
  while (at + 1 < vertices.size() && slope() > high) ++at;
  *base = vertices[at];
  const std::size_t first = steps.size();
  for (; at + 1 < vertices.size() && slope() > low; ++at) {
    const std::uint32_t from = vertices[at], to = vertices[at + 1];
    Step step{slope(), cost[to] - cost[from], value[to] - value[from], r_.first_item + item, to, 0};
    if (steps.size() > first && step.slope >= steps.back().slope) {
      steps.back().cost += step.cost;
      steps.back().value += step.value;
      steps.back().to = to;
    } else {
      steps.push_back(step);
    }
  }
  return cost[*base];
}

// An interval of prices from items at fixed places of the whole, the same on every rank.
void Sharded::sample() {
  const std::uint64_t count = std::min(kSampleItems, r_.items);
  std::vector<Step> mine;
  for (std::uint64_t s = 0; s < count; ++s) {
    const auto from = static_cast<std::uint64_t>(static_cast<UnsignedWide>(r_.items) * s / count);
    const auto to = static_cast<std::uint64_t>(static_cast<UnsignedWide>(r_.items) * (s + 1) / count);
    const std::uint64_t item = from + (s * 0x9E3779B97F4A7C15ULL >> 20) % (to - from);
    if (item < r_.first_item || item >= r_.first_item + table_.items()) continue;
    std::uint32_t base = 0;
    const double cost = add_steps(item - r_.first_item, 0, detail::kInfinitePrice, mine, &base);
    mine.push_back({0, cost, 0, item, 0, 1});
  }
  std::vector<Step> all = gather(std::span<const Step>(mine));
  const double share = static_cast<double>(count) / static_cast<double>(r_.items);
  double target = asked_ * share;
  std::vector<Step> steps;
  for (const Step& s : all) {
    if (s.sampled_base != 0) {
      target -= s.cost;
    } else {
      steps.push_back(s);
    }
  }
  std::ranges::sort(steps, taken_earlier);
  double squares = 0, taken = 0;
  for (const Step& s : all) squares += s.cost * s.cost;
  const double margin = count == r_.items ? 0 : 6 * std::sqrt(squares);
  for (const Step& s : steps) {
    taken += s.cost;
    if (taken <= target - margin) sample_high_ = s.slope * (1 + 1e-9);
    if (taken > target + margin) {
      sample_low_ = s.slope * (1 - 1e-9);
      break;
    }
  }
}

// totals: cost at a, cost at b, and cost and value of the items that take the same option at both.
void Sharded::narrow(double a, double b, std::array<Wide, 4>& totals) {
  totals.fill(0);
  open_.clear();
  std::vector<std::uint32_t> at_a(detail::kBlockItems), at_b(detail::kBlockItems);
  for (std::size_t from = 0; from < table_.items(); from += detail::kBlockItems) {
    const std::size_t to = std::min(from + detail::kBlockItems, table_.items());
    pass_.choose(from, to, a, at_a.data());
    pass_.choose(from, to, b, at_b.data());
    for (std::size_t i = from; i < to; ++i) {
      const std::size_t begin = table_.begin(i);
      const std::uint32_t k = at_b[i - from];
      const Wide cost = cost_scale_.of(table_.cost[begin + k]);
      totals[0] += cost_scale_.of(table_.cost[begin + at_a[i - from]]);
      totals[1] += cost;
      r_.choice[i] = k;
      if (k != at_a[i - from]) {
        open_.push_back(static_cast<std::uint32_t>(i));
      } else {
        totals[2] += cost;
        totals[3] += value_scale_.of(table_.value[begin + k]);
      }
    }
  }
  ++r_.passes;
}

Result<void> Sharded::settle() {
  double a = sample_low_, b = sample_high_;
  for (;;) {
    std::array<Wide, 4> totals{};
    narrow(a, b, totals);
    const std::vector<Wide> all = sum({totals.begin(), totals.end()});
    if (all[1] > budget_) {
      if (b >= detail::kInfinitePrice) return below_minimum(all[1]);
      a = b;
      b = detail::kInfinitePrice;
    } else if (all[0] <= budget_ && a > 0) {
      b = a;
      a = 0;
    } else {
      low_ = a;
      high_ = b;
      cost_ = all[2];
      value_ = all[3];
      break;
    }
  }
  std::vector<Wide> base{0, 0};
  for (const std::uint32_t i : open_) {
    add_steps(i, low_, high_, steps_, &r_.choice[i]);
    const std::size_t o = table_.begin(i) + r_.choice[i];
    base[0] += cost_scale_.of(table_.cost[o]);
    base[1] += value_scale_.of(table_.value[o]);
  }
  base = sum(base);
  cost_ += base[0];
  value_ += base[1];
  std::ranges::sort(steps_, taken_earlier);
  Wide total = 0;
  for (const Step& s : steps_) prefix_.push_back(total += cost_scale_.of(s.cost));
  return {};
}

// The lowest price whose demand is within the budget, down to neighbouring doubles: demand(price) takes the steps whose
// slope exceeds the price.
double Sharded::bisect() {
  const auto fits = [&](double price) {
    ++r_.probes;
    const auto end = std::ranges::upper_bound(steps_, price, std::greater{}, &Step::slope);
    auto count = static_cast<std::size_t>(end - steps_.begin());
    while (count > 0 && steps_[count - 1].slope <= price) --count;
    return cost_ + sum({count == 0 ? Wide{0} : prefix_[count - 1]})[0] <= budget_;
  };
  if (fits(low_)) return low_;
  auto under = std::bit_cast<std::uint64_t>(low_), above = std::bit_cast<std::uint64_t>(high_);
  while (above - under > 1) {
    const std::uint64_t middle = under + (above - under) / 2;
    (fits(std::bit_cast<double>(middle)) ? above : under) = middle;
  }
  return std::bit_cast<double>(above);
}

// Steps above the price on every rank, then the steps at the price in the order of items while the budget lasts.
void Sharded::take(double price) {
  std::vector<Wide> mine{0, 0, 0};  // cost and value above the price, cost at it
  std::size_t at = 0;
  for (; at < steps_.size() && steps_[at].slope > price; ++at) {
    r_.choice[steps_[at].item - r_.first_item] = steps_[at].to;
    mine[0] += cost_scale_.of(steps_[at].cost);
    mine[1] += value_scale_.of(steps_[at].value);
  }
  std::size_t tied = at;
  for (; tied < steps_.size() && steps_[tied].slope == price; ++tied) mine[2] += cost_scale_.of(steps_[tied].cost);
  const std::vector<Wide> all = sum({mine[0], mine[1]});
  cost_ += all[0];
  value_ += all[1];
  r_.price = price;
  r_.bound = value_scale_.back(value_) + price * cost_scale_.back(budget_ - cost_);

  // Ties of the ranks before mine come first.
  const std::vector<Wide> ties = gather(std::span<const Wide>(&mine[2], 1));
  Wide used = cost_;
  for (int k = 0; k < x_.rank; ++k) used += ties[static_cast<std::size_t>(k)];
  Wide tie_cost = 0, tie_value = 0;
  std::size_t stopped = tied;
  for (std::size_t k = at; k < tied; ++k) {
    used += cost_scale_.of(steps_[k].cost);
    if (used > budget_) {
      stopped = k;
      break;
    }
    r_.choice[steps_[k].item - r_.first_item] = steps_[k].to;
    tie_cost += cost_scale_.of(steps_[k].cost);
    tie_value += value_scale_.of(steps_[k].value);
  }
  const std::vector<Wide> taken = sum({tie_cost, tie_value});
  cost_ += taken[0];
  value_ += taken[1];
  std::vector<Step> next(steps_.begin() + static_cast<std::ptrdiff_t>(stopped), steps_.end());
  if (next.size() > kFillSteps) next.resize(kFillSteps);
  fill(std::move(next));
}

// The next best steps of the whole, in order, where they fit; every rank works it out for itself.
void Sharded::fill(std::vector<Step> next) {
  std::vector<Step> all = gather(std::span<const Step>(next));
  std::ranges::sort(all, taken_earlier);
  if (all.size() > kFillSteps) all.resize(kFillSteps);
  std::vector<std::uint64_t> missed;
  for (const Step& s : all) {
    if (std::ranges::find(missed, s.item) != missed.end()) continue;
    const Wide cost = cost_scale_.of(s.cost);
    if (cost_ + cost > budget_) {
      missed.push_back(s.item);
      continue;
    }
    cost_ += cost;
    value_ += value_scale_.of(s.value);
    if (s.item >= r_.first_item && s.item < r_.first_item + table_.items()) r_.choice[s.item - r_.first_item] = s.to;
  }
  r_.value = value_scale_.back(value_);
  r_.cost = cost_scale_.back(cost_);
  r_.bound = std::max(r_.bound, r_.value);
  const double gap = relative_gap(r_.value, r_.bound);
  r_.stop = gap <= 1e-15 ? StopReason::kOptimal : gap <= 1e-9 ? StopReason::kWithinGap : StopReason::kLimit;
}

tl::unexpected<Error> Sharded::below_minimum(Wide least) {
  struct Need {
    double cost;
    std::uint64_t item;
  };
  std::vector<Need> mine;
  mine.reserve(table_.items());
  for (std::size_t i = 0; i < table_.items(); ++i)
    mine.push_back({table_.cost[table_.begin(i) + r_.choice[i]], r_.first_item + i});
  const auto more = [](const Need& a, const Need& b) { return a.cost != b.cost ? a.cost > b.cost : a.item < b.item; };
  const auto few = [&](std::vector<Need>& needs) {
    const std::size_t n = std::min<std::size_t>(3, needs.size());
    std::partial_sort(needs.begin(), needs.begin() + static_cast<std::ptrdiff_t>(n), needs.end(), more);
    needs.resize(n);
  };
  few(mine);
  std::vector<Need> all = gather(std::span<const Need>(mine));
  few(all);
  std::string message = "the cheapest options together cost " + to_text(cost_scale_.back(least)) +
                        " and the budget is " + to_text(asked_) + ": " + to_text(cost_scale_.back(least) - asked_) +
                        " short; most is needed by";
  for (std::size_t k = 0; k < all.size(); ++k) {
    message += (k == 0 ? " item " : ", item ") + std::to_string(all[k].item) + " (" + to_text(all[k].cost) + ")";
  }
  return fail(ErrorCode::kInfeasible, message + "; raise the budget or offer cheaper options");
}

}  // namespace

Exchange one_rank() {
  return {.sum = [](std::span<std::int64_t>) {},
          .gather = [](std::span<const std::byte> mine) { return std::vector<std::byte>(mine.begin(), mine.end()); }};
}

Result<ShardedResult> sharded_choice(const ChoiceTable& shard, double budget, const Exchange& exchange) {
  return Sharded(shard, budget, exchange).run();
}

}  // namespace bursar::allocate
