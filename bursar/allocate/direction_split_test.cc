#include "bursar/allocate/direction_split.h"

#include <algorithm>
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
    const auto split =
        split_over_directions({.scores = scores, .similarity = cosines, .mode = DirectionMode::kFormula}, 64);
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

TEST(DirectionSplit, DropsWhatRoundsToNothingBeforeItLooksAtDirections) {
  // exp(.9 / .1) to exp(.1 / .1): the third gets .01 of 100 rollouts, and its direction nothing. The first two say the
  // same, so that each gets what the formula gives them alone.
  const std::vector<double> scores{.9, .9, .1, .8}, cosines = similarity({0, 0, 1, 2}, .1);
  const auto split = split_over_directions({.scores = scores, .similarity = cosines}, 100);
  ASSERT_TRUE(split);
  const std::vector<double> kept{.9, .9, .8}, kept_cosines = similarity({0, 0, 2}, .1);
  const auto alone =
      split_over_directions({.scores = kept, .similarity = kept_cosines, .mode = DirectionMode::kFormula}, 100);
  EXPECT_THAT(*split, ElementsAre((*alone)[0], (*alone)[1], 0, (*alone)[2]));
  EXPECT_EQ((*split)[0] + (*split)[1], 73);  // 100 / (1 + e^-1), one direction of two
  // One rollout over many: none has half of one, and the best takes it.
  const std::vector<double> many{.5, .5, .51, .5}, distinct = similarity({0, 1, 2, 3}, 0);
  EXPECT_THAT(*split_over_directions({.scores = many, .similarity = distinct}, 1), ElementsAre(0, 0, 1, 0));
}

TEST(DirectionSplit, IsRebaseWhereEverythingLooksAlike) {
  const std::vector<double> scores{.9, .5, .7}, cosines = similarity({0, 1, 2}, .1);
  const auto w = direction_weights({.scores = scores, .similarity = cosines, .similarity_temperature = 1e9});
  double sum = 0;
  for (const double r : scores) sum += std::exp(r / .1);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR((*w)[i], std::exp(scores[i] / .1) / sum, 1e-9);
}

TEST(DirectionSplit, SavesWhatPayingByCandidateLoses) {
  // k = (3, 1, 2) candidates of scores (.9, .95, .5): paid by candidate a direction's share is Qhat instead of Q, and
  // the loss of log utility is KL(Q || Qhat) = .1092976227.
  const std::vector<int> direction{0, 0, 0, 1, 2, 2};
  const std::vector<double> scores{.9, .9, .9, .95, .5, .5}, cosines = similarity(direction, .1);
  const auto shares = [&](double temperature) {
    const auto w = direction_weights(
        {.scores = scores, .similarity = cosines, .quality_temperature = 1, .similarity_temperature = temperature});
    std::vector<double> q(3);
    for (std::size_t i = 0; i < direction.size(); ++i) q[static_cast<std::size_t>(direction[i])] += (*w)[i];
    return q;
  };
  const auto by_direction = shares(.01), by_candidate = shares(1e9);
  double divergence = 0;
  for (std::size_t j = 0; j < 3; ++j) divergence += by_direction[j] * std::log(by_direction[j] / by_candidate[j]);
  EXPECT_NEAR(divergence, .1092976227, 1e-9);
}

TEST(DirectionSplit, FollowsAPermutationAndPaysNoDuplicate) {
  RandomStream random(4);
  for (int trial = 0; trial < 200; ++trial) {
    const std::size_t k = 2 + random.uniform_int(std::uint64_t{10});
    std::vector<int> direction(k);
    std::vector<double> scores(k);
    for (int& d : direction) d = static_cast<int>(random.uniform_int(std::uint64_t{4}));
    for (std::size_t i = 0; i < k; ++i) scores[i] = .5 + .1 * direction[i];
    const auto cosines = similarity(direction, .2);
    const auto weights = *direction_weights({.scores = scores, .similarity = cosines});
    const auto split =
        *split_over_directions({.scores = scores, .similarity = cosines, .mode = DirectionMode::kFormula}, 64);
    auto turned_direction = direction;
    auto turned_scores = scores;
    std::ranges::reverse(turned_direction), std::ranges::reverse(turned_scores);
    const auto turned_cosines = similarity(turned_direction, .2);
    const auto turned = *direction_weights({.scores = turned_scores, .similarity = turned_cosines});
    for (std::size_t i = 0; i < k; ++i) EXPECT_NEAR(turned[i], weights[k - 1 - i], 1e-12);
    // One more copy of the first candidate.
    direction.push_back(direction[0]), scores.push_back(scores[0]);
    const auto more_cosines = similarity(direction, .2);
    const auto more =
        *split_over_directions({.scores = scores, .similarity = more_cosines, .mode = DirectionMode::kFormula}, 64);
    std::int64_t before = 0, after = 0;
    for (std::size_t i = 0; i < k; ++i) before += direction[i] == direction[0] ? split[i] : 0;
    for (std::size_t i = 0; i <= k; ++i) after += direction[i] == direction[0] ? more[i] : 0;
    EXPECT_LE(std::abs(before - after), 1);
  }
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

TEST(DirectionSplit, RoundsAsItIsTold) {
  const std::vector<double> scores{.9, .9, .9}, alike{1, .1, .1, .1, 1, .1, .1, .1, 1};
  Directions d{.scores = scores, .similarity = alike, .mode = DirectionMode::kFormula};
  d.rounding = DirectionRounding::kLargestRemainder;
  EXPECT_EQ(*split_over_directions(d, 4), (std::vector<std::int64_t>{2, 1, 1}));
  d.rounding = DirectionRounding::kCyclic;  // 1, 1, 1, and the first again
  EXPECT_EQ(*split_over_directions(d, 4), (std::vector<std::int64_t>{2, 1, 1}));
  EXPECT_EQ(*split_over_directions(d, 5), (std::vector<std::int64_t>{2, 2, 1}));  // 2 + 2 + 2, cut
  EXPECT_EQ(*split_over_directions(d, 1), (std::vector<std::int64_t>{1, 0, 0}));
}

}  // namespace
}  // namespace bursar::allocate
