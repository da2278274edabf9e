#include "bursar/admit/auction/bid_log.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/admit/auction/bid_replay.h"

namespace bursar::admit {
namespace {

using testing::HasSubstr;

TEST(BidLog, ReadsClickPriceTheta) {
  const auto auction = parse_auction("1\t70  0.0021143609192222357\r");
  ASSERT_TRUE(auction) << auction.error().message;
  EXPECT_TRUE(auction->click);
  EXPECT_EQ(auction->price, 70);
  EXPECT_EQ(auction->theta, 0.0021143609192222357);
}

TEST(BidLog, NamesTheFieldThatIsWrong) {
  for (const auto& [line, message] :
       std::vector<std::pair<const char*, const char*>>{{"", "three fields"},
                                                        {"0 70", "three fields"},
                                                        {"0 70 .1 9", "three fields"},
                                                        {"2 70 .1", "click is '2'"},
                                                        {"0 -7 .1", "price is '-7'"},
                                                        {"0 7.5 .1", "price is '7.5'"},
                                                        {"0 99999999999 .1", "price is '99999999999'"},
                                                        {"0 70 1.1", "theta is '1.1'"},
                                                        {"0 70 nan", "theta is 'nan'"},
                                                        {"0 70 \x01", "theta is '?'"}}) {
    const auto auction = parse_auction(line);
    ASSERT_FALSE(auction) << line;
    EXPECT_THAT(auction.error().message, HasSubstr(message));
  }
}

TEST(CampaignFacts, ComeBackFromTheirJson) {
  std::vector<Auction> auctions;
  for (int i = 0; i < 5000; ++i) auctions.push_back({.click = i % 7 == 0, .price = i % 400, .theta = i / 10'000.0});
  const auto facts = CampaignFacts::of(auctions);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->thetas.size(), 1024U);
  EXPECT_EQ(facts->price_counts[300], 1200U) << "dearer prices count as the highest";
  const auto back = parse_campaign(campaign_json(*facts));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->price_counts, facts->price_counts);
  EXPECT_EQ(back->thetas, facts->thetas);
  EXPECT_EQ(back->cost, facts->cost);
  EXPECT_EQ(back->clicks, facts->clicks);
  EXPECT_THAT(CampaignFacts::of({}).error().message, HasSubstr("no auctions"));
}

TEST(CampaignFacts, RefuseJsonThatIsNone) {
  for (const auto& [json, message] : std::vector<std::pair<const char*, const char*>>{
           {"[]", "$"},
           {R"({"price_counter_train": []})", "is empty"},
           {R"({"price_counter_train": [-1]})", "$.price_counter_train[0]"},
           {R"({"price_counter_train": [1], "cost_train": 1})", "imp_train"},
           {R"({"price_counter_train": [1], "cost_train": 1, "imp_train": 0, "clk_train": 0})", "$.imp_train"},
           {R"({"price_counter_train": [1], "cost_train": 1, "imp_train": 1, "clk_train": 2})", "more clicks"},
           {R"({"price_counter_train": [1], "cost_train": 1, "imp_train": 1, "clk_train": 0, "theta_train": [2]})",
            "$.theta_train[0]"}}) {
    const auto facts = parse_campaign(json);
    ASSERT_FALSE(facts) << json;
    EXPECT_THAT(facts.error().message, HasSubstr(message));
  }
}

TEST(BidReplay, BeginsEveryEpisodeWithItsBudgetAndClipsDearPrices) {
  LinearRule rule(1000, 300);
  const std::vector<Auction> auctions{{true, 60, .2}, {true, 60, .2}, {false, 500, .4}, {true, 10, .1}};
  const auto score = replay_bids(rule, {.auctions = 2, .budget = 100}, auctions);
  ASSERT_TRUE(score);
  EXPECT_EQ(score->episodes, 2U);
  EXPECT_EQ(score->wins, 2U) << "the second auction costs more than is left, the third more than there is";
  EXPECT_EQ(score->spend, 70U);
  EXPECT_EQ(score->clicks, 2U);
  EXPECT_EQ(score->clipped, 1U);
  EXPECT_NEAR(score->expected_clicks, .3, 1e-12);
}

TEST(HindsightBound, IsTheFractionalKnapsackOfEachEpisode) {
  const std::vector<Auction> auctions{{false, 10, .1}, {false, 20, .1}, {false, 0, .01}, {false, 40, .4}};
  EXPECT_NEAR(hindsight_bound(auctions, {.auctions = 3, .budget = 20}), .1 + .05 + .01 + .2, 1e-12);
}

TEST(Tuning, FindsTheSlopeAndThePaceThatSpendTheBudget) {
  std::vector<Auction> auctions;
  for (int i = 0; i < 20'000; ++i)
    auctions.push_back({i % 50 == 0, 1 + (i * 37) % 100, .01 + .0001 * ((i * 13) % 100)});
  const Episode episode{.auctions = 1000, .budget = 10'000};
  const auto linear = tune_linear(auctions, episode, .015, 300, TuneFor::kExpectedClicks);
  const auto paced = tune_paced(auctions, episode, .015, 300, TuneFor::kExpectedClicks);
  ASSERT_TRUE(linear && paced);
  EXPECT_GT(linear->score, .9 * hindsight_bound(auctions, episode));
  EXPECT_GT(paced->score, .95 * hindsight_bound(auctions, episode));
  EXPECT_EQ(std::fmod(linear->b0, 6), 0);
  EXPECT_FALSE(tune_linear(auctions, episode, 0, 300));
}

}  // namespace
}  // namespace bursar::admit
