#include <cmath>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bursar/core/beta_posterior.h"
#include "bursar/core/gamma_posterior.h"

namespace bursar {
namespace {

// Mean and share below the median of many draws.
template <class Posterior>
void expect_draws_follow(const Posterior& posterior, double tolerance) {
  RandomStream random = RandomStream(11).split("draws");
  constexpr int kDraws = 100'000;
  double sum = 0, squares = 0;
  int below = 0;
  const double median = posterior.quantile(.5);
  for (int i = 0; i < kDraws; ++i) {
    const double x = posterior.sample(random);
    sum += x;
    squares += (x - posterior.mean()) * (x - posterior.mean());
    below += x <= median;
  }
  EXPECT_NEAR(sum / kDraws, posterior.mean(), tolerance * std::sqrt(posterior.variance()));
  EXPECT_NEAR(squares / kDraws, posterior.variance(), 5 * tolerance * posterior.variance());
  EXPECT_NEAR(below / double{kDraws}, .5, .006);
}

TEST(BetaPosterior, CountsEvidence) {
  auto p = BetaPosterior::create().value();
  EXPECT_EQ(p.mean(), .5);
  EXPECT_NEAR(p.variance(), 1.0 / 12, 1e-15);
  ASSERT_TRUE(p.observe(7, 3));
  EXPECT_DOUBLE_EQ(p.mean(), 8.0 / 12);
  const auto [low, high] = p.interval(.95);  // R: qbeta(c(.025, .975), 8, 4)
  EXPECT_NEAR(low, .3902574, 1e-6);
  EXPECT_NEAR(high, .8907366, 1e-6);
}

TEST(BetaPosterior, DrawsFollowItAlsoWhereMassSitsAtTheEnds) {
  expect_draws_follow(BetaPosterior::create(8, 4).value(), .02);
  expect_draws_follow(BetaPosterior::create(.5, .5).value(), .02);
  RandomStream random(1);
  const auto extreme = BetaPosterior::create(.001, .001).value();
  int high = 0;
  for (int i = 0; i < 2000; ++i) {
    const double x = extreme.sample(random);
    ASSERT_TRUE(x >= 0 && x <= 1);
    high += x > .5;
  }
  EXPECT_NEAR(high, 1000, 110);
}

TEST(BetaPosterior, DiscountForgetsTowardsThePrior) {
  const auto prior = BetaPosterior::create(2, 2).value();
  auto p = prior;
  ASSERT_TRUE(p.observe(10, 0));
  ASSERT_TRUE(p.discount(.5, prior));
  EXPECT_DOUBLE_EQ(p.a(), 7);
  EXPECT_DOUBLE_EQ(p.b(), 2);
  EXPECT_FALSE(p.discount(1.1, prior));
}

TEST(BetaPosterior, RefusesBadParametersAndEvidence) {
  for (const double bad : {0.0, -1.0, std::nan(""), HUGE_VAL, 1e13}) {
    EXPECT_FALSE(BetaPosterior::create(bad, 1));
    EXPECT_FALSE(BetaPosterior::create(1, bad));
  }
  auto p = BetaPosterior::create().value();
  for (const double bad : {-1.0, std::nan(""), HUGE_VAL, 1e12}) {
    EXPECT_FALSE(p.observe(bad, 0));
    EXPECT_FALSE(p.observe(0, bad));
  }
  EXPECT_EQ(p.a() + p.b(), 2);
}

RC_GTEST_PROP(BetaPosterior, QuantileInvertsTheCdfAndIntervalsHoldTheirMass, ()) {
  const auto p = BetaPosterior::create(*rc::gen::inRange(10, 3000) / 10.0, *rc::gen::inRange(10, 3000) / 10.0).value();
  const double mass = *rc::gen::inRange(1, 100) / 100.0;
  RC_ASSERT(std::abs(p.cdf(p.quantile(mass)) - mass) < 1e-8);
  const auto [low, high] = p.interval(mass);
  RC_ASSERT(low <= high);
  RC_ASSERT(std::abs(p.cdf(high) - p.cdf(low) - mass) < 1e-8);
  RC_ASSERT(p.quantile(-1) == 0 && p.quantile(2) == 1);
}

TEST(GammaPosterior, CountsEventsOverExposure) {
  auto rate = GammaPosterior::create(1, 10).value();
  ASSERT_TRUE(rate.observe(12, 60));
  EXPECT_DOUBLE_EQ(rate.mean(), 13.0 / 70);
  EXPECT_DOUBLE_EQ(rate.variance(), 13.0 / 4900);
  const auto exponential = GammaPosterior::create(1, 2).value();
  EXPECT_NEAR(exponential.cdf(1), 1 - std::exp(-2.0), 1e-14);
  EXPECT_NEAR(exponential.quantile(.5), std::log(2.0) / 2, 1e-14);
  EXPECT_EQ(exponential.cdf(-1), 0);
  EXPECT_EQ(exponential.quantile(1), HUGE_VAL);
}

TEST(GammaPosterior, DrawsFollowIt) {
  expect_draws_follow(GammaPosterior::create(13, 70).value(), .02);
  expect_draws_follow(GammaPosterior::create(.5, 2).value(), .02);
}

TEST(GammaPosterior, DiscountForgetsTowardsThePriorAndBadInputIsRefused) {
  const auto prior = GammaPosterior::create(1, 1).value();
  auto rate = prior;
  ASSERT_TRUE(rate.observe(4, 8));
  ASSERT_TRUE(rate.discount(.25, prior));
  EXPECT_DOUBLE_EQ(rate.shape(), 2);
  EXPECT_DOUBLE_EQ(rate.rate(), 3);
  EXPECT_FALSE(rate.discount(-.1, prior));
  for (const double bad : {-1.0, std::nan(""), HUGE_VAL, 1e12}) {
    EXPECT_FALSE(rate.observe(bad, 0));
    EXPECT_FALSE(rate.observe(0, bad));
  }
  EXPECT_FALSE(GammaPosterior::create(0, 1));
  EXPECT_FALSE(GammaPosterior::create(1, std::nan("")));
}

RC_GTEST_PROP(GammaPosterior, QuantileInvertsTheCdfAndIntervalsHoldTheirMass, ()) {
  const auto rate =
      GammaPosterior::create(*rc::gen::inRange(10, 3000) / 10.0, *rc::gen::inRange(1, 900) / 10.0).value();
  const double mass = *rc::gen::inRange(1, 100) / 100.0;
  RC_ASSERT(std::abs(rate.cdf(rate.quantile(mass)) - mass) < 1e-8);
  const auto [low, high] = rate.interval(mass);
  RC_ASSERT(std::abs(rate.cdf(high) - rate.cdf(low) - mass) < 1e-8);
}

}  // namespace
}  // namespace bursar
