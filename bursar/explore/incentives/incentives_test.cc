#include <array>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/core/json.h"
#include "bursar/explore/adversarial/exp3.h"
#include "bursar/explore/incentives/bayesian_greedy.h"
#include "bursar/explore/incentives/hidden_exploration.h"
#include "bursar/explore/incentives/recommendation.h"

namespace bursar::explore {
namespace {

using testing::HasSubstr;

constexpr TwoArms kArms{.first = {6, 4}, .second = {4, 6}};

// The figures of the sheet, exact beta-binomial sums.
TEST(Recommendation, GainsAndExplorationAreThoseOfTheSheet) {
  struct Row {
    std::uint64_t samples;
    double plus, tight;
  };
  for (const Row& row : {Row{10, .001024, .00509}, Row{20, .002696, .01330}, Row{50, .004705, .02298}}) {
    const GainOfSignal gain = gain_of_samples(kArms, row.samples).value();
    EXPECT_NEAR(gain.plus, row.plus, 1e-6);
    EXPECT_NEAR(tight_exploration(gain), row.tight, 1e-5);
    EXPECT_NEAR(book_exploration(gain), row.plus / 3, 1e-6);
    EXPECT_NEAR(gain.plus - gain.minus, -.2, 1e-12);  // the prior's difference: a martingale
    EXPECT_LT(safe_exploration(gain), tight_exploration(gain));
  }
}

// Every sequence of successes of arm 1, with its probability under the urn.
TEST(Recommendation, AgreesWithTheListOfAllSequences) {
  constexpr std::uint64_t kRounds = 12;
  double plus = 0, never = 0;
  for (std::uint32_t sequence = 0; sequence < (1U << kRounds); ++sequence) {
    double p = 1, a = 2, b = 1;
    bool first_leads = true;
    for (std::uint64_t t = 0; t < kRounds; ++t) {
      first_leads = first_leads && a / (a + b) >= .5;
      const bool success = ((sequence >> t) & 1) != 0;
      p *= (success ? a : b) / (a + b);
      (success ? a : b) += 1;
    }
    plus += p * std::max(0.0, .5 - a / (a + b));
    never += first_leads ? p : 0;
  }
  const TwoArms arms{.first = {2, 1}, .second = {3, 3}};
  EXPECT_NEAR(gain_of_samples(arms, kRounds)->plus, plus, 1e-13);
  EXPECT_NEAR(never_tries_second(arms, kRounds).value(), never, 1e-13);
}

TEST(Recommendation, GreedyNeverTriesTheSecondArmMoreOftenThanTheBoundsSay) {
  const double never = never_tries_second(kArms, 2000).value();
  EXPECT_NEAR(never, .823, .005);
  EXPECT_GE(never, .2 / .6);
  EXPECT_EQ(never_tries_second(kArms, 1).value(), 1);
}

TEST(Recommendation, NeedsAsManySamplesAsMakeTheSecondArmLookBetter) {
  EXPECT_EQ(samples_needed(kArms).value(), 6U);
  EXPECT_EQ(gain_of_samples(kArms, 5)->plus, 0);
  EXPECT_GT(gain_of_samples(kArms, 6)->plus, 0);
  EXPECT_THAT(gain_of_samples({.first = {1, 2}, .second = {1, 1}}, 3).error().message, HasSubstr("first"));
  EXPECT_THAT(gain_of_samples({.first = {0, 2}, .second = {1, 1}}, 3).error().message, HasSubstr("positive"));
}

// What a recommendation of arm 2 is worth to the user: E[(mu2 - mu1) 1{arm 2 recommended}] is 0 at the tight epsilon,
// positive below and negative above. Measured on worlds drawn from the priors.
TEST(HiddenExploration, IsWorthFollowingUpToTheTightEpsilonOnly) {
  const GainOfSignal gain = gain_of_samples(kArms, 20).value();
  const double tight = tight_exploration(gain);
  const auto worth = [&](double eps) { return eps * (gain.plus - gain.minus) + (1 - eps) * gain.plus; };
  EXPECT_NEAR(worth(tight), 0, 1e-15);
  EXPECT_GT(worth(.9 * tight), 0);
  EXPECT_LT(worth(1.1 * tight), 0);
  EXPECT_THAT(HiddenExploration::make({.arms = kArms, .warm_up = 20, .epsilon = 1.01 * tight}).error().message,
              HasSubstr("users follow up to"));
  EXPECT_EQ(HiddenExploration::make({.arms = kArms, .warm_up = 5}).error().code, ErrorCode::kInfeasible);
}

TEST(HiddenExploration, ExploresAfterTheWarmUpAndAsOftenAsItMay) {
  auto learner = HiddenExploration::make({.arms = {.first = {2, 2}, .second = {1.9, 2}}, .warm_up = 10}).value();
  Bandit bandit = Bandit::make({.seed = 2}, std::move(learner)).value();
  for (int i = 0; i < 10; ++i) {
    const Choice choice = bandit.choose().value();
    EXPECT_EQ(choice.arm, 0U);
    if (i > 0) {
      EXPECT_TRUE(bandit.learn(choice.id, {.reward = 1}));
    }
  }
  EXPECT_EQ(bandit.choose()->arm, 0U);  // the first reward has not come
  EXPECT_TRUE(bandit.learn(0, {.reward = 1}));
  int second = 0;
  for (int i = 0; i < 2000; ++i) second += *bandit.choose()->arm == 1 ? 1 : 0;  // ten successes: arm 1 looks better
  const double eps = dynamic_cast<const HiddenExploration&>(bandit.learner()).epsilon();
  EXPECT_NEAR(second, 2000 * eps, 5 * std::sqrt(2000 * eps));
}

TEST(HiddenExploration, TeachesItsExplorerFromExplorationRoundsAlone) {
  auto explorer = Exp3::make(exp3_ix(2, 1000)).value();
  const Exp3* inside = explorer.get();
  auto learner =
      HiddenExploration::make({.arms = {.first = {2, 2}, .second = {1.9, 2}}, .warm_up = 4}, std::move(explorer))
          .value();
  Bandit bandit = Bandit::make({.seed = 3}, std::move(learner)).value();
  double explored = 0;
  for (int i = 0; i < 400; ++i) {
    const Choice choice = bandit.choose().value();
    explored += choice.by_chance ? 1 : 0;
    EXPECT_TRUE(bandit.learn(choice.id, {.reward = *choice.arm == 1 ? .9 : .1}));
  }
  EXPECT_GT(explored, 20);
  EXPECT_EQ(inside->beliefs()[0].pulls + inside->beliefs()[1].pulls, explored);
  EXPECT_EQ(bandit.intervals()[0].pulls + bandit.intervals()[1].pulls, 400);
}

TEST(BayesianGreedy, TakesThePosteriorBest) {
  Bandit bandit = Bandit::make({}, BayesianGreedy::make({.priors = {{6, 4}, {4, 6}}}).value()).value();
  for (int i = 0; i < 6; ++i) {
    const Choice choice = bandit.choose().value();
    EXPECT_EQ(choice.arm, 0U);  // 6 / (10 + i) >= .4
    EXPECT_TRUE(bandit.learn(choice.id, {.reward = 0}));
  }
  EXPECT_EQ(bandit.choose()->arm, 1U);
  EXPECT_NEAR(bandit.intervals()[0].mean, 6.0 / 16, 1e-15);
  EXPECT_THAT(BayesianGreedy::make({.priors = {{1, 0}}}).error().message, HasSubstr("arm 0"));
}

TEST(IncentiveLearners, ReplayIdenticallyFromTheirSavedState) {
  const TwoArms arms{.first = {2, 2}, .second = {1.9, 2}};
  using Maker = std::unique_ptr<Learner> (*)(const TwoArms&);
  const std::array<Maker, 3> makers{
      +[](const TwoArms& a) -> std::unique_ptr<Learner> {
        return BayesianGreedy::make({.priors = {a.first, a.second}}).value();
      },
      +[](const TwoArms& a) -> std::unique_ptr<Learner> {
        return HiddenExploration::make({.arms = a, .warm_up = 5}).value();
      },
      +[](const TwoArms& a) -> std::unique_ptr<Learner> {
        return HiddenExploration::make({.arms = a, .warm_up = 5}, Exp3::make(exp3_ix(2, 50)).value()).value();
      }};
  for (const Maker make : makers) {
    Bandit bandit = Bandit::make({}, make(arms)).value();
    for (std::uint64_t t = 0; t < 60; ++t) {
      const auto turn = [&](Bandit& b) {
        const Choice choice = b.choose().value();
        if (t % 4 != 1) {
          EXPECT_TRUE(b.learn(choice.id, {.reward = t % 3 == 0 ? 1.0 : 0.0}));
        }
        return *choice.arm;
      };
      Bandit again = Bandit::make({}, make(arms)).value();
      ASSERT_TRUE(again.load(parse_json(to_json(bandit.save())).value().as_object()));
      ASSERT_EQ(turn(bandit), turn(again));
      ASSERT_EQ(to_json(bandit.save()), to_json(again.save()));
    }
  }
}

}  // namespace
}  // namespace bursar::explore
