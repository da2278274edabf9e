#include "bursar/allocate/bucket_plan.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/core/random.h"
#include "bursar/core/special.h"

namespace bursar::allocate {
namespace {

using ::testing::HasSubstr;

TEST(BucketPlan, EqualsBruteForceWhereGainsShrinkAndSharesAreEqual) {
  RandomStream random(1);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<VoteBucket> buckets(3);
    for (VoteBucket& bucket : buckets) bucket = {1. / 3, random.uniform(.05, 1), random.uniform(0, .5)};
    const double mean = 4 + static_cast<double>(random.uniform_int(std::uint64_t{8}));
    const auto plan = plan_buckets(buckets, {.mean_budget = mean, .most = 20});
    ASSERT_TRUE(plan) << plan.error().message;
    double best = 0;
    for (int x = 4; x <= 20; ++x) {
      for (int y = 4; y <= 20; ++y) {
        for (int z = 4; z <= 20; ++z) {
          if (x + y + z > 3 * mean + 1e-9) continue;
          const double k[] = {double(x), double(y), double(z)};
          double sum = 0;
          for (std::size_t t = 0; t < 3; ++t) sum += normal_cdf(buckets[t].a * std::sqrt(k[t]) + buckets[t].b) / 3;
          best = std::max(best, sum);
        }
      }
    }
    EXPECT_NEAR(plan->agreement, best, 1e-12);
  }
}

TEST(BucketPlan, NeverExceedsTheMeanAndSkipsWhatDoesNotFit) {
  RandomStream random(2);
  for (int trial = 0; trial < 1000; ++trial) {
    std::vector<VoteBucket> buckets(1 + random.uniform_int(std::uint64_t{6}));
    double sum = 0;
    for (VoteBucket& bucket : buckets) sum += bucket.share = random.uniform(.01, 1);
    for (VoteBucket& bucket : buckets) bucket = {bucket.share / sum, random.uniform(-.2, 2), random.uniform(-1, 1)};
    const double mean = random.uniform(4, 40);
    const auto plan = plan_buckets(buckets, {.mean_budget = mean});
    ASSERT_TRUE(plan);
    EXPECT_LE(plan->mean, mean * (1 + 1e-9));
    for (std::size_t t = 0; t < buckets.size(); ++t) {
      const auto spare =
          plan->budget[t] < 64 && log_agreement_gain(buckets[t].a, buckets[t].b, plan->budget[t]) > -1e300;
      if (spare) {
        EXPECT_GT(plan->mean + buckets[t].share, mean * (1 - 1e-9));
      }
    }
  }
}

TEST(BucketPlan, ComparesGainsThatUnderflow) {
  // Phi(40) - Phi(39.99) is 0 in doubles; its logarithm is not.
  EXPECT_GT(log_agreement_gain(10, 9, 9), log_agreement_gain(10, 9, 10));
  EXPECT_TRUE(std::isfinite(log_agreement_gain(10, 9, 900)));
  // Beside the plain difference where that still has digits.
  for (const double a : {.1, .5, 1.}) {
    for (const std::int64_t k : {1, 5, 20}) {
      const double plain = normal_cdf(a * std::sqrt(double(k + 1)) - .3) - normal_cdf(a * std::sqrt(double(k)) - .3);
      EXPECT_NEAR(std::exp(log_agreement_gain(a, -.3, k)), plain, 1e-12);
    }
  }
}

TEST(BucketPlan, NamesWhatItRefuses) {
  EXPECT_THAT(plan_buckets(std::vector<VoteBucket>{{.5, 1, 0}, {.4, 1, 0}}).error().message, HasSubstr("sum to 0.9"));
  EXPECT_THAT(plan_buckets(std::vector<VoteBucket>{{1, std::nan(""), 0}}).error().message, HasSubstr("bucket 0"));
  EXPECT_THAT(plan_buckets({}, {.mean_budget = 3}).error().message, HasSubstr("mean_budget is 3"));
  EXPECT_FALSE(plan_buckets({}, {.warm_up = 5, .most = 4}));
}

}  // namespace
}  // namespace bursar::allocate
