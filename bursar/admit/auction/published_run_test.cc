// The published run on the complete test log of one campaign, auction by auction.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/admit/auction/bid_log_file.h"
#include "bursar/admit/auction/bid_replay.h"
#include "bursar/admit/auction/bid_table.h"
#include "bursar/admit/auction/bidder.h"

namespace bursar::admit {
namespace {

class PublishedRun : public testing::Test {
 protected:
  void SetUp() override {
    const char* shared = std::getenv("BURSAR_SHARED");
    const auto folder = std::filesystem::path(shared == nullptr ? "" : shared) / "data";
    const auto log = folder / "ipinyou-2997.theta.txt.gz";
    if (!std::filesystem::exists(log)) GTEST_SKIP() << "the log of campaign 2997 is not here: " << log;
    auctions = *read_all_auctions(log);
    std::ifstream file(folder / "ipinyou-2997.info.json");
    facts = *parse_campaign(std::string{std::istreambuf_iterator<char>(file), {}});
    episode = {.auctions = 1000, .budget = *facts.budget_of_episode(1. / 32, 1000)};
    table = std::make_shared<const BidTable>(*BidTable::solve(*PriceModel::from_histogram(facts.price_counts),
                                                              *ThetaModel::average(facts.click_rate()),
                                                              {.horizon = 1000, .budget = episode.budget}));
  }
  void expect(BidRule& rule, std::uint64_t wins, std::uint64_t clicks, std::uint64_t spend, double expected) {
    const auto score = replay_bids(rule, episode, auctions);
    ASSERT_TRUE(score) << score.error().message;
    EXPECT_EQ(score->wins, wins);
    EXPECT_EQ(score->clicks, clicks);
    EXPECT_EQ(score->spend, spend);
    EXPECT_NEAR(score->expected_clicks, expected, .05);
    EXPECT_EQ(score->auctions, 156'063U);
    EXPECT_EQ(score->clipped, 0U);
  }

  std::vector<Auction> auctions;
  CampaignFacts facts;
  Episode episode;
  std::shared_ptr<const BidTable> table;
};

TEST_F(PublishedRun, HasTheSheetsBudgetAndValue) {
  EXPECT_EQ(episode.budget, 1969);
  EXPECT_NEAR(table->value(999, 1969), 1.028225, 5e-7);
}

TEST_F(PublishedRun, OfTheValueTableComesOutExactly) {
  Bidder rlb(table, Scale::kExact);
  expect(rlb, 39'680, 78, 304'375, 163.1);
}

TEST_F(PublishedRun, OfTheTableWithoutPredictionsComesOutExactly) {
  MeanRule ss_mdp(std::make_unique<Bidder>(table, Scale::kExact), facts.click_rate());
  expect(ss_mdp, 40'395, 80, 306'637, 155.9);
}

TEST_F(PublishedRun, OfTheMostPerClickComesOutExactly) {
  LinearRule mcpc(static_cast<double>(facts.cost) / static_cast<double>(facts.clicks), 300);
  expect(mcpc, 14'752, 48, 307'751, 54.0);
}

TEST_F(PublishedRun, ExpectsMoreClicksOfTheTableThanOfAnyLinearBid) {
  const auto linear = tune_linear(auctions, episode, facts.click_rate(), 300, TuneFor::kExpectedClicks);
  ASSERT_TRUE(linear);
  EXPECT_NEAR(linear->score, 147.4, .3);
  Bidder rlb(table, Scale::kExact);
  EXPECT_GT(replay_bids(rlb, episode, auctions)->expected_clicks, 1.1 * linear->score);
}

}  // namespace
}  // namespace bursar::admit
