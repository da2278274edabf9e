#include "bursar/agree/independent_markets.h"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>

#include "bursar/agree/phantom.h"
#include "bursar/agree/sample_profiles.h"

namespace bursar::agree {
namespace {

using testing::HasSubstr;

std::vector<double> proposals(std::size_t parties, std::size_t lines, RandomStream& random) {
  std::vector<double> out;
  for (std::size_t i = 0; i < parties; ++i) {
    std::vector<double> row(lines);
    double sum = 0;
    for (double& x : row) sum += x = random.bernoulli(.2) ? 0 : random.exponential();
    if (sum == 0) row[0] = sum = 1;
    for (const double x : row) out.push_back(x / sum);
  }
  return out;
}

TEST(IndependentMarkets, OfTwoLinesAreTheUniformPhantom) {
  RandomStream random(1);
  for (int trial = 0; trial < 300; ++trial) {
    const auto x = any_profile(1 + random.uniform_int(std::uint64_t{8}), random);
    std::vector<double> shares, w;
    for (const double v : x) shares.insert(shares.end(), {v, 1 - v}), w.push_back(random.uniform(.5, 3));
    const auto split = independent_markets({.lines = 2, .shares = shares});
    ASSERT_TRUE(split);
    ASSERT_NEAR((*split)[0], uniform_phantom({.reports = x}).value(), 1e-14);
    const auto weighted = independent_markets({.lines = 2, .shares = shares, .weights = w});
    ASSERT_NEAR((*weighted)[0], uniform_phantom({.reports = x, .weights = w}).value(), 1e-14);
  }
}

TEST(IndependentMarkets, SumToOneAndKeepWithinWhatIsAskedFor) {
  RandomStream random(2);
  for (int trial = 0; trial < 300; ++trial) {
    const std::size_t n = 1 + random.uniform_int(std::uint64_t{6}), m = 2 + random.uniform_int(std::uint64_t{5});
    const auto shares = proposals(n, m, random);
    const auto split = independent_markets({.lines = m, .shares = shares});
    ASSERT_TRUE(split);
    ASSERT_NEAR(std::accumulate(split->begin(), split->end(), 0.0), 1, 1e-12);
    for (std::size_t j = 0; j < m; ++j) {
      double most = 0;
      for (std::size_t i = 0; i < n; ++i) most = std::max(most, shares[i * m + j]);
      ASSERT_LE((*split)[j], most + 1e-15);
    }
    if (n == 1) {
      for (std::size_t j = 0; j < m; ++j) ASSERT_NEAR((*split)[j], shares[j], 1e-12);
    }
  }
}

TEST(IndependentMarkets, GiveSingleMindedPartiesTheirExactShare) {
  // Seven parties that want one of four lines each: 3, 2, 2 and none.
  std::vector<double> shares;
  for (const std::size_t wanted : {0U, 1U, 2U, 0U, 1U, 2U, 0U}) {
    for (std::size_t j = 0; j < 4; ++j) shares.push_back(j == wanted ? 1 : 0);
  }
  const auto split = independent_markets({.lines = 4, .shares = shares});
  ASSERT_TRUE(split);
  constexpr double kWant[] = {3, 2, 2, 0};
  for (std::size_t j = 0; j < 4; ++j) EXPECT_NEAR((*split)[j], kWant[j] / 7, 1e-15);
}

TEST(IndependentMarkets, CountAWeightAsSoManyParties) {
  RandomStream random(3);
  for (int trial = 0; trial < 200; ++trial) {
    const auto shares = proposals(4, 3, random);
    std::vector<double> w, repeated;
    for (std::size_t i = 0; i < 4; ++i) {
      w.push_back(static_cast<double>(random.uniform_int(1, 3)));
      for (int k = 0; k < static_cast<int>(w[i]); ++k)
        repeated.insert(repeated.end(), shares.begin() + static_cast<std::ptrdiff_t>(3 * i),
                        shares.begin() + static_cast<std::ptrdiff_t>(3 * i + 3));
    }
    const auto a = independent_markets({.lines = 3, .shares = shares, .weights = w});
    const auto b = independent_markets({.lines = 3, .shares = repeated});
    for (std::size_t j = 0; j < 3; ++j) ASSERT_NEAR((*a)[j], (*b)[j], 1e-12);
  }
}

TEST(IndependentMarkets, LeaveNoLieToGainBy) {
  RandomStream random(4);
  for (std::uint64_t trial = 0; trial < 60; ++trial) {
    const auto shares = proposals(2 + random.uniform_int(std::uint64_t{4}), 3, random);
    const auto lie = find_lie({.lines = 3, .shares = shares}, 30, RandomStream(trial));
    ASSERT_TRUE(lie);
    ASSERT_FALSE(lie->has_value()) << "party " << (*lie)->party << " gains " << (*lie)->gain;
  }
}

TEST(IndependentMarkets, RefuseRowsThatAreNoSplit) {
  const auto message = [](std::size_t lines, const std::vector<double>& shares) {
    return independent_markets({.lines = lines, .shares = shares}).error().message;
  };
  EXPECT_THAT(message(3, {.5, .3, .1}), HasSubstr("party 0: the shares sum to 0.9"));
  EXPECT_THAT(message(2, {.5, .5, 1.5, -.5}), HasSubstr("party 1, line 0: the share 1.5"));
  EXPECT_THAT(message(2, {.5, std::nan("")}), HasSubstr("line 1: the share nan"));
  EXPECT_THAT(message(1, {1}), HasSubstr("2 to 4096"));
  EXPECT_THAT(message(3, {1, 0}), HasSubstr("whole row"));
}

}  // namespace
}  // namespace bursar::agree
