#include <array>
#include <boost/json/array.hpp>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>

#include "bursar/core/json.h"
#include "bursar/explore/adversarial/doubling.h"
#include "bursar/explore/adversarial/exp3.h"
#include "bursar/explore/adversarial/exp4.h"
#include "bursar/explore/adversarial/hedge_learner.h"
#include "bursar/explore/bandit_policy.h"

namespace bursar::explore {
namespace {

using testing::HasSubstr;

Bandit bandit_of(std::unique_ptr<Learner> learner, std::uint64_t seed = 1) {
  return Bandit::make({.seed = seed}, std::move(learner)).value();
}

std::unique_ptr<Exp3> taught(const Exp3Options& options) {
  auto learner = Exp3::make(options).value();
  RandomStream none(0);
  EXPECT_TRUE(learner->update({.arm = 0, .propensity = .3}, {.reward = .2}, none));
  EXPECT_TRUE(learner->update({.arm = 2, .propensity = .1}, {.reward = .9}, none));
  return learner;
}

// E over the draw of chat(a) = sum over arms b of p(b) chat(a | b drawn), from what one update adds to the losses.
TEST(Exp3, FakeCostsHaveTheTrueCostsAsTheirMean) {
  constexpr std::array kRewards{.7, .1, .4, 1.0};
  const Exp3Options options{.arms = 4, .rate = .8, .exploration = .1};
  const auto before = taught(options);
  std::array<double, 4> mean{};
  double total = 0;
  for (Arm b = 0; b < 4; ++b) {
    const auto learner = taught(options);
    RandomStream none(0);
    const double p = before->probability(b);
    total += p;
    ASSERT_TRUE(learner->update({.arm = b, .propensity = p}, {.reward = kRewards.at(b)}, none));
    for (Arm a = 0; a < 4; ++a) {
      mean.at(a) += p * (learner->weights().losses()[a] - before->weights().losses()[a]);
    }
  }
  EXPECT_NEAR(total, 1, 1e-15);
  for (Arm a = 0; a < 4; ++a) EXPECT_NEAR(mean.at(a), 1 - kRewards.at(a), 1e-14);
}

TEST(Exp3, ImplicitExplorationIsBiasedDownwardsOnly) {
  const Exp3Options options{.arms = 4, .rate = .8, .implicit = .4};
  const auto learner = taught(options);
  const double p = learner->probability(1), before = learner->weights().losses()[1];
  RandomStream none(0);
  ASSERT_TRUE(learner->update({.arm = 1, .propensity = p}, {.reward = .5}, none));
  EXPECT_NEAR(learner->weights().losses()[1] - before, .5 / (p + .4), 1e-15);
}

TEST(Exp3, TellsTheProbabilityOfEachDraw) {
  for (const bool some_closed : {false, true}) {
    const auto learner = taught({.arms = 3, .rate = 1, .exploration = .3});
    const std::array<std::uint8_t, 3> closed{0, 1, 0};
    const Question question{.closed =
                                some_closed ? std::span<const std::uint8_t>(closed) : std::span<const std::uint8_t>()};
    std::array<double, 3> drawn{}, told{};
    RandomStream random(2);
    for (int i = 0; i < 200'000; ++i) {
      const Pick pick = learner->pick(question, random).value();
      drawn.at(*pick.arm) += 1.0 / 200'000;
      told.at(*pick.arm) = pick.propensity;
    }
    for (std::size_t a = 0; a < 3; ++a) EXPECT_NEAR(drawn.at(a), told.at(a), .005) << a << some_closed;
    EXPECT_EQ(told[1] == 0, some_closed);
    EXPECT_NEAR(told[0] + told[1] + told[2], 1, 1e-12);
  }
}

TEST(Exp3, HasNothingToChooseWhereAllIsClosed) {
  const auto learner = taught(exp3(3, 100));
  const std::array<std::uint8_t, 3> closed{1, 1, 1};
  RandomStream random(2);
  EXPECT_FALSE(learner->pick({.closed = closed}, random)->arm);
}

TEST(Exp3, UsesTheBooksRatesAndBounds) {
  const auto plain = Exp3::make(exp3(10, 20'000)).value();
  EXPECT_NEAR(*plain->regret_bound(20'000), 2 * std::sqrt(3 * 10 * 20'000 * std::log(10)), 1e-9);
  const Exp3Options ix = exp3_ix(10, 20'000);
  EXPECT_NEAR(ix.rate, std::sqrt(2 * std::log(10) / 200'000), 1e-15);
  EXPECT_DOUBLE_EQ(ix.implicit, ix.rate / 2);
  EXPECT_NEAR(exp3_ix_bound(10, 20'000, .05),
              2 * std::sqrt(400'000 * std::log(10)) + (std::sqrt(400'000 / std::log(10)) + 1) * std::log(40), 1e-9);
  EXPECT_FALSE(Exp3::make({.arms = 2, .rate = .1, .implicit = .5}).value()->regret_bound(100));
  EXPECT_THAT(Exp3::make({.arms = 0}).error().message, HasSubstr("arms"));
  EXPECT_THAT(Exp3::make({.arms = 2, .exploration = 2}).error().message, HasSubstr("exploration"));
}

// The arm that was good turns bad at half-time: the whole cost of an adversary who knows the algorithm.
TEST(Exp3, KeepsItsBoundWhereTheWorldTurns) {
  constexpr std::uint64_t kRounds = 4000;
  for (const Exp3Options& options : {exp3(5, kRounds), exp3_ix(5, kRounds)}) {
    double regret = 0;
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      Bandit bandit = bandit_of(Exp3::make(options).value(), seed);
      std::array<double, 5> total{};
      double paid = 0;
      for (std::uint64_t t = 0; t < kRounds; ++t) {
        std::array<double, 5> cost{1, 1, 1, 1, 1};
        cost.at(t < kRounds / 2 ? 1 : 3) = 0;
        if (t % 3 != 0) cost[4] = 0;
        const Choice choice = bandit.choose().value();
        ASSERT_TRUE(bandit.learn(choice.id, {.reward = 1 - cost.at(*choice.arm)}));
        paid += cost.at(*choice.arm);
        for (std::size_t a = 0; a < 5; ++a) total.at(a) += cost.at(a);
      }
      regret += (paid - *std::ranges::min_element(total)) / 8;
    }
    EXPECT_LE(regret, 2 * std::sqrt(3 * 5 * kRounds * std::log(5)));
  }
}

TEST(Exp3, LearnsLateFeedbackWithThePropensityOfItsChoice) {
  Bandit late = bandit_of(Exp3::make(exp3_ix(3, 50)).value());
  const Choice first = late.choose().value(), second = late.choose().value();
  ASSERT_TRUE(late.learn(second.id, {.reward = 0}) && late.learn(first.id, {.reward = .5}));
  const auto& losses = dynamic_cast<const Exp3&>(late.learner()).weights().losses();
  const double g = exp3_ix(3, 50).implicit;
  std::array<double, 3> wanted{};
  wanted.at(*second.arm) += 1 / (1.0 / 3 + g);
  wanted.at(*first.arm) += .5 / (1.0 / 3 + g);
  for (std::size_t a = 0; a < 3; ++a) EXPECT_NEAR(losses[a], wanted.at(a), 1e-14);
}

// Exp4 with one constant expert an arm is Exp3, round by round.
TEST(Exp4, WithConstantExpertsIsExp3) {
  const std::array advice{0.0, 1.0, 2.0};
  auto four = Exp4::make({.arms = 3, .experts = 3, .horizon = 500}).value();
  auto three = Exp3::make(exp3(3, 500)).value();
  RandomStream random(3);
  for (int t = 0; t < 500; ++t) {
    RandomStream same = random.split(static_cast<std::uint64_t>(t));
    const Pick pick = four->pick({.context = advice}, same).value();
    ASSERT_NEAR(pick.propensity, three->probability(*pick.arm), 1e-11);
    const double reward = random.bernoulli(.2 + .2 * *pick.arm) ? 1 : 0;
    ASSERT_TRUE(four->update(pick, {.reward = reward}, same) && three->update(pick, {.reward = reward}, same));
  }
}

TEST(Exp4, FakeCostsOfExpertsHaveTheirTrueCostsAsMean) {
  const std::array advice{2.0, 0.0, 2.0, 1.0, 1.0};
  constexpr std::array kRewards{.3, .8, .1};
  std::array<double, 5> mean{};
  const auto make = [] {
    return Exp4::make({.arms = 3, .experts = 5, .horizon = 100, .rate = .4, .exploration = .05}).value();
  };
  // Propensities of a first round: the advice's shares of fifths, mixed.
  const std::array share{1.0 / 5, 2.0 / 5, 2.0 / 5};
  for (Arm a = 0; a < 3; ++a) {
    const auto learner = make();
    RandomStream random(0);
    Pick pick;
    do pick = learner->pick({.context = advice}, random).value();
    while (*pick.arm != a);
    ASSERT_NEAR(pick.propensity, .95 * share.at(a) + .05 / 3, 1e-15);
    ASSERT_TRUE(learner->update(pick, {.reward = kRewards.at(a)}, random));
    for (std::size_t e = 0; e < 5; ++e) mean.at(e) += pick.propensity * learner->experts().costs()[e];
  }
  for (std::size_t e = 0; e < 5; ++e)
    EXPECT_NEAR(mean.at(e), 1 - kRewards.at(static_cast<std::size_t>(advice.at(e))), 1e-14);
}

TEST(Exp4, RefusesAdviceThatIsNoArm) {
  auto learner = Exp4::make({.arms = 3, .experts = 2, .horizon = 10}).value();
  RandomStream random(1);
  EXPECT_THAT(learner->pick({}, random).error().message, HasSubstr("context"));
  for (const double wrong : {-1.0, 3.0, .5}) {
    EXPECT_THAT(learner->pick({.context = std::array{0.0, wrong}}, random).error().message, HasSubstr("expert 1"));
  }
  EXPECT_THAT(Exp4::make({.arms = 3, .experts = 2}).error().message, HasSubstr("horizon"));
  const std::array<std::uint8_t, 3> closed{1, 0, 0};
  for (int i = 0; i < 100; ++i) {
    EXPECT_NE(learner->pick({.context = std::array{0.0, 2.0}, .closed = closed}, random)->arm, 0U);
  }
}

TEST(HedgeLearner, WantsTheRewardsOfAllArms) {
  Bandit bandit = bandit_of(HedgeLearner::make({.arms = 3, .horizon = 100}).value());
  const Choice choice = bandit.choose().value();
  EXPECT_THAT(bandit.learn(choice.id, {.reward = .5}).error().message, HasSubstr("each"));
  EXPECT_TRUE(bandit.learn(choice.id, {.each = std::array{1.0, .25, 0.0}}));
  EXPECT_DOUBLE_EQ(bandit.intervals()[1].mean, .25);
  const auto& hedge = dynamic_cast<const HedgeLearner&>(bandit.learner()).hedge();
  EXPECT_DOUBLE_EQ(hedge.costs()[1], .75);
  EXPECT_NEAR(*bandit.regret_bound(100), 2 * std::sqrt(100 * std::log(3)), 1e-12);
}

LearnerMaker exp3_maker(std::size_t arms) {
  return [arms](std::uint64_t rounds) { return as_learner(Exp3::make(exp3_ix(arms, rounds))); };
}

TEST(Doubling, StartsAfreshAtDoubledRounds) {
  auto learner = Doubling::make(exp3_maker(2)).value();
  RandomStream random(1);
  std::vector<int> restarts;
  for (int t = 1; t <= 40; ++t) {
    const std::uint64_t before = learner->epoch();
    const Pick pick = learner->pick({}, random).value();
    if (learner->epoch() != before) restarts.push_back(t);
    EXPECT_TRUE(learner->update(pick, {.reward = .5}, random));
  }
  EXPECT_EQ(restarts, (std::vector<int>{2, 4, 8, 16, 32}));
}

TEST(Doubling, DropsFeedbackOfAnEpochThatEnded) {
  Bandit bandit = bandit_of(Doubling::make(exp3_maker(2), {.first = 2}).value());
  const Choice early = bandit.choose().value();
  for (int i = 0; i < 2; ++i) (void)bandit.choose();
  EXPECT_TRUE(bandit.learn(early.id, {.reward = 0}));
  const auto& inner = dynamic_cast<const Exp3&>(dynamic_cast<const Doubling&>(bandit.learner()).inner());
  EXPECT_EQ(inner.weights().losses()[0] + inner.weights().losses()[1], 0);
}

TEST(Doubling, PaysAConstantFactor) {
  const auto doubling = Doubling::make(exp3_maker(4)).value();
  for (const double rounds : {1e3, 1e5, 1e6}) {
    const double known = *Exp3::make(exp3_ix(4, static_cast<std::uint64_t>(rounds))).value()->regret_bound(rounds);
    EXPECT_LE(*doubling->regret_bound(rounds), 3.5 * known + 40);
  }
}

// At every point of a run: what was saved goes on as the original does, open choices included.
TEST(AdversarialLearners, ReplayIdenticallyFromTheirSavedState) {
  using Maker = std::unique_ptr<Learner> (*)();
  const std::array<Maker, 4> makers{
      +[]() -> std::unique_ptr<Learner> { return Exp3::make(exp3_ix(3, 200)).value(); },
      +[]() -> std::unique_ptr<Learner> { return Exp4::make({.arms = 3, .experts = 4, .horizon = 200}).value(); },
      +[]() -> std::unique_ptr<Learner> { return HedgeLearner::make({.arms = 3, .horizon = 200}).value(); },
      +[]() -> std::unique_ptr<Learner> { return Doubling::make(exp3_maker(3), {.first = 10}).value(); }};
  for (const Maker make : makers) {
    Bandit bandit = bandit_of(make());
    std::vector<DecisionId> open;
    for (std::uint64_t t = 0; t < 120; ++t) {
      const std::array advice{0.0, 1.0, 2.0, static_cast<double>(t % 3)};
      const auto turn = [&](Bandit& b) {
        const Choice choice = b.choose({.context = advice}).value();
        const std::array each{.1, .5, .9};
        if (t % 4 != 1) {
          EXPECT_TRUE(b.learn(choice.id, {.reward = each.at(*choice.arm), .each = each}));
        }
        if (t % 4 == 3) {
          EXPECT_TRUE(b.learn(choice.id - 2, {.reward = .3, .each = each}));
        }
        return *choice.arm;
      };
      Bandit again = bandit_of(make());
      ASSERT_TRUE(again.load(parse_json(to_json(bandit.save())).value().as_object()));
      ASSERT_EQ(turn(bandit), turn(again));
      ASSERT_EQ(to_json(bandit.save()), to_json(again.save())) << t;
    }
  }
}

}  // namespace
}  // namespace bursar::explore
