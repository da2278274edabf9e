#include "bursar/admit/auction/bidder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bursar/admit/auction/bid_replay.h"
#include "bursar/admit/auction/bid_table.h"
#include "bursar/core/random.h"

namespace bursar::admit {
namespace {

using testing::HasSubstr;

constexpr int kHighest = 30;

std::vector<Auction> draw_auctions(RandomStream random, int n) {
  std::vector<Auction> auctions;
  for (int i = 0; i < n; ++i) {
    const double theta = std::min(1.0, .05 * random.exponential());
    auctions.push_back({.click = random.bernoulli(theta),
                        .price = static_cast<int>(std::min(40.0, 10 * random.exponential())),
                        .theta = theta});
  }
  return auctions;
}

std::shared_ptr<const BidTable> table_of(int horizon, int budget) {
  const auto facts = CampaignFacts::of(draw_auctions(RandomStream(1), 5000), kHighest);
  auto table = BidTable::solve(*PriceModel::from_histogram(facts->price_counts), *ThetaModel::average(.05),
                               {.horizon = horizon, .budget = budget});
  return std::make_shared<const BidTable>(*std::move(table));
}

double play(BidRule& rule, Episode episode, std::span<const Auction> auctions) {
  const auto score = replay_bids(rule, episode, auctions);
  EXPECT_TRUE(score) << score.error().message;
  return score->expected_clicks;
}

TEST(Bidder, ActsExactlyWhereTheEpisodeFitsWhateverItsScale) {
  const auto table = table_of(100, 200);
  const auto auctions = draw_auctions(RandomStream(2), 300);
  Bidder exact(table, Scale::kExact);
  for (const Scale scale : {Scale::kMapA, Scale::kMapD, Scale::kSeg}) {
    Bidder other(table, scale);
    ASSERT_TRUE(other.begin({100, 200}) && exact.begin({100, 200}));
    for (int i = 0; i < 100; ++i) {
      const Auction& auction = auctions[std::size_t(i)];
      ASSERT_EQ(*exact.bid(auction.theta), *other.bid(auction.theta)) << name_of(scale) << " in auction " << i;
      const bool won = *exact.bid(auction.theta) >= auction.price;
      ASSERT_TRUE(exact.settle(won, auction.price) && other.settle(won, auction.price));
    }
  }
}

TEST(Bidder, PlaysLongEpisodesFromAShortTableNearlyAsWellAsFromALongOne) {
  const auto small = table_of(200, 800), large = table_of(1000, 2000);
  const auto auctions = draw_auctions(RandomStream(3), 40'000);
  const Episode episode{1000, 2000};
  Bidder exact(large, Scale::kExact), a(small, Scale::kMapA), d(small, Scale::kMapD), seg(small, Scale::kSeg);
  const double best = play(exact, episode, auctions);
  EXPECT_GT(play(a, episode, auctions), .995 * best);
  EXPECT_GT(play(d, episode, auctions), .995 * best);
  EXPECT_GT(play(seg, episode, auctions), .97 * best);
}

TEST(Bidder, ActsOnBudgetsBeyondItsTableAsOnTheSameShareOfFewerAuctions) {
  const auto table = table_of(100, 200);
  Bidder bidder(table, Scale::kMapA);
  ASSERT_TRUE(bidder.begin({100, 1000}));
  EXPECT_EQ(*bidder.bid(.05), table->bid(20, 200, .05));
  ASSERT_TRUE(bidder.begin({1000, 1500}));
  EXPECT_EQ(*bidder.bid(.05), table->bid(100, 150, .05));
}

TEST(Bidder, GivesEachSegmentItsShareAndRollsOnWhatIsLeft) {
  const auto table = table_of(10, 100);
  Bidder bidder(table, Scale::kSeg);
  ASSERT_TRUE(bidder.begin({25, 50}));
  EXPECT_EQ(bidder.segment_budget_left(), 20);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(bidder.settle(i == 0, 5));
  EXPECT_EQ(bidder.segment_budget_left(), 45 * 10 / 15);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(bidder.settle(false, 5));
  EXPECT_EQ(bidder.segment_budget_left(), 45);
}

RC_GTEST_PROP(BidRules, NeverSpendMoreThanTheirBudget, ()) {
  RandomStream random(*rc::gen::arbitrary<std::uint64_t>());
  static const auto table = table_of(60, 150);
  const Episode episode{static_cast<int>(random.uniform_int(1, 60)), static_cast<int>(random.uniform_int(0, 150))};
  const auto auctions = draw_auctions(random.split("auctions"), episode.auctions);
  std::vector<std::unique_ptr<BidRule>> rules;
  for (const Scale scale : {Scale::kExact, Scale::kMapA, Scale::kMapD, Scale::kSeg}) {
    rules.push_back(std::make_unique<Bidder>(table, scale));
  }
  rules.push_back(std::make_unique<LinearRule>(random.uniform(0, 2000), kHighest));
  rules.push_back(std::make_unique<PacedRule>(random.uniform(.0001, .1), .05, kHighest));
  rules.push_back(std::make_unique<MeanRule>(std::make_unique<Bidder>(table, Scale::kExact), .05));
  for (const auto& rule : rules) {
    const auto score = replay_bids(*rule, episode, auctions);
    RC_ASSERT(score.has_value());
    RC_ASSERT(score->spend <= static_cast<std::uint64_t>(episode.budget));
    RC_ASSERT(rule->budget_left() == episode.budget - static_cast<int>(score->spend));
  }
}

TEST(BidRules, RefuseWhatCannotBe) {
  const auto table = table_of(10, 100);
  Bidder bidder(table, Scale::kExact);
  EXPECT_THAT(bidder.begin({11, 100}).error().message, HasSubstr("does not fit into a table of 10 and 100"));
  EXPECT_THAT(bidder.begin({0, 100}).error().message, HasSubstr("auctions of an episode are 0"));
  EXPECT_THAT(bidder.begin({10, -1}).error().message, HasSubstr("budget of an episode is -1"));
  EXPECT_THAT(bidder.resume({10, 50}, 3, 60).error().message, HasSubstr("cannot have 3 and 60 left"));
  ASSERT_TRUE(bidder.begin({10, 100}));
  EXPECT_THAT(bidder.bid(1.01).error().message, HasSubstr("theta is 1.01"));
  EXPECT_THAT(bidder.bid(std::nan("")).error().message, HasSubstr("theta is nan"));
  EXPECT_THAT(bidder.settle(true, -1).error().message, HasSubstr("price is -1"));
  EXPECT_EQ(bidder.settle(true, 101).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(bidder.budget_left(), 100);
  EXPECT_THAT(scale_named("map_b").error().message, HasSubstr("map_a"));
}

TEST(PacedRule, RaisesThePriceOfMoneyWhileItSpendsTooFast) {
  PacedRule rule(.01, .1, kHighest);
  ASSERT_TRUE(rule.begin({10, 50}));
  EXPECT_EQ(*rule.bid(.1), 10);
  ASSERT_TRUE(rule.settle(true, 10));  // twice the pace
  EXPECT_NEAR(rule.price_of_money(), .01 * std::exp(.1), 1e-12);
  ASSERT_TRUE(rule.settle(false, 10));
  EXPECT_NEAR(rule.price_of_money(), .01, 1e-12);
}

TEST(PacedRule, LearnsNothingWhereTheBudgetCutALosingBid) {
  PacedRule rule(.01, .1, kHighest);
  ASSERT_TRUE(rule.begin({10, 50}));
  ASSERT_TRUE(rule.settle(true, 45));
  const double price = rule.price_of_money();
  EXPECT_EQ(*rule.bid(.2), 5);
  EXPECT_EQ(rule.wished(), 8);
  ASSERT_TRUE(rule.settle(false, 15));
  EXPECT_EQ(rule.price_of_money(), price);
  EXPECT_EQ(*rule.bid(.03), 1);
  ASSERT_TRUE(rule.settle(false, 15));
  EXPECT_LT(rule.price_of_money(), price) << "a bid that was not cut and lost would have spent nothing";
}

TEST(Bidder, PricesMoneyAtItsMarginalValue) {
  const auto table = table_of(100, 200);
  Bidder bidder(table, Scale::kExact);
  ASSERT_TRUE(bidder.begin({100, 200}));
  EXPECT_EQ(bidder.price_of_money(), table->marginal(99, 199));
  ASSERT_TRUE(bidder.settle(true, 25));
  EXPECT_EQ(bidder.price_of_money(), table->marginal(98, 174));
}

}  // namespace
}  // namespace bursar::admit
