#include "bursar/allocate/water_filling.h"

#include <algorithm>
#include <cmath>
#include <queue>
#include <string>

#include "bursar/allocate/budget_price.h"

namespace bursar::allocate {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

tl::unexpected<Error> wrong(std::size_t item, const std::string& what, double number, const std::string& needs) {
  return invalid_argument("item " + std::to_string(item) + ": " + what + " is " + to_text(number) + "; it must be " +
                          needs);
}

Result<void> check_curve(std::size_t i, const Curve& curve) {
  const auto positive = [&](const char* name, double x) -> Result<void> {
    if (!(x > 0) || !(x <= kLargestNumber)) return wrong(i, name, x, "positive and at most 1e60");
    return {};
  };
  const auto not_negative = [&](const char* name, double x) -> Result<void> {
    if (!(x >= 0) || !(x <= kLargestNumber)) return wrong(i, name, x, "from 0 to 1e60");
    return {};
  };
  return std::visit(
      Overloaded{[&](const PowerCurve& f) { return positive("c", f.c).and_then([&] { return positive("a", f.a); }); },
                 [&](const LogCurve& f) { return not_negative("w", f.w).and_then([&] { return positive("s", f.s); }); },
                 [&](const SaturatingCurve& f) {
                   return not_negative("w", f.w).and_then([&] { return positive("tau", f.tau); });
                 },
                 [&](const UserCurve& f) -> Result<void> {
                   if (!f.value || !f.slope) {
                     return invalid_argument("item " + std::to_string(i) + ": a user curve needs both value and slope");
                   }
                   return {};
                 }},
      curve);
}

Result<void> check(std::span<const WaterItem> items, double budget) {
  if (!(budget >= 0) || !(budget <= kLargestNumber)) {
    return invalid_argument("budget is " + to_text(budget) + "; it must be from 0 to 1e60");
  }
  double floors = 0;
  std::size_t most = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (auto ok = check_curve(i, items[i].curve); !ok) return ok;
    if (!(items[i].cost > 0) || !(items[i].cost <= kLargestNumber)) return wrong(i, "cost", items[i].cost, "positive");
    if (!(items[i].floor >= 0) || !(items[i].floor <= kLargestNumber)) {
      return wrong(i, "floor", items[i].floor, "from 0 to 1e60");
    }
    if (!(items[i].ceiling >= items[i].floor)) {
      return wrong(i, "ceiling", items[i].ceiling, "at least the floor, " + to_text(items[i].floor));
    }
    floors += items[i].floor * items[i].cost;
    if (items[i].floor * items[i].cost > items[most].floor * items[most].cost) most = i;
  }
  if (floors > with_tolerance(budget)) {
    return fail(ErrorCode::kInfeasible, "the floors cost " + to_text(floors) + " and the budget is " + to_text(budget) +
                                            ": " + to_text(floors - budget) + " short; item " + std::to_string(most) +
                                            " needs most (" + to_text(items[most].floor * items[most].cost) + ")");
  }
  return {};
}

// Where the slope of a user curve meets `price`, in [low, high]; the slope must not rise on the way.
Result<double> meet(std::size_t item, const UserCurve& f, double price, double low, double high) {
  double above = f.slope(low), under = f.slope(high);
  const auto check_slope = [&](double at, double s) -> Result<void> {
    if (std::isnan(s)) return wrong(item, "slope at " + to_text(at), s, "a number");
    if (s > above || s < under)
      return wrong(item, "slope at " + to_text(at), s, "not rising: the curve is not concave");
    return {};
  };
  if (std::isnan(above)) return wrong(item, "slope at " + to_text(low), above, "a number");
  if (std::isnan(under) || under > above) {
    return wrong(item, "slope at " + to_text(high), under, "not rising: the curve is not concave");
  }
  if (under >= price) return high;
  if (above <= price) return low;
  for (int step = 0; step < 200; ++step) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    const double s = f.slope(middle);
    if (auto ok = check_slope(middle, s); !ok) return tl::unexpected(ok.error());
    (s > price ? low : high) = middle;
    (s > price ? above : under) = s;
  }
  return low;
}

