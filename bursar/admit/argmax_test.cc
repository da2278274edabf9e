#include "bursar/admit/argmax.h"

#include <cmath>
#include <gtest/gtest.h>

#include "bursar/core/random.h"

namespace bursar::admit {
namespace {

TEST(Accept, LeavesATie) {
  const std::vector<double> cost{1, 2}, mu{.5, .25};
  EXPECT_FALSE(accept(1, cost, mu));
  EXPECT_TRUE(accept(1.001, cost, mu));
}

// Over a grid of competing prices: the bid wins exactly where winning is worth it.
TEST(SecondPriceBid, WinsWhereWinningPays) {
  RandomStream random(1);
  for (int i = 0; i < 2000; ++i) {
    const double v = random.uniform01(), mu = random.uniform(0, 3), p = random.uniform01();
    EXPECT_EQ(second_price_bid(v, mu, AuctionGoal::kUtility) > p, v - p - mu * p > 0);
    EXPECT_EQ(second_price_bid(v, mu, AuctionGoal::kValue) > p, v - mu * p > 0);
  }
  EXPECT_TRUE(std::isinf(second_price_bid(.5, 0, AuctionGoal::kValue)));
}

double entropy_worth(std::span<const double> net, double temperature, std::span<const double> x) {
  double rest = 1, worth = 0, entropy = 0;
  const auto term = [](double p) { return p > 0 ? -p * std::log(p) : 0; };
  for (std::size_t j = 0; j < net.size(); ++j) {
    rest -= x[j];
    worth += net[j] * x[j];
    entropy += term(x[j]);
  }
  return worth + temperature * (entropy + term(std::max(0.0, rest)));
}

TEST(Spread, BeatsEveryOtherPointOfTheSimplex) {
  RandomStream random(2);
  for (int instance = 0; instance < 30; ++instance) {
    const double temperature = random.uniform(.05, 2);
    std::vector<double> net(4), x(4), other(4);
    for (double& r : net) r = random.uniform(-1, 2);
    const double best = spread(net, temperature, x);
    EXPECT_NEAR(entropy_worth(net, temperature, x), best, 1e-12);
    for (int i = 0; i < 500; ++i) {
      double sum = random.exponential();
      for (double& s : other) sum += s = random.exponential();
      for (double& s : other) s /= sum;
      ASSERT_LE(entropy_worth(net, temperature, other), best + 1e-12);
    }
  }
}

TEST(Spread, DoesNotOverflow) {
  std::vector<double> net{1e6, -1e6}, x(2);
  EXPECT_DOUBLE_EQ(spread(net, .001, x), 1e6);
  EXPECT_DOUBLE_EQ(x[0], 1);
}

TEST(BestAssortment, IsTheBestOfAllSubsets) {
  RandomStream random(3);
  for (int instance = 0; instance < 200; ++instance) {
    std::vector<double> margin(8), weight(8);
    for (double& r : margin) r = random.uniform(-.5, 1);
    for (double& v : weight) v = random.uniform(0, 3);
    double best = 0;
    for (unsigned set = 0; set < 256; ++set) {
      double gain = 0, mass = 1;
      for (std::size_t j = 0; j < 8; ++j) {
        if ((set >> j & 1U) != 0) gain += margin[j] * weight[j], mass += weight[j];
      }
      best = std::max(best, gain / mass);
    }
    EXPECT_NEAR(best_assortment(margin, weight).worth, best, 1e-12);
  }
}

}  // namespace
}  // namespace bursar::admit
