// The best action at given prices, where there is a closed form; for actions that can be listed, PricedPolicy does it.
//
//   if (accept(fare, cost, prices)) sell();                                       // network revenue management
//   const double bid = second_price_bid(value, price_of_money, AuctionGoal::kUtility);
//   const double worth = spread(net_worth, /*temperature=*/.1, shares);           // over providers, not all to one
//   const Assortment shown = best_assortment(net_margin, weight);                 // customers choose by a logit
//
// Net means at prices: reward - price . cost. Values that are not finite give no sensible answer; callers check.
// Source: systems/dual-mirror-descent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bursar::admit {

// reward - prices . cost. O(resources).
[[nodiscard]] inline double net_worth(double reward, std::span<const double> cost, std::span<const double> prices) {
  double net = reward;
  for (std::size_t j = 0; j < prices.size(); ++j) net -= prices[j] * cost[j];
  return net;
}

// Worth more than it costs at the prices; a tie is left.
[[nodiscard]] inline bool accept(double reward, std::span<const double> cost, std::span<const double> prices) {
  return net_worth(reward, cost, prices) > 0;
}

enum class AuctionGoal : std::uint8_t {
  kUtility,  // value less what is paid: bid value / (1 + price)
  kValue,    // value alone:             bid value / price, infinite at price 0
};
// The bid of a second-price auction: winning whenever it exceeds the highest other bid is the best action.
[[nodiscard]] double second_price_bid(double value, double price_of_money, AuctionGoal goal);

// Shares x >= 0, sum <= 1, that maximise  net . x + temperature * H(x, 1 - sum x)  (H: entropy, the rest of the traffic
// counting as a share): x_j = e_j / (1 + sum e), e_j = exp(net_j / temperature). Fills x [net.size()] and returns the
// maximum, temperature * log(1 + sum e). temperature > 0. O(n), without overflow.
double spread(std::span<const double> net, double temperature, std::span<double> x);

// Which items to offer when a customer takes item j with probability weight_j / (1 + sum of the offered weights) and
// leaves otherwise: a prefix in the order of decreasing net margin. Weights >= 0. O(n log n).
struct Assortment {
  std::vector<std::size_t> items;  // best first
  double worth = 0;                // expected net margin
};
[[nodiscard]] Assortment best_assortment(std::span<const double> net_margin, std::span<const double> weight);

}  // namespace bursar::admit
