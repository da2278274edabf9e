#include "bursar/allocate/annotation_split.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "bursar/allocate/solve.h"

namespace bursar::allocate {
namespace {

constexpr double kMixFrom = 1000, kFirstShare = .75, kFallPerDoubling = .15, kLeastAnalytic = .1, kLeastOther = .05;
constexpr double kMostExamples = 1e15;

Result<void> check(const SplitBudget& b) {
  const auto positive = [](double x) { return x > 0 && std::isfinite(x); };
  if (!positive(b.cost_sft)) return invalid_argument("cost_sft is " + to_text(b.cost_sft) + "; a cost must be above 0");
  if (!positive(b.cost_pair)) {
    return invalid_argument("cost_pair is " + to_text(b.cost_pair) + "; a cost must be above 0");
  }
  const double cheaper = std::min(b.cost_sft, b.cost_pair);
  if (!std::isfinite(b.total) || b.total < cheaper) {
    return invalid_argument("the total " + to_text(b.total) + " does not buy one example; the cheaper costs " +
                            to_text(cheaper));
  }
  if (b.total / cheaper > kMostExamples) return invalid_argument("the total buys more than 1e15 examples");
  return {};
}

// floor(x) where x was meant to be whole but binary fractions fell a hair short.
std::int64_t whole(double x) { return static_cast<std::int64_t>(std::floor(x + 1e-9 * std::max(1.0, x) * 1e-3)); }

double rule_share(double n, TaskKind task) {
  if (n < kMixFrom) return 1;
  const double least = task == TaskKind::kAnalytic ? kLeastAnalytic : kLeastOther;
  return std::clamp(kFirstShare - kFallPerDoubling * std::log2(n / kMixFrom), least, kFirstShare);
}

// The grid share nearest to rho.
std::size_t grid_index(double rho) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < std::size(kSplitGrid); ++i) {
    if (std::abs(kSplitGrid[i] - rho) < std::abs(kSplitGrid[best] - rho)) best = i;
  }
  return best;
}

// The mean metric of the pilots at each share of the grid, of the largest pilots there.
Result<std::map<std::size_t, SplitPoint>> by_share(const SplitBudget& budget, std::span<const SplitPoint> pilots) {
  std::map<std::size_t, SplitPoint> out;
  std::map<std::size_t, std::int64_t> repeats;
  for (SplitPoint p : pilots) {
    if (p.n_sft < 0 || p.n_pair < 0 || p.n_sft + p.n_pair == 0) {
      return invalid_argument("a pilot has no examples, or a negative number of them");
    }
    if (!std::isfinite(p.metric)) return invalid_argument("the metric of a pilot is not a finite number");
    const double sft = static_cast<double>(p.n_sft) * budget.cost_sft;
    p.rho = sft / (sft + static_cast<double>(p.n_pair) * budget.cost_pair);
    const std::size_t at = grid_index(p.rho);
    auto& held = out[at];
    std::int64_t& n = repeats[at];
    if (n == 0 || p.n_sft + p.n_pair > held.n_sft + held.n_pair) {
      held = p, n = 1;
    } else if (p.n_sft + p.n_pair == held.n_sft + held.n_pair) {
      held.metric += (p.metric - held.metric) / static_cast<double>(++n);
    }
  }
  return out;
}

void follow_pilots(const std::map<std::size_t, SplitPoint>& table, SplitAdvice& advice, double& rho) {
  const auto best = std::ranges::max_element(table, {}, [](const auto& entry) { return entry.second.metric; });
  const std::size_t at = best->first;
  rho = best->second.rho;
  for (const auto& [_, point] : table) advice.measured.push_back(point);
  for (const std::size_t neighbour : {at - 1, at + 1}) {  // at - 1 wraps at the lower end
    if (neighbour < std::size(kSplitGrid) && !table.contains(neighbour)) {
      advice.next_pilots.push_back(kSplitGrid[neighbour]);
    }
  }
  advice.reason = "heuristic: share " + to_text(std::round(rho * 1000) / 1000) + " scored best of " +
                  std::to_string(table.size()) + " tried (" + to_text(best->second.metric) + ")";
  advice.reason += advice.next_pilots.empty() ? "; both neighbours were tried and are not better"
                                              : "; try its untried neighbours at pilot size before spending the rest";
}

}  // namespace

Result<SplitPoint> split_at(const SplitBudget& budget, double rho) {
  if (auto ok = check(budget); !ok) return tl::unexpected(ok.error());
  if (!(rho >= 0 && rho <= 1)) return invalid_argument("rho is " + to_text(rho) + "; a share lies in [0, 1]");
  SplitPoint point{.rho = rho};
  point.n_sft = whole(rho * budget.total / budget.cost_sft);
  const double left = budget.total - static_cast<double>(point.n_sft) * budget.cost_sft;
  if (rho < 1) point.n_pair = std::max<std::int64_t>(0, whole(left / budget.cost_pair));
  return point;
}

Result<std::vector<SplitPoint>> sweep_split(const SplitBudget& budget, std::span<const double> shares,
                                            const EvaluateSplit& evaluate) {
  std::vector<SplitPoint> out;
  for (const double rho : shares) {
    auto point = split_at(budget, rho);
    if (!point) return tl::unexpected(point.error());
    const auto metric = evaluate(*point);
    if (!metric) return tl::unexpected(with_context("share " + to_text(rho), metric.error()));
    point->metric = *metric;
    out.push_back(*point);
  }
  return out;
}

Result<SplitAdvice> recommend_split(const SplitBudget& budget, TaskKind task, std::span<const SplitPoint> pilots) {
  if (auto ok = check(budget); !ok) return tl::unexpected(ok.error());
  SplitAdvice advice{.equivalent_examples = budget.total / ((budget.cost_sft + budget.cost_pair) / 2)};
  double rho = rule_share(advice.equivalent_examples, task);
  double metric = 0;
  if (pilots.empty()) {
    advice.reason = "heuristic: " + to_text(std::floor(advice.equivalent_examples)) + " equivalent examples, " +
                    (rho == 1 ? "fewer than 1000: demonstrations alone"
                              : "1000 or more: a mix whose share of demonstrations falls with size") +
                    "; no pilot was measured";
  } else {
    const auto table = by_share(budget, pilots);
    if (!table) return tl::unexpected(table.error());
    follow_pilots(*table, advice, rho);
    for (const auto& [_, p] : *table) metric = std::max(metric, p.rho == rho ? p.metric : metric);
  }
  const auto point = split_at(budget, rho);
  if (!point) return tl::unexpected(point.error());
  advice.point = *point;
  advice.point.metric = metric;
  if (point->n_sft == 0) {
    advice.warnings.emplace_back("cold start: without demonstrations preferences start from the base model");
  }
  if (point->n_pair == 0) advice.warnings.emplace_back("no pairs: preference fine-tuning is skipped");
  return advice;
}

}  // namespace bursar::allocate
