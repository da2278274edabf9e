#include "bursar/allocate/rollout_value.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "bursar/allocate/marginal_greedy.h"

namespace bursar::allocate {
namespace {

constexpr std::int64_t kMostRollouts = std::int64_t{1} << 40;

Result<void> check(std::span<const RolloutItem> batch, std::int64_t total, const KnapsackRolloutConfig& c) {
  const auto whole = [](std::int64_t x) { return x >= 0 && x <= kMostRollouts; };
  if (!whole(total)) return invalid_argument("total is " + std::to_string(total) + "; it must be from 0 to 2^40");
  for (const std::int64_t x : {c.n_ref, c.n_low, c.n_up, c.negative_n, c.positive_n, c.min_seen}) {
    if (!whole(x))
      return invalid_argument("a count of the configuration is " + std::to_string(x) + "; it must not be negative");
  }
  if (c.n_low > c.n_up) {
    return invalid_argument("n_low " + std::to_string(c.n_low) + " exceeds n_up " + std::to_string(c.n_up));
  }
  if (!(c.alpha > 0 && c.alpha < 1)) {
    return invalid_argument("alpha is " + to_text(c.alpha) + "; it must lie between 0 and 1, both excluded");
  }
  for (const RolloutItem& item : batch) {
    if (item.p_hat && !(*item.p_hat >= 0 && *item.p_hat <= 1)) {
      return invalid_argument("p_hat of prompt \"" + item.id + "\" is " + to_text(*item.p_hat) +
                              "; a success rate lies in [0, 1]");
    }
    if (item.seen < 0) return invalid_argument("seen of prompt \"" + item.id + "\" is negative");
  }
  return {};
}

enum class Kind : std::uint8_t { kUnknown, kEffective, kAtZero, kAtOne };

// Working state of one allocation.
struct Allocation {
  std::vector<Kind> kinds;
  std::vector<std::int64_t> units;
  RolloutReport report;

  [[nodiscard]] std::vector<std::size_t> of(auto... wanted) const {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      if (((kinds[i] == wanted) || ...)) out.push_back(i);
    }
    return out;
  }
  // The first ones get the units that do not divide.
  void share_evenly(std::int64_t pool, const std::vector<std::size_t>& over) {
    const auto n = static_cast<std::int64_t>(over.size());
    for (std::int64_t k = 0; k < n; ++k) units[over[static_cast<std::size_t>(k)]] += pool / n + (k < pool % n ? 1 : 0);
  }
};

Allocation at_floors(std::span<const RolloutItem> batch, const KnapsackRolloutConfig& config) {
  Allocation a;
  for (const RolloutItem& item : batch) {
    if (!item.p_hat || item.seen < config.min_seen) {
      a.kinds.push_back(Kind::kUnknown), a.units.push_back(config.n_ref), ++a.report.unknown;
    } else if (*item.p_hat == 0) {
      a.kinds.push_back(Kind::kAtZero), a.units.push_back(config.negative_n), ++a.report.at_zero;
    } else if (*item.p_hat == 1) {
      a.kinds.push_back(Kind::kAtOne), a.units.push_back(config.positive_n), ++a.report.at_one;
    } else {
      a.kinds.push_back(Kind::kEffective), a.units.push_back(config.n_low), ++a.report.effective;
    }
  }
  return a;
}

// Lowers the largest until `excess` units are gone, and merges what is left of groups of one.
void shave(Allocation& a, std::int64_t excess) {
  std::int64_t low = 0, high = std::ranges::max(a.units);  // the level: units above it go
  const auto above = [&](std::int64_t level) {
    std::int64_t sum = 0;
    for (const std::int64_t n : a.units) sum += std::max<std::int64_t>(0, n - level);
    return sum;
  };
  while (low < high) {  // the lowest level that does not remove too much
    const std::int64_t middle = (low + high) / 2;
    above(middle) <= excess ? high = middle : low = middle + 1;
  }
  std::int64_t more = excess - above(low);
  for (std::int64_t& n : a.units) n = std::min(n, low);
  for (auto n = a.units.rbegin(); n != a.units.rend() && more > 0; ++n) {
    if (*n == low) --*n, --more;
  }
  a.report.warning = "the floors exceed the total by " + std::to_string(excess) + " rollouts; the largest were shaved";
  std::vector<std::size_t> single;
  for (std::size_t i = 0; i < a.units.size(); ++i) {
    if (a.units[i] == 1) single.push_back(i);
  }
  for (std::size_t k = 0; k + 1 < single.size(); k += 2) a.units[single[k]] = 2, a.units[single[k + 1]] = 0;
  if (single.size() % 2 == 0) return;
  const auto largest = std::ranges::max_element(a.units);
  if (*largest > 1)
    ++*largest, a.units[single.back()] = 0;
  else
    a.report.warning += "; one group of one remains";
}

// Marginal value with running powers: asked for n in rising order, each item by itself.
class Gains {
 public:
  Gains(std::span<const RolloutItem> batch, const std::vector<std::size_t>& items, std::int64_t from) {
    for (const std::size_t i : items) {
      const double p = *batch[i].p_hat, n = static_cast<double>(from);
      curves_.push_back({.p = p, .p_n = std::pow(p, n), .q_n = std::pow(1 - p, n), .at = from});
    }
  }
  double operator()(std::size_t k, std::int64_t n) {
    Curve& c = curves_[k];
    for (; c.at < n; ++c.at) c.p_n *= c.p, c.q_n *= 1 - c.p;
    return c.p * (1 - c.p) * (1 - c.p) * (c.p_n * (1 - c.p) + c.q_n * c.p);
  }

