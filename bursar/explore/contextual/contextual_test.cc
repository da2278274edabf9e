#include <Eigen/Dense>
#include <cmath>
#include <gtest/gtest.h>

#include "bursar/explore/contextual/lin_ucb.h"
#include "bursar/explore/contextual/per_context.h"
#include "bursar/explore/stochastic/ucb1.h"

namespace bursar::explore {
namespace {

std::vector<double> row(std::size_t d, RandomStream& random) {
  std::vector<double> x(d);
  for (double& v : x) v = random.normal() / std::sqrt(static_cast<double>(d));
  return x;
}

TEST(RidgeModel, KeepsTheInverseThatAFreshOneWouldHave) {
  constexpr Eigen::Index kD = 12;
  RandomStream random(3);
  RidgeModel model(kD, .5);
  Eigen::MatrixXd a = .5 * Eigen::MatrixXd::Identity(kD, kD);
  Eigen::VectorXd b = Eigen::VectorXd::Zero(kD);
  for (int t = 0; t < 2500; ++t) {
    const auto x = row(kD, random);
    const double reward = random.uniform01(), weight = .5 + random.uniform01();
    model.add(x, reward, weight);
    const Eigen::Map<const Eigen::VectorXd> v(x.data(), kD);
    a += weight * v * v.transpose();
    b += weight * reward * v;
    if (t % 333 != 0 && t != 999 && t != 2499) continue;
    const Eigen::MatrixXd inverse = a.inverse();
    const Eigen::VectorXd theta = inverse * b;
    for (Eigen::Index i = 0; i < kD; ++i) {
      EXPECT_NEAR(model.theta()[static_cast<std::size_t>(i)], theta(i), 1e-9) << t;
      for (Eigen::Index j = 0; j < kD; ++j) {
        EXPECT_NEAR(model.inverse()[static_cast<std::size_t>(i * kD + j)], inverse(i, j), 1e-9) << t;
      }
    }
    const auto probe = row(kD, random);
    const Eigen::Map<const Eigen::VectorXd> p(probe.data(), kD);
    EXPECT_NEAR(model.width(probe), std::sqrt(p.dot(inverse * p)), 1e-9);
    EXPECT_NEAR(model.predict(probe), p.dot(theta), 1e-9);
  }
}

TEST(RidgeModel, WithAnInterceptIsOneWithAConstantFeature) {
  RandomStream random(9);
  RidgeModel with(3, 1, true), without(4, 1);
  for (int t = 0; t < 40; ++t) {
    auto x = row(3, random);
    const double reward = random.uniform01();
    with.add(x, reward, 2);
    x.push_back(1);
    without.add(x, reward, 2);
  }
  auto probe = row(3, random);
  const double predicted = with.predict(probe), wide = with.width(probe);
  probe.push_back(1);
  EXPECT_NEAR(predicted, without.predict(probe), 1e-12);
  EXPECT_NEAR(wide, without.width(probe), 1e-12);
}

TEST(RidgeModel, ScoresManyRowsAsItScoresOne) {
  RandomStream random(4);
  RidgeModel model(7, 1);
  for (int t = 0; t < 50; ++t) model.add(row(7, random), random.uniform01());
  std::vector<double> features, scores(37);
  for (int r = 0; r < 37; ++r) {
    const auto x = row(7, random);
    features.insert(features.end(), x.begin(), x.end());
  }
  model.score(features, 2, scores);
  for (std::size_t r = 0; r < scores.size(); ++r) {
    double one = 0;
    model.score(std::span(features).subspan(r * 7, 7), 2, std::span(&one, 1));
    EXPECT_NEAR(scores[r], one, 1e-12);
  }
}

TEST(LinUcb, PicksTheHighestBoundOfTheBook) {
  auto learner = LinUcb::make({.arms = 2, .dimension = 2, .alpha = 1.5, .intercept = false}).value();
  RandomStream random(1);
  const std::vector<double> features{1, 0, 0, .9};
  auto first = learner->pick({.context = features}, random).value();
  EXPECT_EQ(first.arm, 0);
  EXPECT_TRUE(learner->update(first, {.reward = .1}, random));
  // Arm 0 now: .05 + 1.5 sqrt(1/2) = 1.11; arm 1: 1.5 x .9 = 1.35.
  EXPECT_EQ(learner->pick({.context = features}, random)->arm, 1);
  EXPECT_EQ(learner->pick({.context = std::span(features).first(3)}, random).error().code, ErrorCode::kInvalidArgument);
}

TEST(LinUcb, OfSeparateArmsLearnsEachOnesWeights) {
  auto learner = LinUcb::make({.arms = 2, .dimension = 2, .alpha = .5, .shared = false}).value();
  RandomStream random(1);
  int right = 0;
  for (int t = 0; t < 600; ++t) {
    const std::vector<double> x = t % 2 == 0 ? std::vector<double>{1, 0} : std::vector<double>{0, 1};
    const auto pick = learner->pick({.context = x}, random).value();
    right += t >= 300 && *pick.arm == static_cast<Arm>(t % 2);
    EXPECT_TRUE(learner->update(pick, {.reward = *pick.arm == static_cast<Arm>(t % 2) ? .9 : .2}, random));
  }
  EXPECT_GE(right, 295);
}

TEST(LinUcb, AsAnOracleLearnerLogsItsPropensities) {
  auto learner =
      LinUcb::make({.arms = 4, .dimension = 1, .alpha = 0, .exploration = Exploration::kFirst, .explore = 10}).value();
  RandomStream random(1);
  const std::vector<double> features{1, 1, 1, 1};
  for (int t = 0; t < 12; ++t) {
    const auto pick = learner->pick({.context = features}, random).value();
    EXPECT_EQ(pick.by_chance, t < 10);
    EXPECT_DOUBLE_EQ(pick.propensity, t < 10 ? .25 : 1);
  }
  EXPECT_EQ(oracle_exploration(1000, 4, 3), std::ceil(100 * std::cbrt(4 * (3 + std::log(1000)))));
}

TEST(PerContext, KeepsWhatItLearnsOfAContextToThatContext) {
  const auto make = [] {
    return Ucb1::make({.arms = 2, .horizon = 1000}).map([](auto p) -> std::unique_ptr<Learner> { return p; });
  };
  auto learner = PerContext::make({.contexts = 3}, make).value();
  RandomStream random(1);
  std::vector<int> right(3);
  for (int t = 0; t < 3000; ++t) {
    const double type = t % 3;
    const auto pick = learner->pick({.context = std::span(&type, 1)}, random).value();
    const bool good = *pick.arm == static_cast<Arm>(t % 3 == 1);
    right[static_cast<std::size_t>(t % 3)] += good;
    EXPECT_TRUE(learner->update(pick, {.reward = good ? 1.0 : 0.0}, random));
  }
  for (const int count : right) EXPECT_GT(count, 900);
  const double wrong = 1.5, outside = 3;
  EXPECT_FALSE(learner->pick({.context = std::span(&wrong, 1)}, random));
  EXPECT_FALSE(learner->pick({.context = std::span(&outside, 1)}, random));
  EXPECT_FALSE(learner->pick({}, random));
}

TEST(LipschitzBins, AreThoseOfTheTheorem) {
  const double eps = std::pow(1e4 / (3 * std::log(1e4)), -1.0 / 3);
  EXPECT_EQ(lipschitz_bins(1e4, 3, 1), static_cast<std::size_t>(std::ceil(1 / eps)));
  EXPECT_GT(lipschitz_bins(1e4, 3, 8), lipschitz_bins(1e4, 3, 1));
}

}  // namespace
}  // namespace bursar::explore
