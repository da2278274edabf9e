#include "bursar/admit/dual_mirror_descent.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/core/json.h"
#include "bursar/core/random.h"

namespace bursar::admit {
namespace {

using testing::HasSubstr;

std::unique_ptr<DualMirrorDescent> made(std::vector<double> budget, std::uint64_t horizon, MirrorConfig config) {
  auto source = DualMirrorDescent::make({std::move(budget), horizon}, std::move(config));
  EXPECT_TRUE(source) << source.error().message;
  return std::move(*source);
}

// argmin_{u >= 0} g u + V_h(u, mu) / eta by golden section; the objective is convex.
double best_price(double mu, double g, double eta, const std::function<double(double, double)>& divergence) {
  const auto f = [&](double u) { return g * u + divergence(u, mu) / eta; };
  double low = 0, high = 10;
  const double golden = (std::sqrt(5.0) - 1) / 2;
  for (int i = 0; i < 200; ++i) {
    const double a = high - golden * (high - low), b = low + golden * (high - low);
    if (f(a) < f(b)) {
      high = b;
    } else {
      low = a;
    }
  }
  return (low + high) / 2;
}

TEST(MirrorStep, IsTheArgminOfItsDefinition) {
  RandomStream random(1);
  for (int i = 0; i < 50; ++i) {
    const double mu = random.uniform(.1, 2), g = random.uniform(-1, 1), eta = random.uniform(.1, 1),
                 s = random.uniform(.5, 2);
    std::vector<double> e{mu}, w{mu}, x{mu};
    mirror_step(Mirror::kEuclidean, e, std::vector{g}, eta);
    mirror_step(Mirror::kWeighted, w, std::vector{g}, eta, std::vector{s});
    mirror_step(Mirror::kEntropy, x, std::vector{g}, eta);
    EXPECT_NEAR(e[0], best_price(mu, g, eta, [](double u, double v) { return (u - v) * (u - v) / 2; }), 1e-6);
    EXPECT_NEAR(w[0], best_price(mu, g, eta, [&](double u, double v) { return (u - v) * (u - v) / (2 * s); }), 1e-6);
    const auto relative = [](double u, double v) { return (u > 0 ? u * std::log(u / v) : 0) - u + v; };
    EXPECT_NEAR(x[0], best_price(mu, g, eta, relative), 1e-6);
  }
}

TEST(MirrorStep, KeepsPricesWhereEtaIsZero) {
  std::vector<double> mu{.3, .7};
  for (const Mirror mirror : {Mirror::kEuclidean, Mirror::kEntropy, Mirror::kWeighted}) {
    mirror_step(mirror, mu, std::vector{1.0, -5.0}, 0, std::vector{2.0, 2.0});
  }
  EXPECT_THAT(mu, testing::ElementsAre(.3, .7));
}

TEST(DualMirrorDescent, StepsInScaledUnits) {
  // Rewards to 10, costs to 200: the price of a scaled run times 10 / 200.
  for (const Mirror mirror : {Mirror::kEuclidean, Mirror::kEntropy}) {
    auto plain = made({20}, 100, {.mirror = mirror, .reward_scale = 1, .cost_scale = {1}});
    auto scaled = made({4000}, 100, {.mirror = mirror, .reward_scale = 10, .cost_scale = {200}});
    RandomStream random(2);
    for (int t = 0; t < 100; ++t) {
      const double b = random.uniform01(), f = random.uniform01(), large = 200 * b;
      plain->learn({.intended = std::span(&b, 1), .reward = f});
      scaled->learn({.intended = std::span(&large, 1), .reward = 10 * f});
      ASSERT_NEAR(scaled->current()[0], plain->current()[0] * 10 / 200, 1e-12);
    }
  }
}

TEST(DualMirrorDescent, LearnsItsScaleFromWhatItTakes) {
  auto source = made({20}, 100, {.mirror = Mirror::kEntropy});
  EXPECT_EQ(source->current()[0], 0);
  const double b = 4;
  source->learn({.intended = std::span(&b, 1), .reward = 8});
  // The scale is 5 rho = 1. Begins at 0.3 x 8 / 1, and has moved by 3 / sqrt(100) x (0.2 - 4) / 1 since.
  EXPECT_NEAR(source->current()[0], 2.4 * std::exp(.3 * 3.8), 1e-12);
  auto small = made({20}, 100, {.mirror = Mirror::kEntropy});
  const double little = .01;  // counts as 0.2, the allowance
  small->learn({.intended = std::span(&little, 1), .reward = 8});
  EXPECT_NEAR(small->current()[0], 12 * std::exp(-.3 * .19 / .2), 1e-12);
  auto rich = made({200}, 100, {.mirror = Mirror::kEntropy});
  rich->learn({.intended = std::span(&b, 1), .reward = 8});
  EXPECT_NEAR(rich->current()[0], .6 * std::exp(.3 * (4 - 2) / 4), 1e-12);
}

// The sheet's price cap: with eta b_max <= 1 and rewards within the scale no price passes f_max / rho + 1.
TEST(DualMirrorDescent, NeverPricesAboveTheCapOfTheSheet) {
  auto source =
      made({5, 10}, 100, {.mirror = Mirror::kEuclidean, .reward_scale = 1, .cost_scale = {1, 1}, .clip = false});
  const double rho[] = {.05, .1};
  RandomStream random(3);
  for (int t = 0; t < 5000; ++t) {
    // The greediest demand there can be: everything, while anything is worth its price.
    std::vector<double> b{random.bernoulli(.9) ? 1.0 : 0.0, random.uniform01()};
    const auto mu = source->current();
    if (1 - mu[0] * b[0] - mu[1] * b[1] <= 0) b = {0, 0};
    source->learn({.intended = b, .reward = 1});
    for (std::size_t j = 0; j < 2; ++j) ASSERT_LE(source->current()[j], 1 / rho[j] + 1);
  }
}

TEST(DualMirrorDescent, ClipsWhatCorruptedInputWouldDriveAway) {
  auto source = made({5}, 100, {.reward_scale = 1, .cost_scale = {1}});
  const double b = 50;
  for (int t = 0; t < 1000; ++t) source->learn({.intended = std::span(&b, 1), .reward = 100});
  EXPECT_DOUBLE_EQ(source->current()[0], 1 / .05 + 1);
  EXPECT_EQ(source->above_scale(), 1000U);
}

TEST(DualMirrorDescent, RecedesToWhatRemains) {
  auto source =
      made({100}, 10, {.mirror = Mirror::kEuclidean, .pace = Pace::kReceding, .reward_scale = 1, .cost_scale = {1}});
  const double left = 2, b = 1;
  (void)source->prices({.remaining = std::span(&left, 1), .decided = 6});
  source->learn({.intended = std::span(&b, 1), .reward = 1});
  EXPECT_NEAR(source->current()[0], (1 - 2.0 / 4) / std::sqrt(10.0), 1e-12);
}

TEST(DualMirrorDescent, RecedesByTheClock) {
  auto source = made(
      {100}, 0,
      {.mirror = Mirror::kEuclidean, .pace = Pace::kReceding, .reward_scale = 1, .cost_scale = {1}, .period_s = 100});
  const double left = 50, b = 1;
  (void)source->prices({.remaining = std::span(&left, 1), .decided = 0, .time_s = 1000});
  EXPECT_FALSE(source->past_end());
  // 500 requests in half of the period: 500 more to come, a tenth of a unit each.
  (void)source->prices({.remaining = std::span(&left, 1), .decided = 499, .time_s = 1050});
  source->learn({.intended = std::span(&b, 1), .reward = 1});
  EXPECT_NEAR(source->current()[0], .9 / std::sqrt(1000.0), 1e-12);
  (void)source->prices({.remaining = std::span(&left, 1), .decided = 1000, .time_s = 1101});
  EXPECT_TRUE(source->past_end());
}

TEST(DualMirrorDescent, DoublesItsEpochs) {
  auto source = made(
      {100}, 0,
      {.mirror = Mirror::kEuclidean, .pace = Pace::kDoubling, .reward_scale = 1, .cost_scale = {1}, .first_epoch = 4});
  const double left = 80, b = 1;
  double before = 0;
  for (std::uint64_t t = 0; t < 12; ++t) {
    (void)source->prices({.remaining = std::span(&left, 1), .decided = t});
    before = source->current()[0];
    source->learn({.intended = std::span(&b, 1), .reward = 1});
    const double length = t < 4 ? 4 : 8, rho = 80 / (2 * length);
    EXPECT_NEAR(source->current()[0], std::max(0.0, before - (rho - 1) / std::sqrt(length)), 1e-12) << t;
  }
}

TEST(DualMirrorDescent, SaysWhatIsWrong) {
  EXPECT_THAT(DualMirrorDescent::make({{1}, 0}, {}).error().message, HasSubstr("horizon"));
  EXPECT_THAT(DualMirrorDescent::make({{0}, 5}, {}).error().message, HasSubstr("budget: is 0"));
  EXPECT_THAT(DualMirrorDescent::make({{1}, 5}, {.initial_prices = {0}}).error().message, HasSubstr("stays 0"));
  EXPECT_THAT(DualMirrorDescent::make({{1}, 5}, {.cost_scale = {1, 2}}).error().message,
              HasSubstr("cost_scale: has 2"));
}

}  // namespace
}  // namespace bursar::admit
