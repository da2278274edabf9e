#include "bursar/allocate/direction_split.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>

#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Cosine 1 within a direction, `apart` across.
std::vector<double> similarity(const std::vector<int>& direction, double apart) {
  std::vector<double> s;
  for (const int a : direction) {
    for (const int b : direction) s.push_back(a == b ? 1 : apart);
  }
  return s;
}

TEST(DirectionSplit, GivesThePapersFigure) {
  const std::vector<double> scores(4, .95), cosines = similarity({0, 0, 0, 1}, .1);
  const Directions d{.scores = scores, .similarity = cosines};
  EXPECT_THAT(*direction_weights(d), ElementsAre(DoubleNear(1. / 6, 1e-12), DoubleNear(1. / 6, 1e-12),
                                                 DoubleNear(1. / 6, 1e-12), DoubleNear(.5, 1e-12)));
  EXPECT_THAT(*split_over_directions(d, 12), ElementsAre(2, 2, 2, 6));
}

TEST(DirectionSplit, HoldsEveryDirectionWithinOneRollout) {
  RandomStream random(2);
  for (int trial = 0; trial < 2000; ++trial) {
    const std::size_t k = 1 + random.uniform_int(std::uint64_t{40});
    std::vector<int> direction(k);
    std::vector<double> of_direction(6), scores(k);
    for (double& r : of_direction) r = random.uniform01();
    for (std::size_t i = 0; i < k; ++i) {
      direction[i] = static_cast<int>(random.uniform_int(std::uint64_t{6}));
      scores[i] = of_direction[static_cast<std::size_t>(direction[i])];
    }
    const auto cosines = similarity(direction, .8);
    const auto split = split_over_directions({.scores = scores, .similarity = cosines}, 64);
    ASSERT_TRUE(split);
    EXPECT_EQ(std::accumulate(split->begin(), split->end(), std::int64_t{0}), 64);
    std::vector<double> total(6), target(6);
    double sum = 0;
    for (std::size_t g = 0; g < 6; ++g) {
      if (std::ranges::find(direction, static_cast<int>(g)) == direction.end()) continue;
      sum += target[g] = std::exp(of_direction[g] / .1);
    }
    for (std::size_t i = 0; i < k; ++i)
      total[static_cast<std::size_t>(direction[i])] += static_cast<double>((*split)[i]);
    for (std::size_t g = 0; g < 6; ++g) EXPECT_LE(std::abs(total[g] - 64 * target[g] / sum), 1 + 1e-6);
  }
}

TEST(DirectionSplit, IsRebaseWhereEverythingLooksAlike) {
  const std::vector<double> scores{.9, .5, .7}, cosines = similarity({0, 1, 2}, .1);
  const auto w = direction_weights({.scores = scores, .similarity = cosines, .similarity_temperature = 1e9});
  double sum = 0;
  for (const double r : scores) sum += std::exp(r / .1);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR((*w)[i], std::exp(scores[i] / .1) / sum, 1e-9);
}

TEST(PosteriorSplit, HasTheSheetsLimits) {
  const std::vector<double> w{.5, .3, .15, .05};
  EXPECT_THAT(*posterior_split(w, 1e-6, 3), ElementsAre(1, 1, 1, 0));
  EXPECT_THAT(*posterior_split(w, 1e7, 8), ElementsAre(8, 0, 0, 0));
  EXPECT_THAT(*posterior_split(w, 2, 40), ElementsAre(22, 12, 5, 1));
  EXPECT_THAT(*posterior_split(std::vector{1.0, 0.0}, 1, 5), ElementsAre(5, 0));
}

double log_failure(std::span<const double> w, double kappa, const std::vector<std::int64_t>& b) {
  double log_sum = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    for (std::int64_t r = 0; r < b[i]; ++r)
      log_sum += std::log((kappa * (1 - w[i]) + static_cast<double>(r)) / (kappa + static_cast<double>(r)));
  }
  return log_sum;
}

TEST(PosteriorSplit, EqualsBruteForceOverAllSplits) {
  RandomStream random(3);
  for (int trial = 0; trial < 200; ++trial) {
    const std::size_t k = 1 + random.uniform_int(std::uint64_t{4});
    const auto n = static_cast<std::int64_t>(random.uniform_int(std::uint64_t{9}));
    std::vector<double> w(k);
    double sum = 0;
    for (double& x : w) sum += x = random.uniform(.01, 1);
    for (double& x : w) x /= sum;
    for (const double kappa : {.01, .3, 1., 5., 50., 1e4}) {
      double best = 1e300;
      std::vector<std::int64_t> b(k);
      const auto try_all = [&](auto&& self, std::size_t i, std::int64_t left) -> void {
        if (i + 1 == k) {
          b[i] = left;
          best = std::min(best, log_failure(w, kappa, b));
          return;
        }
        for (b[i] = 0; b[i] <= left; ++b[i]) self(self, i + 1, left - b[i]);
      };
      try_all(try_all, 0, n);
      const auto split = posterior_split(w, kappa, n);
      ASSERT_TRUE(split) << split.error().message;
      EXPECT_EQ(std::accumulate(split->begin(), split->end(), std::int64_t{0}), n);
      const double ours = log_failure(w, kappa, *split);
      if (ours == best) continue;  // minus infinity, where one candidate is certain
      EXPECT_NEAR(ours, best, 1e-9 * std::max(1.0, std::abs(best)));
    }
  }
}

TEST(DirectionSplit, NamesWhatItRefuses) {
  const std::vector<double> scores{.5, 1.5}, fine{.5, .5}, cosines{1, 0, 0, 1}, few{1};
  EXPECT_THAT(split_over_directions({.scores = scores, .similarity = cosines}, 3).error().message,
              HasSubstr("candidate 1: score is 1.5"));
  EXPECT_THAT(split_over_directions({.scores = fine, .similarity = few}, 3).error().message, HasSubstr("need 4"));
  EXPECT_FALSE(split_over_directions({.scores = {}, .similarity = {}}, 3));
  EXPECT_FALSE(posterior_split(fine, 0, 3));
  EXPECT_THAT(posterior_split(std::vector{.1, -.1}, 1, 3).error().message, HasSubstr("candidate 1: weight is -0.1"));
}

}  // namespace
}  // namespace bursar::allocate