class Water {
 public:
  Water(std::span<const WaterItem> items, double budget) : items_(items), budget_(budget) {
    double left = budget;
    for (const WaterItem& item : items) left -= item.floor * item.cost;
    ceilings_.reserve(items.size());
    for (const WaterItem& item : items) {
      // More than the other floors leave fits nowhere, yet the cap must not bind before the budget does.
      ceilings_.push_back(std::min(item.ceiling, item.floor + (std::max(0.0, left) + budget) / item.cost));
    }
  }

  Result<WaterFilling> run() {
    const auto price = budget_price([&](double p) { return spend(p); }, with_tolerance(budget_));
    if (error_) return tl::unexpected(*error_);
    if (!price) return tl::unexpected(price.error());
    WaterFilling r{.amounts = demand(price->price), .price = price->price, .probes = price->probes};
    // A straight stretch of a curve lets demand jump at the price: what lies between is worth the same anywhere.
    if (price->price > 0 && price->demand < budget_ && std::isfinite(price->demand_below)) {
      const std::vector<double> below = demand(price->below);
      const double share = std::min(1.0, (budget_ - price->demand) / (price->demand_below - price->demand));
      for (std::size_t i = 0; i < below.size(); ++i) r.amounts[i] += share * (below[i] - r.amounts[i]);
    }
    if (error_) return tl::unexpected(*error_);
    r.bound = r.price * budget_;
    const std::vector<double> at_price = demand(r.price);
    for (std::size_t i = 0; i < items_.size(); ++i) {
      r.value += value_of(items_[i].curve, r.amounts[i]);
      r.spent += items_[i].cost * r.amounts[i];
      r.bound += value_of(items_[i].curve, at_price[i]) - r.price * items_[i].cost * at_price[i];
    }
    r.bound = std::isnan(r.bound) ? r.value : std::max(r.bound, r.value);
    return r;
  }

 private:
  double amount(std::size_t i, double price) {
    const double low = items_[i].floor, high = ceilings_[i], p = price * items_[i].cost;
    if (p == 0) return high;
    const double inside = std::visit(
        Overloaded{[&](const PowerCurve& f) { return std::exp(std::log(f.c * f.a / p) / (f.a + 1)); },
                   [&](const LogCurve& f) { return f.w / p - f.s; },
                   [&](const SaturatingCurve& f) { return f.w == 0 ? 0.0 : -f.tau * std::log(p * f.tau / f.w); },
                   [&](const UserCurve& f) {
                     auto x = meet(i, f, p, low, high);
                     if (!x && !error_) error_ = x.error();
                     return x ? *x : low;
                   }},
        items_[i].curve);
    return std::clamp(inside, low, high);
  }

  std::vector<double> demand(double price) {
    std::vector<double> x(items_.size());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = amount(i, price);
    return x;
  }

  double spend(double price) {
    double total = 0;
    for (std::size_t i = 0; i < items_.size(); ++i) total += items_[i].cost * amount(i, price);
    return total;
  }

  std::span<const WaterItem> items_;
  double budget_;
  std::vector<double> ceilings_;
  std::optional<Error> error_;
};

struct UnitMove {
  double gain;
  std::size_t item;
};

}  // namespace

double value_of(const Curve& curve, double x) {
  return std::visit(Overloaded{[&](const PowerCurve& f) { return x > 0 ? -f.c * std::pow(x, -f.a) : -kInfinity; },
                               [&](const LogCurve& f) { return f.w * std::log1p(x / f.s); },
                               [&](const SaturatingCurve& f) { return -f.w * std::expm1(-x / f.tau); },
                               [&](const UserCurve& f) { return f.value(x); }},
                    curve);
}

double slope_of(const Curve& curve, double x) {
  return std::visit(
      Overloaded{[&](const PowerCurve& f) { return x > 0 ? f.c * f.a * std::pow(x, -f.a - 1) : kInfinity; },
                 [&](const LogCurve& f) { return f.w / (f.s + x); },
                 [&](const SaturatingCurve& f) { return f.w / f.tau * std::exp(-x / f.tau); },
                 [&](const UserCurve& f) { return f.slope(x); }},
      curve);
}

