#include "bursar/core/ewma.h"

#include <cmath>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <utility>
#include <vector>

namespace bursar {
namespace {

using namespace std::chrono_literals;

WallTime at(Duration t) { return WallTime{t}; }

TEST(Ewma, HasNoMeanBeforeTheFirstObservationAndIsItAfterwards) {
  Ewma mean(10s);
  EXPECT_EQ(mean.mean(), std::nullopt);
  EXPECT_EQ(mean.variance(), 0);
  mean.observe(7, at(1h));
  EXPECT_EQ(mean.mean(), 7);
  EXPECT_EQ(mean.variance(), 0);
}

TEST(Ewma, AnObservationCountsHalfAfterAHalfLife) {
  Ewma mean(10s);
  mean.observe(0, at(0s));
  mean.observe(3, at(10s));
  EXPECT_DOUBLE_EQ(*mean.mean(), 2);  // weights 1/2 and 1
  EXPECT_DOUBLE_EQ(mean.variance(), 2);
  EXPECT_DOUBLE_EQ(mean.weight(at(10s)), 1.5);
  EXPECT_DOUBLE_EQ(mean.weight(at(20s)), .75);
}

TEST(Ewma, IsNotBlindAfterAVeryLongSilence) {
  Ewma mean(1us);
  mean.observe(5, at(0s));
  mean.observe(9, at(24h));
  EXPECT_EQ(mean.mean(), 9);
}

TEST(Ewma, LeavesOutWhatIsNoValueAndBearsAClockSetBack) {
  Ewma mean(10s);
  mean.observe(1, at(100s));
  mean.observe(std::nan(""), at(100s));
  mean.observe(HUGE_VAL, at(100s));
  mean.observe(3, at(0s));
  EXPECT_DOUBLE_EQ(*mean.mean(), 2);
  EXPECT_DOUBLE_EQ(mean.weight(at(0s)), 2);
}

RC_GTEST_PROP(Ewma, EqualsTheWeightedMeanAndVariance, ()) {
  const auto steps = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::inRange(0, 20'000), rc::gen::inRange(-1000, 1000))));
  Ewma mean(5s);
  std::vector<std::pair<double, double>> seen;  // seconds, value
  double now = 0;
  for (const auto& [ms, x] : steps) {
    now += ms / 1000.0;
    seen.emplace_back(now, x);
    mean.observe(x, at(Duration(std::llround(now * 1e6))));
  }
  double weight = 0, sum = 0, squares = 0;
  for (const auto& [t, x] : seen) {
    const double w = std::exp2((t - now) / 5);
    weight += w;
    sum += w * x;
  }
  for (const auto& [t, x] : seen) squares += std::exp2((t - now) / 5) * std::pow(x - sum / weight, 2);
  RC_ASSERT(std::abs(*mean.mean() - sum / weight) < 1e-6);
  RC_ASSERT(std::abs(mean.variance() - squares / weight) < 1e-4);
}

}  // namespace
}  // namespace bursar
