#include "bursar/core/kaplan_meier.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <rapidcheck/gtest.h>
#include <utility>
#include <vector>

namespace bursar {
namespace {

std::vector<CensoredValue> some_observations(bool with_censoring) {
  const auto pairs = *rc::gen::container<std::vector<std::pair<int, bool>>>(
      rc::gen::pair(rc::gen::inRange(0, 30), rc::gen::arbitrary<bool>()));
  std::vector<CensoredValue> out;
  for (const auto& [value, censored] : pairs) out.push_back({value / 2.0, censored && with_censoring});
  return out;
}

// The product-limit estimate straight from its definition: over event times u <= t, prod (1 - d(u) / n(u)).
double product_limit(const std::vector<CensoredValue>& observations, double t) {
  double survival = 1;
  for (int step = 0; step <= 30; ++step) {
    const double u = step / 2.0;
    double at_risk = 0, events = 0;
    for (const auto& o : observations) {
      at_risk += o.value >= u;
      events += o.value == u && !o.censored;
    }
    if (u <= t && at_risk > 0) survival *= 1 - events / at_risk;
  }
  return survival;
}

TEST(KaplanMeier, AgreesWithTheHandOracle) {
  const KaplanMeier km({{1, false}, {2, true}, {3, false}, {4, true}, {5, false}});
  EXPECT_DOUBLE_EQ(km.survival(0.5), 1);
  EXPECT_DOUBLE_EQ(km.survival(1), .8);
  EXPECT_DOUBLE_EQ(km.survival(2.5), .8);
  EXPECT_NEAR(km.survival(3), .533333, 1e-6);
  EXPECT_DOUBLE_EQ(km.survival(5), 0);
  EXPECT_EQ(km.quantile(.4), 3);
  EXPECT_EQ(km.largest(), 5);
  EXPECT_EQ(km.observations(), 5U);
}

TEST(KaplanMeier, HasNoQuantileWhereSurvivalNeverFallsFarEnough) {
  const KaplanMeier km({{1, false}, {2, true}});
  EXPECT_EQ(km.quantile(.5), 1);
  EXPECT_EQ(km.quantile(.51), std::nullopt);
  EXPECT_EQ(KaplanMeier{}.quantile(.5), std::nullopt);
  EXPECT_EQ(KaplanMeier{}.survival(3), 1);
}

TEST(KaplanMeier, CountsACensoredValueAtAnEventsTimeAsSurvivingIt) {
  const KaplanMeier km({{1, true}, {1, false}});
  EXPECT_DOUBLE_EQ(km.survival(1), .5);
}

TEST(KaplanMeier, RoundingDoesNotMoveAQuantileToTheNextEvent) {
  std::vector<CensoredValue> observations;
  for (int i = 1; i <= 20; ++i) observations.push_back({static_cast<double>(i), false});
  const KaplanMeier km(observations);
  for (int k = 1; k < 20; ++k) EXPECT_EQ(km.quantile(k / 20.0), k);
}

TEST(KaplanMeier, LeavesOutWhatIsNotAValue) {
  const KaplanMeier km(
      {{std::nan(""), false}, {-1, false}, {std::numeric_limits<double>::infinity(), true}, {2, false}});
  EXPECT_EQ(km.observations(), 1U);
  EXPECT_EQ(km.largest(), 2);
  EXPECT_EQ(km.survival(2), 0);
}

RC_GTEST_PROP(KaplanMeier, EqualsTheProductLimitEverywhere, ()) {
  const auto observations = some_observations(true);
  const KaplanMeier km(observations);
  for (int step = -1; step <= 62; ++step) {
    const double t = step / 4.0;
    RC_ASSERT(std::abs(km.survival(t) - product_limit(observations, t)) < 1e-12);
    RC_ASSERT(km.cdf(t) == 1 - km.survival(t));
  }
}

RC_GTEST_PROP(KaplanMeier, WithoutCensoringIsTheEmpiricalDistribution, ()) {
  const auto observations = some_observations(false);
  RC_PRE(!observations.empty());
  const KaplanMeier km(observations);
  const double t = *rc::gen::inRange(0, 60) / 4.0;
  double above = 0;
  for (const auto& o : observations) above += o.value > t;
  RC_ASSERT(std::abs(km.survival(t) - above / static_cast<double>(observations.size())) < 1e-12);
}

RC_GTEST_PROP(KaplanMeier, QuantileIsTheSmallestValueFarEnoughDown, ()) {
  const auto observations = some_observations(true);
  const double p = *rc::gen::inRange(1, 1000) / 1000.0;
  const KaplanMeier km(observations);
  std::optional<double> smallest;
  for (int step = 30; step >= 0; --step) {
    if (km.survival(step / 2.0) <= 1 - p + 1e-12) smallest = step / 2.0;
  }
  RC_ASSERT(km.quantile(p) == smallest);
}

}  // namespace
}  // namespace bursar
