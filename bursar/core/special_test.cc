#include "bursar/core/special.h"

#include <cmath>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <vector>

namespace bursar {
namespace {

TEST(Special, AgreesWithKnownValues) {
  EXPECT_NEAR(*log_gamma(.5), std::log(std::sqrt(M_PI)), 1e-14);
  EXPECT_NEAR(*log_gamma(11), std::log(3628800.0), 1e-12);
  EXPECT_NEAR(*log_choose(52, 5), std::log(2598960.0), 1e-12);
  EXPECT_EQ(log_choose(7, 0), 0.0);
  EXPECT_EQ(log_choose(7, 7), 0.0);
  EXPECT_NEAR(*incomplete_beta(2, 5, .3), .579825, 1e-12);
  EXPECT_NEAR(*incomplete_gamma(1, 2), 1 - std::exp(-2.0), 1e-14);
  EXPECT_EQ(incomplete_gamma(3, HUGE_VAL), 1.0);
  EXPECT_NEAR(normal_cdf(1.959963984540054), .975, 1e-14);
  EXPECT_NEAR(normal_quantile(.975), 1.959963984540054, 1e-12);
  EXPECT_NEAR(normal_cdf(-10) / 7.61985302416052e-24, 1, 1e-12);
  EXPECT_EQ(normal_quantile(0), -HUGE_VAL);
  EXPECT_EQ(normal_quantile(1), HUGE_VAL);
  EXPECT_NEAR(logsumexp(std::vector{-1000.0, -1000.0}), -1000 + std::log(2.0), 1e-12);
  EXPECT_EQ(logsumexp({}), -HUGE_VAL);
  EXPECT_EQ(logsumexp(std::vector{-HUGE_VAL, -HUGE_VAL}), -HUGE_VAL);
  EXPECT_TRUE(std::isnan(logsumexp(std::vector{HUGE_VAL, std::nan("")})));
  EXPECT_TRUE(std::isnan(logsumexp(std::vector{1.0, std::nan("")})));
  EXPECT_NEAR(log1mexp(-1e-20), std::log(1e-20), 1e-12);
  EXPECT_NEAR(log1mexp(-50) / -std::exp(-50.0), 1, 1e-12);
  EXPECT_EQ(log1mexp(0), -HUGE_VAL);
}

TEST(Special, LogChooseKeepsItsPrecisionForManyOfFew) {
  // Three log-gammas of 1e9 would leave about 6 digits.
  EXPECT_NEAR(*log_choose(1e9, 2), std::log(1e9) + std::log(1e9 - 1) - std::log(2.0), 1e-10);
  EXPECT_NEAR(*log_choose(1e9, 1e9 - 1), std::log(1e9), 1e-10);
}

TEST(Special, RefusesWhatHasNoValueAndNamesIt) {
  const double nan = std::nan("");
  for (const double x : {0.0, -1.0, nan, HUGE_VAL}) {
    EXPECT_NE(log_gamma(x).error().message.find("x must be positive"), std::string::npos);
    EXPECT_FALSE(incomplete_beta(x, 1, .5));
    EXPECT_FALSE(incomplete_beta(1, x, .5));
    EXPECT_FALSE(inverse_incomplete_beta(x, 1, .5));
    EXPECT_FALSE(incomplete_gamma(x, 1));
    EXPECT_FALSE(inverse_incomplete_gamma(x, .5));
  }
  for (const double p : {-.1, 1.1, nan}) {
    EXPECT_FALSE(incomplete_beta(1, 1, p));
    EXPECT_FALSE(inverse_incomplete_beta(1, 1, p));
    EXPECT_FALSE(inverse_incomplete_gamma(1, p));
  }
  EXPECT_FALSE(inverse_incomplete_gamma(1, 1));
  EXPECT_FALSE(incomplete_gamma(1, -1));
  EXPECT_FALSE(log_choose(-1, 0));
  EXPECT_FALSE(log_choose(3, 4));
  EXPECT_FALSE(log_choose(3, -1));
  EXPECT_FALSE(log_choose(nan, 0));
}

RC_GTEST_PROP(Special, InversesInvert, ()) {
  // From 1 on: below, a density without bound at 0 or 1 makes the last bit of x worth more than the tolerance.
  const double a = *rc::gen::inRange(100, 5000) / 100.0, b = *rc::gen::inRange(100, 5000) / 100.0;
  const double p = *rc::gen::inRange(1, 1000) / 1000.0;
  RC_ASSERT(std::abs(*incomplete_beta(a, b, *inverse_incomplete_beta(a, b, p)) - p) < 1e-9);
  RC_ASSERT(std::abs(*incomplete_gamma(a, *inverse_incomplete_gamma(a, p)) - p) < 1e-9);
  RC_ASSERT(std::abs(normal_cdf(normal_quantile(p)) - p) < 1e-12);
}

RC_GTEST_PROP(Special, ChooseFollowsPascalsTriangle, ()) {
  const int n = *rc::gen::inRange(1, 400);
  const int k = *rc::gen::inRange(1, n + 1);
  const double sum = logsumexp(std::vector{*log_choose(n - 1, k - 1), k < n ? *log_choose(n - 1, k) : -HUGE_VAL});
  RC_ASSERT(std::abs(*log_choose(n, k) - sum) < 1e-10 * std::max(1.0, sum));
}

RC_GTEST_PROP(Special, Log1mexpUndoesItself, ()) {
  const double x = -*rc::gen::inRange(1, 3'000'000) / 1e5;
  RC_ASSERT(std::abs(std::exp(log1mexp(x)) + std::exp(x) - 1) < 1e-12);
}

}  // namespace
}  // namespace bursar