Result<WaterFilling> water_filling(std::span<const WaterItem> items, double budget) {
  if (auto ok = check(items, budget); !ok) return tl::unexpected(ok.error());
  return Water(items, budget).run();
}

Result<UnitSplit> water_filling_units(std::span<const WaterItem> items, std::int64_t budget) {
  std::vector<WaterItem> whole(items.begin(), items.end());
  std::vector<std::int64_t> floors, ceilings;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (whole[i].cost != 1) return wrong(i, "cost", whole[i].cost, "1 where units are whole");
    const double least = std::holds_alternative<PowerCurve>(whole[i].curve) ? 1.0 : 0.0;
    whole[i].floor = std::max(least, std::ceil(whole[i].floor));
    whole[i].ceiling = std::max(whole[i].floor, std::floor(std::min(whole[i].ceiling, 0x1.0p50)));
    floors.push_back(static_cast<std::int64_t>(whole[i].floor));
    ceilings.push_back(static_cast<std::int64_t>(whole[i].ceiling));
  }
  const auto gain = [&](std::size_t i, std::int64_t n) {
    return value_of(whole[i].curve, static_cast<double>(n + 1)) - value_of(whole[i].curve, static_cast<double>(n));
  };
  const auto continuous = water_filling(whole, static_cast<double>(budget));
  if (!continuous) return tl::unexpected(continuous.error());
  std::vector<std::int64_t> start(whole.size());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    start[i] = std::clamp(static_cast<std::int64_t>(continuous->amounts[i]), floors[i], ceilings[i]);
  }
  auto split = marginal_greedy({.items = whole.size(), .budget = budget, .floors = start, .ceilings = ceilings}, gain,
                               {.when_gains_grow = Growth::kReport});
  if (!split) return split;
  // Rounding down may have kept a unit that is worth more elsewhere: move units while that gains.
  const auto less = [](const UnitMove& a, const UnitMove& b) { return a.gain < b.gain; };
  const auto more = [](const UnitMove& a, const UnitMove& b) { return a.gain > b.gain; };
  std::priority_queue<UnitMove, std::vector<UnitMove>, decltype(less)> next(less);
  std::priority_queue<UnitMove, std::vector<UnitMove>, decltype(more)> last(more);
  const auto offer = [&](std::size_t i) {
    if (split->units[i] < ceilings[i]) next.push({gain(i, split->units[i]), i});
    if (split->units[i] > floors[i]) last.push({gain(i, split->units[i] - 1), i});
  };
  for (std::size_t i = 0; i < whole.size(); ++i) offer(i);
  // Entries go stale when their item moves: they are dropped where their gain is no longer the item's.
  while (!next.empty() && !last.empty()) {
    const UnitMove to = next.top(), from = last.top();
    if (split->units[to.item] == ceilings[to.item] || gain(to.item, split->units[to.item]) != to.gain) {
      next.pop();
      continue;
    }
    if (split->units[from.item] == floors[from.item] || gain(from.item, split->units[from.item] - 1) != from.gain) {
      last.pop();
      continue;
    }
    if (to.gain <= from.gain) break;
    ++split->units[to.item];
    --split->units[from.item];
    offer(to.item);
    offer(from.item);
  }
  split->gained = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    split->gained += value_of(whole[i].curve, static_cast<double>(split->units[i])) -
                     value_of(whole[i].curve, static_cast<double>(floors[i]));
  }
  split->next_gain = next.empty() ? 0.0 : std::max(0.0, next.top().gain);
  split->bound = split->gained;
  split->grows.reset();
  split->stop = StopReason::kOptimal;
  return split;
}

Result<std::vector<double>> waterfill_power(std::span<const double> c, std::span<const double> a, double budget) {
  if (c.size() != a.size()) {
    return invalid_argument("there are " + std::to_string(c.size()) + " c and " + std::to_string(a.size()) + " a");
  }
  std::vector<WaterItem> items;
  items.reserve(c.size());
  for (std::size_t i = 0; i < c.size(); ++i) items.push_back({PowerCurve{c[i], a[i]}});
  return water_filling(items, budget).map([](WaterFilling r) { return std::move(r.amounts); });
}

}  // namespace bursar::allocate
