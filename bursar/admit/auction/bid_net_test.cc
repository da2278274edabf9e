#include "bursar/admit/auction/bid_net.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "bursar/admit/auction/bid_net_weights.h"
#include "bursar/admit/auction/bid_replay.h"
#include "bursar/admit/auction/bidder.h"

namespace bursar::admit {
namespace {

using testing::HasSubstr;
using Weights = BidNet::Weights;

TEST(BidNet, HasTheGradientThatDifferencesGive) {
  RandomStream random(2);
  Weights weights = draw_weights(random), gradient;
  Weights::Matrix inputs(2, 7), targets(1, 7);
  for (float& x : inputs.reshaped()) x = static_cast<float>(random.normal());
  for (float& x : targets.reshaped()) x = static_cast<float>(random.normal());
  const auto loss = [&] {
    Weights::Pass pass;
    weights.forward(inputs, pass);
    return static_cast<double>((pass.out - targets).squaredNorm()) / 2 / 7;
  };
  Weights::Pass pass;
  weights.forward(inputs, pass);
  backward(weights, inputs, pass, targets, gradient);
  const auto parts = weights.parts(), slopes = gradient.parts();
  for (std::size_t part = 0; part < parts.size(); ++part) {
    for (Eigen::Index i = 0; i < parts[part].second; i += 7) {
      float& weight = parts[part].first[i];
      const float before = weight;
      weight = before + 1e-2F;
      const double up = loss();
      weight = before - 1e-2F;
      const double down = loss();
      weight = before;
      EXPECT_NEAR((up - down) / 2e-2, static_cast<double>(slopes[part].first[i]), 2e-3) << part << ' ' << i;
    }
  }
}

BidTable table_of(int horizon, int budget) {
  std::vector<std::uint64_t> counts(31);
  for (std::size_t price = 5; price < counts.size(); ++price) counts[price] = 1'000'000 / price;
  return *BidTable::solve(*PriceModel::from_histogram(counts), *ThetaModel::average(.05),
                          {.horizon = horizon, .budget = budget});
}

const TrainConfig kShort{.batches = 3000, .batch_size = 100, .exact_auctions = 20, .exact_budget = 30};

TEST(BidNet, LearnsATableWellEnoughToBidByIt) {
  const BidTable table = table_of(200, 1000);
  const auto net = BidNet::fit(table, kShort);
  ASSERT_TRUE(net) << net.error().message;
  EXPECT_LT(net->rmse(), .08);
  RandomStream random(4);
  std::vector<Auction> auctions;
  for (int i = 0; i < 20'000; ++i) {
    auctions.push_back({.price = static_cast<int>(random.uniform_int(5, 30)), .theta = .05 * random.uniform01()});
  }
  Bidder exact(std::make_shared<const BidTable>(table), Scale::kExact);
  Bidder learned(std::make_shared<const BidNet>(*net), Scale::kExact);
  const double best = replay_bids(exact, {200, 500}, auctions)->expected_clicks;
  EXPECT_GT(replay_bids(learned, {200, 500}, auctions)->expected_clicks, .985 * best);
}

TEST(BidNet, KeepsFewAuctionsAndSmallBudgetsExactly) {
  const BidTable table = table_of(60, 300);
  TrainConfig config = kShort;
  config.batches = 20;
  config.exact_budget = 40;
  const auto net = BidNet::fit(table, config);
  ASSERT_TRUE(net);
  for (const auto& [t, high] : {std::pair{20, 300}, {3, 50}, {60, 40}, {30, 17}}) {
    std::vector<double> expected(15), got(15);
    table.marginals_below(t, high, expected);
    net->marginals_below(t, high, got);
    EXPECT_EQ(got, expected) << t << ' ' << high;
  }
  std::vector<double> expected(20), got(20);  // half learned, half tabulated
  table.marginals_below(60, 50, expected);
  net->marginals_below(60, 50, got);
  for (std::size_t i = 10; i < 20; ++i) EXPECT_EQ(got[i], expected[i]);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_GE(got[i], 0);
}

TEST(BidNet, IsTheSameForTheSameSeedAndComesBackFromItsFile) {
  const BidTable table = table_of(60, 300);
  TrainConfig config = kShort;
  config.batches = 30;
  config.exact_budget = 20;
  const auto net = BidNet::fit(table, config), twin = BidNet::fit(table, config);
  ASSERT_TRUE(net && twin);
  const std::string path = testing::TempDir() + "/net-" + std::to_string(::getpid());
  ASSERT_TRUE(net->save(path));
  const auto back = BidNet::load(path);
  ASSERT_TRUE(back) << back.error().message;
  std::vector<double> a(100), b(100), c(100);
  net->marginals_below(50, 250, a);
  twin->marginals_below(50, 250, b);
  back->marginals_below(50, 250, c);
  EXPECT_EQ(a, b);
  EXPECT_EQ(a, c);
  EXPECT_EQ(back->rmse(), net->rmse());
  std::ifstream file(path, std::ios::binary);
  const std::string good{std::istreambuf_iterator<char>(file), {}};
  for (const std::string& bad : {good.substr(0, 200), good.substr(0, good.size() - 3), good + "x", "B" + good}) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bad;
    EXPECT_EQ(BidNet::load(path).error().code, ErrorCode::kCorrupt);
  }
  std::filesystem::remove(path);
  EXPECT_EQ(BidNet::load(path).error().code, ErrorCode::kUnavailable);
}

TEST(BidNet, RefusesWhatItCannotLearn) {
  const BidTable table = table_of(20, 30);
  EXPECT_THAT(BidNet::fit(table, {.batches = 0, .exact_auctions = 2}).error().message, HasSubstr("batches are 0"));
  EXPECT_THAT(BidNet::fit(table, {.rate = 0}).error().message, HasSubstr("rate is 0"));
  EXPECT_THAT(BidNet::fit(table, {.exact_auctions = 20}).error().message, HasSubstr("nothing to learn"));
  const auto worthless = BidTable::solve(*PriceModel::from_chances(std::vector{.5, .5}), *ThetaModel::average(0),
                                         {.horizon = 20, .budget = 30});
  EXPECT_THAT(BidNet::fit(*worthless, {.exact_auctions = 2}).error().message, HasSubstr("worth nothing"));
  const auto stopped = BidNet::fit(table, {.exact_auctions = 2, .progress = [](double) { return false; }});
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace bursar::admit
