#include "bursar/explore/knapsack/lagrange_bwk.h"

#include <array>
#include <boost/json/array.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/core/json.h"
#include "bursar/explore/policies.h"
#include "bursar/explore/worlds.h"

namespace bursar::explore {
namespace {

using testing::HasSubstr;

LagrangeBwkOptions two_arms(std::uint64_t horizon) {
  return {.arms = 2, .horizon = horizon, .budget = {static_cast<double>(horizon) / 4}, .most = {1}};
}

TEST(LagrangeBwk, PricesWhatRunsOutAndRelaxesWhereNothingDoes) {
  for (const double use : {1.0, 0.0}) {
    Bandit bandit = Bandit::make({}, LagrangeBwk::make(two_arms(2000)).value()).value();
    EXPECT_NEAR(bandit.learner().prices()[0], 2, 1e-12);  // T / B times a half
    for (int t = 0; t < 500; ++t) {
      const Choice choice = bandit.choose().value();
      if (choice.arm) {
        EXPECT_TRUE(bandit.learn(choice.id, {.reward = .5, .spent = std::array{use}}));
      }
    }
    if (use > 0) {
      EXPECT_GT(bandit.learner().prices()[0], 2.3);
    } else {
      EXPECT_LT(bandit.learner().prices()[0], 1.7);
    }
  }
}

// Both arms use the whole rate of four rounds, and the second pays a fifth: resting in between is what is left.
TEST(LagrangeBwk, RestsWhereEveryArmUsesMoreThanItsRate) {
  Bandit bandit = Bandit::make({}, LagrangeBwk::make(two_arms(20'000)).value()).value();
  std::array<int, 3> picks{};
  for (int t = 0; t < 20'000; ++t) {
    const Choice choice = bandit.choose().value();
    ++picks.at(choice.arm ? *choice.arm : 2);
    if (choice.arm) {
      EXPECT_TRUE(bandit.learn(choice.id, {.reward = *choice.arm == 0 ? 1 : .2, .spent = std::array{1.0}}));
    }
  }
  EXPECT_GT(picks[0], 3 * picks[1]);
  EXPECT_GT(picks[2], 8000);
  auto restless = two_arms(100);
  restless.rest = false;
  Bandit busy = Bandit::make({}, LagrangeBwk::make(restless).value()).value();
  for (int t = 0; t < 100; ++t) EXPECT_TRUE(busy.choose()->arm);
}

TEST(LagrangeBwk, LosesLessThanALearnerThatIsBlindToTheBudget) {
  std::vector<double> prices;
  for (int i = 1; i <= 10; ++i) prices.push_back(i / 10.0);
  const World world = pricing_world(prices, .25);
  std::array<double, 2> regret{};
  constexpr std::uint64_t kRounds = 10'000;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const boost::json::object common{{"arms", 10}, {"seed", seed}, {"most", boost::json::array{1.0}}};
    auto lagrange = common;
    lagrange["rest"] = false;
    for (const bool blind : {false, true}) {
      auto policy =
          make_policy(*find_policy(policies(), blind ? "ucb1" : "lagrange-bwk"),
                      {.budget = {kRounds / 4.0}, .horizon = kRounds, .parameters = blind ? common : lagrange})
              .value();
      const auto run = simulate(*policy, world, kRounds, RandomStream(seed)).value();
      regret.at(blind ? 1 : 0) += run.regret / 6;
      EXPECT_LE(run.spent[0], kRounds / 4.0);
    }
  }
  EXPECT_LT(regret[0], .97 * regret[1]);
}

TEST(LagrangeBwk, SaysWhatIsWrong) {
  EXPECT_THAT(LagrangeBwk::make({.arms = 2, .horizon = 5, .budget = {1}}).error().message, HasSubstr("most"));
  EXPECT_THAT(LagrangeBwk::make({.arms = 2, .budget = {1}, .most = {1}}).error().message, HasSubstr("horizon"));
  Bandit bandit = Bandit::make({}, LagrangeBwk::make(two_arms(100)).value()).value();
  Choice choice = bandit.choose().value();
  while (!choice.arm) choice = bandit.choose().value();
  const auto before = to_json(bandit.save());
  EXPECT_THAT(bandit.learn(choice.id, {.reward = .5}).error().message, HasSubstr("spent"));
  EXPECT_EQ(to_json(bandit.save()), before);
}

TEST(LagrangeBwk, ReplaysIdenticallyFromItsSavedState) {
  Bandit bandit = Bandit::make({}, LagrangeBwk::make(two_arms(200)).value()).value();
  for (int t = 0; t < 100; ++t) {
    const auto turn = [&](Bandit& b) {
      const Choice choice = b.choose().value();
      if (choice.arm && t % 4 != 1) {
        EXPECT_TRUE(b.learn(choice.id, {.reward = .5, .spent = std::array{.25 * (t % 3)}}));
      }
      return choice.arm;
    };
    Bandit again = Bandit::make({}, LagrangeBwk::make(two_arms(200)).value()).value();
    ASSERT_TRUE(again.load(parse_json(to_json(bandit.save())).value().as_object()));
    ASSERT_EQ(turn(bandit), turn(again));
    ASSERT_EQ(to_json(bandit.save()), to_json(again.save()));
  }
}

}  // namespace
}  // namespace bursar::explore
