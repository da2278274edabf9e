#include "bursar/allocate/zipf_budget.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>

#include "bursar/allocate/sparse_matching.h"
#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

TEST(ZipfBudget, RecoversACurveFromExactDensities) {
  for (const auto& [alpha, beta] : {std::pair{.7, 0.}, {1.2, 5.}, {2., 20.}}) {
    std::vector<double> densities;
    for (int r = 500; r >= 1; --r) densities.push_back(.3 * std::pow(r + beta, -alpha));
    const auto curve = fit_zipf(densities);
    ASSERT_TRUE(curve);
    EXPECT_NEAR(curve->alpha, alpha, 1e-9);
    EXPECT_EQ(curve->beta, beta);
    EXPECT_LT(curve->error, 1e-9);
  }
}

TEST(ZipfBudget, SumsToTheMatchesAndFollowsTheRank) {
  RandomStream random(1);
  std::vector<double> densities(512);
  for (double& d : densities) d = random.uniform01();
  const auto m = zipf_budgets(densities, {.tokens = 512, .per_token = 8, .curve = {.alpha = 1.1, .beta = 2}});
  ASSERT_TRUE(m);
  EXPECT_EQ(std::accumulate(m->caps.begin(), m->caps.end(), std::int64_t{0}), 512 * 8);
  EXPECT_FALSE(m->forced);
  for (std::size_t i = 0; i < 512; ++i) {
    for (std::size_t j = 0; j < 512; ++j) {
      if (densities[i] > densities[j]) {
        ASSERT_GE(m->caps[i], m->caps[j]);
      }
    }
  }
  std::vector<float> affinity(512 * 512);
  for (float& z : affinity) z = static_cast<float>(random.uniform(.1, 1));
  const auto match = sparse_match({.data = affinity.data(), .rows = 512, .columns = 512}, {.column_caps = m->caps});
  ASSERT_TRUE(match);
  EXPECT_EQ(match->column.size(), 512U * 8U);
}

TEST(ZipfBudget, IsEvenAtAlphaZeroAndSaysWhenItIsForced) {
  const std::vector<double> densities(16, .1);
  EXPECT_THAT(zipf_budgets(densities, {.tokens = 32, .per_token = 4, .curve = {.alpha = 0}})->caps, Each(8));
  const auto few = zipf_budgets(densities, {.tokens = 3, .per_token = 1});
  EXPECT_TRUE(few->forced);
  EXPECT_EQ(few->total, 16);
}

TEST(ZipfBudget, NamesWhatItRefuses) {
  EXPECT_THAT(fit_zipf(std::vector{.1, -.1, .1}).error().message, HasSubstr("feature 1: density is -0.1"));
  EXPECT_THAT(fit_zipf(std::vector{.1, 0., 0.}).error().message, HasSubstr("three positive densities"));
  EXPECT_FALSE(zipf_budgets(std::vector{.1}, {.tokens = 0, .per_token = 1}));
  EXPECT_FALSE(zipf_budgets(std::vector{std::nan("")}, {.tokens = 1, .per_token = 1}));
}

}  // namespace
}  // namespace bursar::allocate
