#include "bursar/sample/agreement.h"

#include <cmath>
#include <gtest/gtest.h>

#include "bursar/core/special.h"

namespace bursar::sample {
namespace {

TEST(Agreement, OneSampleAndTwoAgreeAsOftenAsTheShare) {
  const auto curve = *agreement_curve(std::vector{.5, .3, .2}, 0, 20);
  EXPECT_NEAR(curve[0], .5, 1e-14);
  EXPECT_NEAR(curve[1], .5, 1e-14);
}

TEST(Agreement, IsABinomialTailForTwoOptionsAndOddCounts) {
  const double p = .62;
  const auto curve = *agreement_curve(std::vector{p, 1 - p}, 0, 41);
  for (std::size_t k = 1; k <= 41; k += 2) {
    EXPECT_NEAR(curve[k - 1], *incomplete_beta((static_cast<double>(k) + 1) / 2, (static_cast<double>(k) + 1) / 2, p),
                1e-12);
  }
}

// Every sequence of k samples, with ties shared.
double by_enumeration(const std::vector<double>& shares, std::size_t option, std::size_t k) {
  double sum = 0;
  std::size_t sequences = 1;
  for (std::size_t i = 0; i < k; ++i) sequences *= shares.size();
  for (std::size_t s = 0; s < sequences; ++s) {
    std::vector<int> counts(shares.size(), 0);
    double chance = 1;
    for (std::size_t i = 0, rest = s; i < k; ++i, rest /= shares.size()) {
      ++counts[rest % shares.size()];
      chance *= shares[rest % shares.size()];
    }
    int ties = 0;
    bool beaten = false;
    for (const int count : counts) {
      ties += count == counts[option] ? 1 : 0;
      beaten |= count > counts[option];
    }
    if (!beaten) sum += chance / ties;
  }
  return sum;
}

TEST(Agreement, IsWhatEnumerationGives) {
  const std::vector<double> shares{.4, .25, .2, .15};
  for (std::size_t option = 0; option < 4; ++option) {
    const auto curve = *agreement_curve(shares, option, 6);
    for (std::size_t k = 1; k <= 6; ++k)
      EXPECT_NEAR(curve[k - 1], by_enumeration(shares, option, k), 1e-13) << option << k;
  }
}

TEST(Agreement, OfAllOptionsIsOne) {
  const std::vector<double> shares{.5, .3, .1, .1, 0};
  for (std::size_t k : {5U, 17U, 40U}) {
    double sum = 0;
    for (std::size_t option = 0; option < shares.size(); ++option) sum += (*agreement_curve(shares, option, 40))[k - 1];
    EXPECT_NEAR(sum, 1, 1e-12);
  }
}

TEST(Agreement, FitsTheLineItWasDrawnFrom) {
  std::vector<double> curve;
  for (int k = 1; k <= 40; ++k) curve.push_back(normal_cdf(.3 * std::sqrt(k) + .2));
  const ProbitLine line = fit_probit(curve);
  EXPECT_NEAR(line.a, .3, 1e-9);
  EXPECT_NEAR(line.b, .2, 1e-9);
  EXPECT_EQ(fit_probit(std::vector{1.0, 1.0, 1.0}).a, 0);
}

TEST(Agreement, RefusesWhatIsNoDistribution) {
  EXPECT_FALSE(agreement_curve(std::vector{.5, .4}, 0, 10));
  EXPECT_FALSE(agreement_curve(std::vector{1.5, -.5}, 0, 10));
  EXPECT_FALSE(agreement_curve(std::vector{.5, .5}, 2, 10));
  EXPECT_FALSE(agreement_curve(std::vector{.5, .5}, 0, 0));
}

}  // namespace
}  // namespace bursar::sample
