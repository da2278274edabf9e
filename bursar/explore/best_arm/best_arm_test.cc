#include "bursar/explore/best_arm/best_arm.h"

#include <gtest/gtest.h>

#include "bursar/core/json.h"

namespace bursar::explore {
namespace {

const std::vector<double> kMeans{.3, .5, .8, .4, .45};

template <class Finder>
Verdict find(Finder& finder, std::uint64_t seed) {
  RandomStream random = RandomStream(seed).split("samples");
  while (auto arm = finder.next()) EXPECT_TRUE(finder.record(*arm, random.bernoulli(kMeans[*arm]) ? 1 : 0));
  return finder.verdict();
}

TEST(SequentialHalving, StaysWithinItsBudgetAndFindsTheBest) {
  int right = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    auto finder = SequentialHalving::make({.arms = 5, .budget = 300}).value();
    const Verdict verdict = find(*finder, seed);
    EXPECT_TRUE(verdict.stopped);
    EXPECT_LE(verdict.samples, 300);
    EXPECT_GE(verdict.samples, 250);
    right += verdict.arm == 2;
  }
  EXPECT_GE(right, 195);
}

TEST(SequentialHalving, GivesEachRoundAnEqualShare) {
  auto finder = SequentialHalving::make({.arms = 8, .budget = 240}).value();  // 3 rounds of 80: 10, 20, 40 each
  std::vector<int> samples(8);
  while (auto arm = finder->next()) {
    ++samples[*arm];
    ASSERT_TRUE(finder->record(*arm, static_cast<double>(*arm) / 10));
  }
  EXPECT_EQ(samples, (std::vector<int>{10, 10, 10, 10, 30, 30, 70, 70}));
  EXPECT_EQ(finder->verdict().arm, 7);
}

TEST(SequentialHalving, IsNotLedByWhatWasNeverSampled) {
  auto finder = SequentialHalving::make({.arms = 3, .budget = 24}).value();
  ASSERT_TRUE(finder->record(1, .4));
  EXPECT_EQ(finder->verdict().arm, 1);
}

TEST(SequentialHalving, WaitsForTheSamplesOfARound) {
  auto finder = SequentialHalving::make({.arms = 2, .budget = 4}).value();
  EXPECT_EQ(finder->next(), 0);
  EXPECT_EQ(finder->next(), 1);
  EXPECT_EQ(finder->next(), 0);
  EXPECT_EQ(finder->next(), 1);
  EXPECT_EQ(finder->next(), std::nullopt);
  EXPECT_FALSE(finder->verdict().stopped);
  for (const Arm arm : {1, 0, 1, 0}) EXPECT_TRUE(finder->record(arm, arm == 1 ? 1 : 0));
  EXPECT_TRUE(finder->verdict().stopped);
  EXPECT_EQ(finder->verdict().arm, 1);
  EXPECT_FALSE(SequentialHalving::make({.arms = 8, .budget = 23}));
}

TEST(FixedConfidence, ErrsNoMoreOftenThanItSays) {
  for (const ConfidenceRule rule : {ConfidenceRule::kLucb, ConfidenceRule::kElimination}) {
    int wrong = 0;
    double samples = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
      auto finder = FixedConfidence::make({.arms = 5, .delta = .1, .rule = rule}).value();
      const Verdict verdict = find(*finder, seed);
      EXPECT_TRUE(verdict.stopped && verdict.guaranteed);
      wrong += verdict.arm != 2;
      samples += verdict.samples / 60;
    }
    EXPECT_LE(wrong, 6);
    EXPECT_LT(samples, 5000);
  }
}

TEST(FixedConfidence, StopsEarlierWhereLessIsAsked) {
  auto exact = FixedConfidence::make({.arms = 5, .delta = .05}).value();
  auto rough = FixedConfidence::make({.arms = 5, .delta = .05, .epsilon = .3}).value();
  EXPECT_LT(find(*rough, 3).samples, find(*exact, 3).samples);
}

template <class Finder>
void goes_on(Finder& whole, Finder& again) {
  RandomStream random = RandomStream(9).split("samples");
  for (int i = 0; i < 37; ++i) {
    const auto arm = whole.next();
    ASSERT_TRUE(arm && whole.record(*arm, random.bernoulli(kMeans[*arm]) ? 1 : 0));
  }
  ASSERT_TRUE(again.load(parse_json(to_json(whole.save())).value().get_object()));
  for (int i = 0; i < 40; ++i) {
    const auto arm = whole.next();
    ASSERT_EQ(again.next(), arm);
    if (!arm) break;
    const double reward = random.bernoulli(kMeans[*arm]) ? 1 : 0;
    ASSERT_TRUE(whole.record(*arm, reward) && again.record(*arm, reward));
  }
  EXPECT_EQ(to_json(whole.save()), to_json(again.save()));
}

TEST(BestArm, GoesOnFromItsSavedState) {
  const auto halving = [] { return SequentialHalving::make({.arms = 5, .budget = 100}).value(); };
  goes_on(*halving(), *halving());
  const auto sure = [] { return FixedConfidence::make({.arms = 5}).value(); };
  goes_on(*sure(), *sure());
}

}  // namespace
}  // namespace bursar::explore
