// The published run on the complete test log of one campaign, auction by auction.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include "bursar/admit/auction/bid_log_file.h"
#include "bursar/admit/auction/bid_replay.h"
#include "bursar/admit/auction/bid_table.h"
#include "bursar/admit/auction/bidder.h"

namespace bursar::admit {
namespace {

using testing::HasSubstr;

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

class BidLogFile : public testing::Test {
 protected:
  void SetUp() override { path = testing::TempDir() + "/auctions-" + std::to_string(::getpid()); }
  void TearDown() override { std::filesystem::remove(path); }
  std::string path;
};

TEST_F(BidLogFile, ReadsPlainAndGzip) {
  const std::string text = "# click price theta\n0 70 0.25\n\n1 6 0.5";
  std::ofstream(path) << text;
  const auto plain = read_all_auctions(path);
  ASSERT_TRUE(plain) << plain.error().message;
  ASSERT_EQ(plain->size(), 2U);
  EXPECT_TRUE((*plain)[1].click);
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  const auto packed = read_all_auctions(path);
  ASSERT_TRUE(packed) << packed.error().message;
  EXPECT_EQ(packed->size(), 2U);
  EXPECT_EQ((*packed)[0].theta, .25);
}

TEST_F(BidLogFile, SaysWhereItIsWrong) {
  std::ofstream(path) << "0 70 0.25\n0 -1 0.5\n";
  EXPECT_THAT(read_all_auctions(path).error().message, HasSubstr(": line 2: price is '-1'"));
  std::ofstream(path) << std::string(5000, '1');
  EXPECT_THAT(read_all_auctions(path).error().message, HasSubstr("line 1: is longer"));
  std::ofstream(path) << "0 1 .1\n0 1 .1\n0 1 .1\n";
  EXPECT_EQ(read_all_auctions(path, 2).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(read_all_auctions(path + ".none").error().code, ErrorCode::kUnavailable);
  gzFile file = gzopen(path.c_str(), "wb");
  for (int i = 0; i < 10'000; ++i) gzprintf(file, "0 %d 0.%d\n", i % 300, i);
  gzclose(file);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  EXPECT_EQ(read_all_auctions(path).error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace bursar::admit
