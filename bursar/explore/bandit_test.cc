#include "bursar/explore/bandit.h"

#include <cmath>
#include <gtest/gtest.h>

#include "bursar/core/json.h"
#include "bursar/explore/policies.h"
#include "bursar/explore/stochastic/ucb1.h"

namespace bursar::explore {
namespace {

Bandit ucb(std::size_t arms, BanditOptions options = {}) {
  return Bandit::make(options, Ucb1::make({.arms = arms, .horizon = 1000}).value()).value();
}

TEST(Bandit, RefusesFeedbackThatComesTwiceOrForNothing) {
  Bandit bandit = ucb(2);
  const Choice choice = bandit.choose().value();
  EXPECT_EQ(bandit.learn(7, {.reward = .5}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(bandit.learn(choice.id, {.reward = 1.5}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(bandit.learn(choice.id, {.reward = NAN}).error().code, ErrorCode::kInvalidArgument);
  const std::string before = to_json(bandit.save());
  EXPECT_TRUE(bandit.learn(choice.id, {.reward = .5}));
  EXPECT_NE(to_json(bandit.save()), before);
  const std::string after = to_json(bandit.save());
  EXPECT_EQ(bandit.learn(choice.id, {.reward = .5}).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(bandit.forget(choice.id).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(to_json(bandit.save()), after);
}

TEST(Bandit, LearnsTheSameFromFeedbackInAnyOrder) {
  Bandit forward = ucb(3), backward = ucb(3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(forward.choose()->arm, backward.choose()->arm);
  for (DecisionId id : {0U, 1U, 2U}) EXPECT_TRUE(forward.learn(id, {.reward = .25 * static_cast<double>(id)}));
  for (DecisionId id : {2U, 0U, 1U}) EXPECT_TRUE(backward.learn(id, {.reward = .25 * static_cast<double>(id)}));
  EXPECT_EQ(to_json(forward.save()), to_json(backward.save()));
}

TEST(Bandit, SpreadsChoicesOverArmsWhileFeedbackIsLate) {
  Bandit bandit = ucb(4);
  std::vector<int> picks(4);
  for (int i = 0; i < 40; ++i) ++picks[bandit.choose()->arm.value()];
  EXPECT_EQ(picks, (std::vector<int>{10, 10, 10, 10}));
}

TEST(Bandit, ForgetsTheOldestWhereTooManyAreOpen) {
  Bandit bandit = ucb(2, {.max_open = 16});
  for (int i = 0; i < 40; ++i) (void)bandit.choose();
  EXPECT_EQ(bandit.open(), 16);
  EXPECT_EQ(bandit.learn(0, {.reward = 1}).error().code, ErrorCode::kAlreadyExists);
  EXPECT_TRUE(bandit.learn(39, {.reward = 1}));
}

TEST(Bandit, ScalesRewardsFromTheDeclaredRange) {
  Bandit wide = ucb(2, {.range = {-10, 30}});
  const Choice choice = wide.choose().value();
  EXPECT_TRUE(wide.learn(choice.id, {.reward = 20}));
  const Belief belief = wide.intervals()[*choice.arm];
  EXPECT_DOUBLE_EQ(belief.mean, 20);
  EXPECT_GE(belief.low, -10);
  EXPECT_LE(belief.high, 30);
  EXPECT_EQ(belief.pulls, 1);
  EXPECT_FALSE(Bandit::make({.range = {1, 1}}, Ucb1::make({.arms = 2}).value()));
}

TEST(Bandit, NeverChoosesAClosedArm) {
  Bandit bandit = ucb(3);
  const std::vector<std::uint8_t> closed{1, 0, 1}, all{1, 1, 1};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(bandit.choose({.closed = closed})->arm, 1);
  EXPECT_EQ(bandit.choose({.closed = all})->arm, std::nullopt);
  EXPECT_EQ(bandit.choose({.closed = std::span(all).first(2)}).error().code, ErrorCode::kInvalidArgument);
}

TEST(Ucb1, PicksByMeanAndRadius) {
  auto bandit = Bandit::make({}, Ucb1::make({.arms = 2, .horizon = 100, .conf = 2}).value()).value();
  EXPECT_EQ(bandit.choose()->arm, 0);
  EXPECT_TRUE(bandit.learn(0, {.reward = .2}));
  EXPECT_EQ(bandit.choose()->arm, 1);
  EXPECT_TRUE(bandit.learn(1, {.reward = .9}));
  EXPECT_EQ(bandit.choose()->arm, 1);
  EXPECT_TRUE(bandit.learn(2, {.reward = .9}));
  // .2 + sqrt(2 ln 100) > .9 + sqrt(2 ln 100 / 2)
  ASSERT_GT(.2 + std::sqrt(2 * std::log(100)), .9 + std::sqrt(std::log(100)));
  EXPECT_EQ(bandit.choose()->arm, 0);
}

TEST(Ucb1, KeepsItsBoundOnRegret) {
  double regret = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    auto bandit = Bandit::make({.seed = seed}, Ucb1::make({.arms = 3, .horizon = 2000}).value()).value();
    RandomStream world = RandomStream(seed).split("world");
    const double mean[3] = {.5, .6, .4};
    for (int t = 0; t < 2000; ++t) {
      const Choice choice = bandit.choose().value();
      regret += .6 - mean[*choice.arm];
      ASSERT_TRUE(bandit.learn(choice.id, {.reward = world.bernoulli(mean[*choice.arm]) ? 1.0 : 0.0}));
    }
  }
  const double bound = Ucb1::make({.arms = 3}).value()->regret_bound(2000).value();
  EXPECT_GT(regret / 20, 10);
  EXPECT_LT(regret / 20, bound);
}

}  // namespace
}  // namespace bursar::explore
