#include <algorithm>
#include <array>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>

#include "bursar/explore/adversarial/arm_weights.h"
#include "bursar/explore/adversarial/expert_vote.h"
#include "bursar/explore/adversarial/hedge.h"

namespace bursar::explore {
namespace {

using testing::HasSubstr;

// 2^T truths x every way in which the other experts may vote is too much; experts who are all functions of their number
// cover it: expert e of 2^T predicts bit t of e, so that every sequence has its perfect expert.
TEST(ExpertVote, MajorityErrsAtMostLogKTimesOnEverySequence) {
  for (std::size_t rounds = 1; rounds <= 10; ++rounds) {
    const std::size_t experts = std::size_t{1} << rounds;
    const auto advice = std::make_unique<bool[]>(experts);
    for (std::size_t truth = 0; truth < experts; ++truth) {
      ExpertVote vote = ExpertVote::majority_vote(experts).value();
      for (std::size_t t = 0; t < rounds; ++t) {
        for (std::size_t e = 0; e < experts; ++e) advice[e] = ((e >> t) & 1) != 0;
        ASSERT_TRUE(vote.learn({advice.get(), experts}, ((truth >> t) & 1) != 0));
      }
      ASSERT_LE(static_cast<double>(vote.mistakes()), std::log2(static_cast<double>(experts)));
      ASSERT_EQ(vote.best_mistakes(), 0U);
    }
  }
}

// Few experts, all sequences of T truths, and advice at random of which one expert is perfect.
TEST(ExpertVote, MajorityErrsAtMostLogKTimesWithFewExperts) {
  RandomStream random(3);
  for (const std::size_t experts : {1U, 3U, 8U, 13U}) {
    const auto advice = std::make_unique<bool[]>(experts);
    for (std::uint32_t truth = 0; truth < 1024; ++truth) {
      ExpertVote vote = ExpertVote::majority_vote(experts).value();
      for (int t = 0; t < 10; ++t) {
        const bool right = ((truth >> t) & 1) != 0;
        for (std::size_t e = 0; e < experts; ++e) advice[e] = e == 0 ? right : random.bernoulli(.5);
        ASSERT_TRUE(vote.learn({advice.get(), experts}, right));
      }
      ASSERT_LE(static_cast<double>(vote.mistakes()), vote.mistake_bound());
    }
  }
}

TEST(ExpertVote, WeightedMajorityKeepsItsBound) {
  RandomStream random(4);
  for (const double rate : {.01, .1, .3, .5, .9}) {
    for (int trial = 0; trial < 30; ++trial) {
      constexpr std::size_t kExperts = 9;
      ExpertVote vote = ExpertVote::weighted_majority(kExperts, rate).value();
      std::array<double, kExperts> skill{};
      for (double& s : skill) s = random.uniform(0, .9);
      for (int t = 0; t < 300; ++t) {
        std::array<bool, kExperts> advice{};
        // An adversary would say the opposite of the guess; one time in three this one does.
        const bool truth = random.bernoulli(.5);
        for (std::size_t e = 0; e < kExperts; ++e) advice.at(e) = random.bernoulli(skill.at(e)) == truth;
        const bool guess = vote.predict(advice).value();
        ASSERT_TRUE(vote.learn(advice, t % 3 == 0 ? !guess : truth));
        ASSERT_LE(static_cast<double>(vote.mistakes()), vote.mistake_bound());
      }
    }
  }
}

TEST(ExpertVote, SaysWhatIsWrong) {
  EXPECT_THAT(ExpertVote::majority_vote(0).error().message, HasSubstr("experts"));
  EXPECT_THAT(ExpertVote::weighted_majority(2, 1).error().message, HasSubstr("rate"));
  ExpertVote vote = ExpertVote::majority_vote(2).value();
  EXPECT_EQ(vote.predict(std::array{true}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(vote.learn(std::array{true, true}, false));
  EXPECT_EQ(vote.predict(std::array{true, true}).error().code, ErrorCode::kInfeasible);
}

TEST(ExpertVote, GoesOnFromWhatWasSaved) {
  RandomStream random(5);
  ExpertVote a = ExpertVote::weighted_majority(4, .2).value(), b = ExpertVote::weighted_majority(4, .2).value();
  for (int t = 0; t < 100; ++t) {
    if (t == 50) {
      EXPECT_TRUE(b.load(a.save()));
    }
    const std::array advice{random.bernoulli(.5), random.bernoulli(.4), random.bernoulli(.6), random.bernoulli(.3)};
    const bool truth = random.bernoulli(.5);
    if (t >= 50) {
      EXPECT_EQ(a.predict(advice).value(), b.predict(advice).value());
    }
    EXPECT_TRUE(a.learn(advice, truth));
    if (t >= 50) {
      EXPECT_TRUE(b.learn(advice, truth));
    }
  }
  EXPECT_EQ(a.mistakes(), b.mistakes());
  EXPECT_EQ(b.load({{"errors", {1, 2}}, {"mistakes", 1}}).error().code, ErrorCode::kCorrupt);
}

TEST(Hedge, WeighsExpertsByTheirCosts) {
  Hedge hedge = Hedge::create(3, .2).value();
  EXPECT_TRUE(hedge.learn(std::array{1.0, .5, 0.0}));
  EXPECT_TRUE(hedge.learn(std::array{1.0, .5, .25}));
  const std::array weights{std::pow(.8, 2), std::pow(.8, 1), std::pow(.8, .25)};
  const double total = weights[0] + weights[1] + weights[2];
  for (std::size_t e = 0; e < 3; ++e) EXPECT_NEAR(hedge.probabilities()[e], weights.at(e) / total, 1e-15);
  const double second = (1 * .8 + .5 * std::sqrt(.8) + .25) / (.8 + std::sqrt(.8) + 1);
  EXPECT_NEAR(hedge.expected_cost(), .5 + second, 1e-15);
  EXPECT_DOUBLE_EQ(hedge.best_cost(), .25);
}

TEST(Hedge, IsBlindToAConstantInAllCosts) {
  RandomStream random(6);
  Hedge a = Hedge::create(5, .1).value(), b = Hedge::create(5, .1).value();
  for (int t = 0; t < 500; ++t) {
    std::array<double, 5> low{}, high{};
    const double constant = random.uniform(0, .5);
    for (std::size_t e = 0; e < 5; ++e) high.at(e) = (low.at(e) = random.uniform(0, .5)) + constant;
    ASSERT_TRUE(a.learn(low) && b.learn(high));
    for (std::size_t e = 0; e < 5; ++e) ASSERT_NEAR(a.probabilities()[e], b.probabilities()[e], 1e-12);
  }
}

TEST(Hedge, StaysFiniteForEver) {
  Hedge hedge = Hedge::create(2, .5).value();
  for (int t = 0; t < 100'000; ++t) ASSERT_TRUE(hedge.learn(std::array{1.0, t % 2 == 0 ? 1.0 : 0.0}));
  EXPECT_EQ(hedge.probabilities()[0], 0);
  EXPECT_EQ(hedge.probabilities()[1], 1);
}

// Every adversary that gives the whole cost of a round to a set of experts, for a few rounds: all 4^T of them.
TEST(Hedge, KeepsItsBoundAgainstEveryShortSequence) {
  constexpr std::uint64_t kRounds = 6;
  const HedgePlan plan{.experts = 2, .rounds = kRounds};
  const double rate = hedge_rate(plan), bound = hedge_bound(plan, rate);
  EXPECT_NEAR(bound, 2 * std::sqrt(6 * std::log(2)), 1e-12);
  for (std::uint64_t costs = 0; costs < (std::uint64_t{1} << (2 * kRounds)); ++costs) {
    Hedge hedge = Hedge::create(2, rate).value();
    for (std::uint64_t t = 0; t < kRounds; ++t) {
      const std::array now{static_cast<double>((costs >> (2 * t)) & 1),
                           static_cast<double>((costs >> (2 * t + 1)) & 1)};
      ASSERT_TRUE(hedge.learn(now));
    }
    ASSERT_LE(hedge.expected_cost() - hedge.best_cost(), bound);
  }
}

TEST(Hedge, DrawsWithItsProbabilities) {
  Hedge hedge = Hedge::create(3, .5).value();
  EXPECT_TRUE(hedge.learn(std::array{0.0, 1.0, 1.0}));  // .5, .25, .25
  std::array<int, 3> drawn{};
  RandomStream random(7);
  for (int i = 0; i < 100'000; ++i) ++drawn.at(hedge.draw(random));
  EXPECT_NEAR(drawn[0], 50'000, 800);
  EXPECT_NEAR(drawn[1], 25'000, 700);
}

TEST(Hedge, RefusesWhatIsNoCostAndLearnsNothingFromIt) {
  Hedge hedge = Hedge::create(2, .1).value();
  for (const double wrong : {-.1, 1.1, std::nan("")}) {
    EXPECT_THAT(hedge.learn(std::array{.5, wrong}).error().message, HasSubstr("cost of expert 1"));
  }
  EXPECT_EQ(hedge.learn(std::array{.5}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(hedge.rounds(), 0U);
  EXPECT_EQ(hedge.costs()[0], 0);
  EXPECT_THAT(Hedge::create(2, 1).error().message, HasSubstr("rate"));
}

TEST(ArmWeights, AgreesWithTheFormula) {
  RandomStream random(8);
  for (const std::size_t arms : {1U, 2U, 5U, 64U, 100U}) {
    constexpr double kRate = .7;
    ArmWeights weights = ArmWeights::create(arms, kRate).value();
    std::vector<double> losses(arms, 0.0);
    for (int t = 0; t < 3000; ++t) {
      const std::size_t arm = random.uniform_int(std::uint64_t{arms});
      const double cost = random.exponential();
      losses[arm] += cost;
      ASSERT_TRUE(weights.add(arm, cost));
      if (t % 100 != 0) continue;
      const double least = std::ranges::min(losses);
      double total = 0;
      for (const double l : losses) total += std::exp(-kRate * (l - least));
      for (std::size_t a = 0; a < arms; ++a) {
        ASSERT_NEAR(weights.probability(a), std::exp(-kRate * (losses[a] - least)) / total, 1e-12);
      }
    }
  }
}

TEST(ArmWeights, DrawsWithItsProbabilities) {
  ArmWeights weights = ArmWeights::create(3, std::log(2)).value();
  EXPECT_TRUE(weights.add(1, 1) && weights.add(2, 1));
  std::array<int, 3> drawn{};
  RandomStream random(9);
  for (int i = 0; i < 100'000; ++i) ++drawn.at(weights.draw(random));
  EXPECT_NEAR(drawn[0], 50'000, 800);
  EXPECT_NEAR(drawn[2], 25'000, 700);
}

TEST(ArmWeights, SavedInTheMiddleIsTheSameToTheBit) {
  RandomStream random(10);
  ArmWeights a = ArmWeights::create(7, .9).value(), b = ArmWeights::create(7, .9).value();
  for (int t = 0; t < 4000; ++t) {
    if (t == 2001) {
      ASSERT_TRUE(b.load(a.save()));
    }
    const std::size_t arm = random.uniform_int(std::uint64_t{7});
    const double cost = random.uniform01();
    ASSERT_TRUE(a.add(arm, cost));
    if (t < 2001) continue;
    ASSERT_TRUE(b.add(arm, cost));
    for (std::size_t i = 0; i < 7; ++i) ASSERT_EQ(a.probability(i), b.probability(i));
  }
  EXPECT_EQ(b.load({{"base", 9.0}, {"losses", {1, 1, 1, 1, 1, 1, 1}}}).error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace bursar::explore
