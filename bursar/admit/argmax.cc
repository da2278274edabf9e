#include "bursar/admit/argmax.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace bursar::admit {

double second_price_bid(double value, double price_of_money, AuctionGoal goal) {
  if (goal == AuctionGoal::kUtility) return value / (1 + price_of_money);
  if (value <= 0) return 0;
  return price_of_money > 0 ? value / price_of_money : std::numeric_limits<double>::infinity();
}

double spread(std::span<const double> net, double temperature, std::span<double> x) {
  double top = 0;  // the exponent of doing nothing
  for (const double v : net) top = std::max(top, v / temperature);
  double sum = std::exp(-top);
  for (std::size_t j = 0; j < net.size(); ++j) {
    x[j] = std::exp(net[j] / temperature - top);
    sum += x[j];
  }
  for (double& v : x) v /= sum;
  return temperature * (top + std::log(sum));
}

Assortment best_assortment(std::span<const double> net_margin, std::span<const double> weight) {
  std::vector<std::size_t> order(net_margin.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater{}, [&](std::size_t j) { return net_margin[j]; });
  double gain = 0, mass = 1, best = 0;
  std::size_t taken = 0;
  for (std::size_t n = 0; n < order.size(); ++n) {
    gain += net_margin[order[n]] * weight[order[n]];
    mass += weight[order[n]];
    if (gain / mass > best) best = gain / mass, taken = n + 1;
  }
  order.resize(taken);
  return {std::move(order), best};
}

}  // namespace bursar::admit