 private:
  struct Curve {
    double p, p_n, q_n;
    std::int64_t at;
  };
  std::vector<Curve> curves_;
};

Result<std::int64_t> spend_by_value(Allocation& a, std::span<const RolloutItem> batch, std::int64_t left,
                                    const KnapsackRolloutConfig& config) {
  const auto items = a.of(Kind::kEffective);
  const auto n = static_cast<std::int64_t>(items.size());
  const UnitProblem problem{
      .items = items.size(), .budget = left + n * config.n_low, .floor = config.n_low, .ceiling = config.n_up};
  // Rounding in the running powers can make a gain grow in its last bit; the greedy order is exact all the same.
  const auto split = marginal_greedy(problem, Gains(batch, items, config.n_low), {.when_gains_grow = Growth::kReport});
  if (!split) return tl::unexpected(split.error());
  for (std::size_t k = 0; k < items.size(); ++k) a.units[items[k]] = split->units[k];
  return left + n * config.n_low - split->spent;
}

std::int64_t spend_evenly(Allocation& a, std::int64_t left, const KnapsackRolloutConfig& config) {
  auto open = a.of(Kind::kEffective);
  while (left > 0 && !open.empty()) {
    std::int64_t room = left;
    for (const std::size_t i : open) room = std::min(room, config.n_up - a.units[i]);
    const auto n = static_cast<std::int64_t>(open.size());
    const std::int64_t pool = std::min(left, room * n);
    if (pool > 0) a.share_evenly(pool, open), left -= pool;
    std::erase_if(open, [&](std::size_t i) { return a.units[i] >= config.n_up; });
  }
  return left;
}

Result<void> spend(Allocation& a, std::span<const RolloutItem> batch, std::int64_t left,
                   const KnapsackRolloutConfig& config) {
  const auto zeros = a.of(Kind::kAtZero);
  std::vector<std::size_t> everyone(batch.size());
  std::iota(everyone.begin(), everyone.end(), std::size_t{0});
  if (a.report.effective == 0) {
    a.report.surplus = left;
    if (!zeros.empty()) return a.share_evenly(left, zeros), Result<void>();
    left += std::accumulate(a.units.begin(), a.units.end(), std::int64_t{0});
    std::ranges::fill(a.units, 0);
    return a.share_evenly(left, everyone), Result<void>();
  }
  const auto others = zeros.empty() ? a.of(Kind::kAtOne, Kind::kUnknown) : zeros;
  if (config.fallback && !others.empty()) {
    std::int64_t need = 0;
    for (const std::size_t i : a.of(Kind::kEffective)) {
      const double demand = rollout_demand(*batch[i].p_hat, config.demand, config.alpha);
      need += static_cast<std::int64_t>(std::min(static_cast<double>(config.n_up), demand));
    }
    if (need < left) {
      a.report.surplus = left - need;
      a.share_evenly(a.report.surplus, others);
      left = need;
    }
  }
  if (config.knapsack) {
    auto rest = spend_by_value(a, batch, left, config);
    if (!rest) return tl::unexpected(rest.error());
    left = *rest;
  } else {
    left = spend_evenly(a, left, config);
  }
  if (left > 0) a.share_evenly(left, everyone);
  return {};
}

}  // namespace

double mixed_probability(double p, std::int64_t n) {
  if (n < 2 || p <= 0 || p >= 1) return 0;
  return 1 - std::pow(p, static_cast<double>(n)) - std::pow(1 - p, static_cast<double>(n));
}

double rollout_value(double p, std::int64_t n) { return mixed_probability(p, n) * p * (1 - p) * (1 - p); }

double rollout_demand(double p, DemandModel model, double alpha) {
  if (model == DemandModel::kExpectation) return 1 / p + 1 / (1 - p) - 1;
  return std::log1p(-alpha) / std::log(std::max(p, 1 - p));
}

Result<RolloutPlan> allocate_rollouts(std::span<const RolloutItem> batch, std::int64_t total,
                                      const KnapsackRolloutConfig& config) {
  if (auto ok = check(batch, total, config); !ok) return tl::unexpected(ok.error());
  if (batch.empty()) {
    if (total == 0) return RolloutPlan{};
    return invalid_argument("the batch is empty, and " + std::to_string(total) + " rollouts have nowhere to go");
  }
  Allocation a = at_floors(batch, config);
  const std::int64_t left = total - std::accumulate(a.units.begin(), a.units.end(), std::int64_t{0});
  if (left < 0) shave(a, -left);
  if (left > 0) {
    if (auto ok = spend(a, batch, left, config); !ok) return tl::unexpected(ok.error());
  }
  double known = 0, mixed = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    a.report.largest = std::max(a.report.largest, a.units[i]);
    if (a.kinds[i] == Kind::kUnknown) continue;
    known += static_cast<double>(a.units[i]);
    mixed += static_cast<double>(a.units[i]) * mixed_probability(*batch[i].p_hat, a.units[i]);
  }
  a.report.expected_effective_ratio = known > 0 ? mixed / known : 0;
  return RolloutPlan{.rollouts = std::move(a.units), .report = std::move(a.report)};
}

}  // namespace bursar::allocate
