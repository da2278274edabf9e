#include "bursar/explore/metric/net.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "bursar/explore/learner_checks.h"

namespace bursar::explore {

double net_step(double rounds, double lipschitz) {
  return std::pow(rounds * lipschitz * lipschitz / std::log(std::max(rounds, 2.0)), -1.0 / 3);
}

Result<Net> uniform_net(const std::vector<std::pair<double, double>>& box, double eps) {
  if (box.empty()) return invalid_argument("box: has no sides");
  if (auto ok = check_positive("eps", eps); !ok) return tl::unexpected(ok.error());
  std::vector<std::size_t> cells;
  double count = 1;
  for (const auto& [low, high] : box) {
    if (!std::isfinite(low) || !std::isfinite(high) || !(low < high)) {
      return invalid_argument("box: sides must be two numbers, the lower first");
    }
    const double along = std::max(1.0, std::ceil((high - low) / (2 * eps) - 1e-9));
    count *= along;
    if (count > static_cast<double>(kMostArms)) {
      return invalid_argument("eps: " + std::to_string(eps) + " gives more than " + std::to_string(kMostArms) +
                              " points; take a larger one");
    }
    cells.push_back(static_cast<std::size_t>(along));
  }
  Net out{.dimension = box.size()};
  std::vector<std::size_t> at(box.size());
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    for (std::size_t k = 0; k < box.size(); ++k) {
      const auto& [low, high] = box[k];
      out.points.push_back(low + (high - low) * (static_cast<double>(at[k]) + .5) / static_cast<double>(cells[k]));
    }
    for (std::size_t k = 0; k < box.size() && ++at[k] == cells[k]; ++k) at[k] = 0;
  }
  return out;
}

}  // namespace bursar::explore
