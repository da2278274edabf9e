// A net over a box: so many points that none of the box is further than eps from one, for arms that are numbers.
//
//   const double step = net_step(/*rounds=*/1e4, /*lipschitz=*/1);       // (T L^2 / ln T)^(-1/3)
//   Net prices = uniform_net({{0, 1}}, step / 2).value();                // neighbours are a step apart
//   auto learner = Ucb1::make({.arms = prices.size(), .horizon = 10'000});
//   charge(prices.point(*choice.arm)[0]);
//
// Where means change by at most L |x - x'|, UCB1 on the net has E R <= L^(1/3) T^(2/3) O(ln T)^(1/3), and in d
// dimensions T^((d+1)/(d+2)) O(c ln T)^(1/(d+2)); no learner does better than L^(1/3) T^(2/3) on every such instance.
// zooming.h needs fewer points where few are good, and pays for it only in long runs. Source: systems/bandits, 7.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::explore {

struct Net {
  std::size_t dimension = 1;
  std::vector<double> points;  // [size x dimension]
  [[nodiscard]] std::size_t size() const { return points.size() / dimension; }
  [[nodiscard]] std::span<const double> point(std::size_t i) const {
    return std::span(points).subspan(i * dimension, dimension);
  }
};

[[nodiscard]] double net_step(double rounds, double lipschitz);
// Cells of side at most 2 eps, a point in the middle of each (largest distance of any coordinate <= eps).
// kInvalidArgument for empty sides, eps <= 0, or more than 2^24 points.
[[nodiscard]] Result<Net> uniform_net(const std::vector<std::pair<double, double>>& box, double eps);

}  // namespace bursar::explore
