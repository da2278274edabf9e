#include "bursar/explore/knapsack/knapsack_mix.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "bursar/allocate/linear_program.h"

namespace bursar::explore {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Result<void> check(const MixProblem& p) {
  if (p.reward.empty() || p.allowance.empty()) return invalid_argument("mix: needs an arm and a resource");
  if (p.cost.size() != p.reward.size() * p.allowance.size()) {
    return invalid_argument("cost: has " + std::to_string(p.cost.size()) + " numbers for " +
                            std::to_string(p.reward.size()) + " arms x " + std::to_string(p.allowance.size()) +
                            " resources");
  }
  const auto amounts = [](std::span<const double> v) {
    return std::ranges::all_of(v, [](double x) { return std::isfinite(x) && x >= 0; });
  };
  if (!amounts(p.cost)) return invalid_argument("cost: must be finite numbers of at least 0");
  if (!amounts(p.allowance)) return invalid_argument("allowance: must be finite numbers of at least 0");
  if (!std::ranges::all_of(p.reward, [](double x) { return std::isfinite(x); })) {
    return invalid_argument("reward: must be finite numbers");
  }
  return {};
}

struct Corner {
  double cost = 0, reward = 0;
  std::size_t arm = SIZE_MAX;  // SIZE_MAX: doing nothing
};

// The corners of the upper hull of doing nothing and all arms, up to the highest reward; costs and rewards rise, slopes
// fall.
std::vector<Corner> hull(const MixProblem& p) {
  std::vector<Corner> all{Corner{}};
  for (std::size_t a = 0; a < p.reward.size(); ++a) all.push_back({p.cost[a], p.reward[a], a});
  std::ranges::stable_sort(
      all, [](const Corner& l, const Corner& r) { return l.cost != r.cost ? l.cost < r.cost : l.reward > r.reward; });
  std::vector<Corner> out;
  for (const Corner& c : all) {
    if (!out.empty() && c.reward <= out.back().reward) continue;
    while (out.size() >= 2) {
      const Corner &a = out[out.size() - 2], &b = out.back();
      if ((b.reward - a.reward) * (c.cost - b.cost) > (c.reward - b.reward) * (b.cost - a.cost)) break;
      out.pop_back();
    }
    out.push_back(c);
  }
  return out;
}

Mix one_resource(const MixProblem& p) {
  Mix out{.x = std::vector<double>(p.reward.size()), .value = 0, .price = {0}};
  const auto corners = hull(p);
  const double allowance = p.allowance[0];
  const auto take = [&](const Corner& c, double share) {
    if (c.arm != SIZE_MAX) out.x[c.arm] = share;
    out.value += share * c.reward;
  };
  std::size_t above = 0;
  while (above < corners.size() && corners[above].cost <= allowance) ++above;
  if (above == corners.size()) {
    take(corners.back(), 1);
    return out;
  }
  const Corner &low = corners[above - 1], &high = corners[above];  // doing nothing costs nothing: above > 0
  const double share = (allowance - low.cost) / (high.cost - low.cost);
  take(low, 1 - share);
  take(high, share);
  out.price[0] = (high.reward - low.reward) / (high.cost - low.cost);
  return out;
}

}  // namespace

Result<Mix> best_mix(const MixProblem& p) {
  if (auto ok = check(p); !ok) return tl::unexpected(ok.error());
  const std::size_t arms = p.reward.size(), d = p.allowance.size();
  if (d == 1) return one_resource(p);
  allocate::LinearProgram lp{.objective = {p.reward.begin(), p.reward.end()},
                             .upper = std::vector<double>(arms, kInfinity),
                             .start = {0},
                             .row = {},
                             .element = {},
                             .row_lower = {},
                             .row_upper = {p.allowance.begin(), p.allowance.end()}};
  lp.row_upper.push_back(1);
  for (std::size_t a = 0; a < arms; ++a) {
    for (std::size_t j = 0; j < d; ++j) {
      lp.row.push_back(static_cast<int>(j));
      lp.element.push_back(p.cost[a * d + j]);
    }
    lp.row.push_back(static_cast<int>(d));
    lp.element.push_back(1);
    lp.start.push_back(static_cast<int>(lp.row.size()));
  }
  auto solved = allocate::maximise(lp);
  if (!solved) return tl::unexpected(solved.error());
  solved->price.resize(d);
  return Mix{.x = std::move(solved->x), .value = solved->objective, .price = std::move(solved->price)};
}

}  // namespace bursar::explore
