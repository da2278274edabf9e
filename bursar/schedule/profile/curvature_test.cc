#include "bursar/schedule/profile/curvature.h"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

#include "bursar/core/random.h"

namespace bursar::schedule {
namespace {

// A matrix of given eigenvalues whose eigenvectors are a reflection's: H = Q D Q, Q = I - 2 u u'.
HessianProduct hessian(std::vector<double> eigenvalues) {
  RandomStream random(3);
  std::vector<double> u(eigenvalues.size());
  double norm = 0;
  for (double& x : u) x = random.normal(), norm += x * x;
  for (double& x : u) x /= std::sqrt(norm);
  return [u, eigenvalues](std::span<const double> v, std::span<double> out) {
    const auto reflect = [&](std::vector<double> x) {
      double dot = 0;
      for (std::size_t i = 0; i < x.size(); ++i) dot += u[i] * x[i];
      for (std::size_t i = 0; i < x.size(); ++i) x[i] -= 2 * dot * u[i];
      return x;
    };
    auto x = reflect({v.begin(), v.end()});
    for (std::size_t i = 0; i < x.size(); ++i) x[i] *= eigenvalues[i];
    std::ranges::copy(reflect(x), out.begin());
  };
}

TEST(EstimateKappa, IsExactWhereEveryDirectionIsSeen) {
  const auto found = estimate_kappa(6, hessian({.01, .3, 1, 2, 5, 7}), {.low_quantile = 0});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_NEAR(found->largest, 7, 1e-9);
  EXPECT_NEAR(found->smallest, .01, 1e-9);
  EXPECT_NEAR(found->kappa, 700, 1e-5);
  EXPECT_EQ(found->negative_share, 0);
  EXPECT_EQ(found->products, 12U);
}

TEST(EstimateKappa, FindsTheLargestAndAQuantileOfManyFromFewProducts) {
  constexpr std::size_t kSize = 2000;
  std::vector<double> eigenvalues(kSize);
  for (std::size_t i = 0; i < kSize; ++i) eigenvalues[i] = std::pow(10, -4 * static_cast<double>(i) / (kSize - 1));
  const auto found = estimate_kappa(kSize, hessian(eigenvalues), {.steps = 64, .probes = 4, .low_quantile = .25});
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->largest, 1, 1e-3);
  // The quantile of the eigenvalues is 10^-3; Lanczos sees the lower end coarsely.
  EXPECT_GT(found->smallest, 1e-3 / 2.5);
  EXPECT_LT(found->smallest, 1e-3 * 2.5);
  EXPECT_EQ(found->products, 256U);
}

TEST(EstimateKappa, StopsWhereTheSpaceIsUsedUp) {
  const auto found = estimate_kappa(500, hessian(std::vector<double>(500, 3)), {});
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->kappa, 1, 1e-9);
  EXPECT_EQ(found->products, 2U);  // one a probe
}

TEST(EstimateKappa, SaysHowMuchIsCurvedDownwards) {
  std::vector<double> eigenvalues(100, 1);
  for (std::size_t i = 0; i < 30; ++i) eigenvalues[i] = -.5;
  const auto found = estimate_kappa(100, hessian(eigenvalues), {.probes = 64});
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->negative_share, .3, .05);
  EXPECT_NEAR(found->kappa, 1, 1e-9);
  EXPECT_EQ(estimate_kappa(3, hessian({-1, -2, -3}), {}).error().code, ErrorCode::kInfeasible);
  EXPECT_EQ(estimate_kappa(3, hessian({0, 0, 0}), {}).error().code, ErrorCode::kInfeasible);
}

TEST(EstimateKappa, IsTheSameForTheSameSeedAndRefusesBadInput) {
  const auto h = hessian({.01, .3, 1, 2, 5, 7, 9, 11});
  const KappaOptions few{.steps = 4, .seed = 5};
  EXPECT_EQ(estimate_kappa(8, h, few)->kappa, estimate_kappa(8, h, few)->kappa);
  EXPECT_FALSE(estimate_kappa(0, h, {}));
  EXPECT_FALSE(estimate_kappa(8, {}, {}));
  EXPECT_FALSE(estimate_kappa(8, h, {.steps = 1}));
  EXPECT_FALSE(estimate_kappa(8, h, {.probes = 0}));
  EXPECT_FALSE(estimate_kappa(8, h, {.low_quantile = 1}));
  EXPECT_EQ(estimate_kappa(std::size_t{1} << 40, h, {}).error().code, ErrorCode::kExhausted);
  const HessianProduct broken = [](auto, auto out) { out[0] = std::numeric_limits<double>::quiet_NaN(); };
  EXPECT_EQ(estimate_kappa(8, broken, {}).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace bursar::schedule
