#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <rapidcheck/gtest.h>
#include <vector>

#include "bursar/schedule/timeout.h"

namespace bursar::schedule {
namespace {

std::vector<LatencyLaw> exponentials(const std::vector<double>& means) {
  std::vector<LatencyLaw> laws;
  laws.reserve(means.size());
  for (const double mean : means) laws.push_back(exponential_law(mean));
  return laws;
}

double success_of(const std::vector<LatencyLaw>& laws, const std::vector<double>& timeouts) {
  double success = 1;
  for (std::size_t i = 0; i < laws.size(); ++i) success *= laws[i].cdf(timeouts[i]);
  return success;
}

std::vector<double> shares_of(const std::vector<double>& weights, double budget) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<double> out;
  out.reserve(weights.size());
  for (const double w : weights) out.push_back(budget * w / sum);
  return out;
}

TEST(StaticTimeouts, AgreeWithTheHandOracleOfTwoExponentials) {
  const std::vector<double> means{100, 300};
  const auto laws = exponentials(means);
  const auto split = static_timeouts(laws, 1000);
  ASSERT_TRUE(split);
  EXPECT_NEAR(split->timeouts_ms[0], 326.9, .05);
  EXPECT_NEAR(split->timeouts_ms[1], 673.1, .05);
  EXPECT_NEAR(split->success, .859922, 1e-6);
  EXPECT_NEAR(split->lambda, 3.955e-4, 1e-7);
  EXPECT_NEAR(success_of(laws, {500, 500}), .805659, 1e-6);
  EXPECT_NEAR(success_of(laws, shares_of(means, 1000)), .842568, 1e-6);
  // No split: P(L1 + L2 <= 1000), the hypoexponential law. The lemma: without retries no timeout beats it.
  const double no_split = 1 - (300 * std::exp(-1000.0 / 300) - 100 * std::exp(-1000.0 / 100)) / 200;
  EXPECT_NEAR(no_split, .946512, 1e-6);
  EXPECT_LT(split->success, no_split);
}

TEST(StaticTimeouts, AgreeWithTheHandOracleOfThreeExponentials) {
  const std::vector<double> means{50, 200, 800};
  const auto laws = exponentials(means);
  const auto split = static_timeouts(laws, 2000);
  ASSERT_TRUE(split);
  EXPECT_NEAR(split->timeouts_ms[0], 205.17, .005);
  EXPECT_NEAR(split->timeouts_ms[1], 553.10, .005);
  EXPECT_NEAR(split->timeouts_ms[2], 1241.73, .005);
  EXPECT_NEAR(split->success, .726398, 1e-6);
  EXPECT_NEAR(success_of(laws, shares_of({1, 1, 1}, 2000)), .545231, 1e-6);
  EXPECT_NEAR(success_of(laws, shares_of(means, 2000)), .616603, 1e-6);
}

TEST(StaticTimeouts, ExponentialTimeoutsFollowTheClosedForm) {
  const std::vector<double> means{10, 70, 500, 3000};
  const auto split = static_timeouts(exponentials(means), 4000);
  ASSERT_TRUE(split);
  for (std::size_t i = 0; i < means.size(); ++i) {
    EXPECT_NEAR(split->timeouts_ms[i], means[i] * std::log1p(1 / (split->lambda * means[i])), 1e-6 * means[i]);
  }
}

TEST(StaticTimeouts, RefuseNoCallsAndNoBudget) {
  const auto laws = exponentials({1});
  EXPECT_EQ(static_timeouts({}, 1).error().code, ErrorCode::kInvalidArgument);
  for (const double budget : {0.0, -1.0, std::nan(""), HUGE_VAL}) EXPECT_FALSE(static_timeouts(laws, budget));
}

TEST(LognormalLaw, KeepsItsReversedHazardFiniteAndFallingFarOutInTheTail) {
  const LatencyLaw law = lognormal_law(300, .35);
  EXPECT_NEAR(law.cdf(300), .5, 1e-15);
  EXPECT_EQ(law.cdf(0), 0);
  double last = INFINITY;
  for (int k = -105; k <= 52; ++k) {
    const double t = std::pow(1.3, k);
    const double h = law.reversed_hazard(t);
    EXPECT_TRUE(std::isfinite(h)) << t;
    EXPECT_LE(h, last) << t;
    last = h;
  }
}

RC_GTEST_PROP(StaticTimeouts, SpendTheBudgetAndNoShiftOfTimeBetweenTwoCallsHelps, ()) {
  std::vector<LatencyLaw> laws;
  const int n = *rc::gen::inRange(1, 7);
  for (int i = 0; i < n; ++i) {
    const double scale = *rc::gen::inRange(1, 3000);
    laws.push_back(*rc::gen::arbitrary<bool>() ? exponential_law(scale)
                                               : lognormal_law(scale, *rc::gen::inRange(20, 150) / 100.0));
  }
  const double budget = *rc::gen::inRange(500, 20'000);
  const auto split = static_timeouts(laws, budget);
  RC_ASSERT(split.has_value());
  const auto& t = split->timeouts_ms;
  RC_ASSERT(std::abs(std::accumulate(t.begin(), t.end(), 0.0) - budget) < 1e-6 * budget);
  RC_ASSERT(std::abs(success_of(laws, t) - split->success) < 1e-12);
  for (int from = 0; from < n; ++from) {
    for (int to = 0; to < n; ++to) {
      for (const double part : {.01, .2}) {
        auto moved = t;
        moved[from] -= part * t[from];
        moved[to] += part * t[from];
        RC_ASSERT(success_of(laws, moved) <= split->success * (1 + 1e-9) + 1e-300);
      }
    }
  }
}

}  // namespace
}  // namespace bursar::schedule
