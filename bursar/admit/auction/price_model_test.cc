#include "bursar/admit/auction/price_model.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/admit/auction/theta_model.h"
#include "bursar/core/random.h"

namespace bursar::admit {
namespace {

using testing::HasSubstr;

TEST(PriceModel, SmoothsAHistogramByOneEach) {
  const std::vector<std::uint64_t> counts{0, 3, 1};
  const auto prices = PriceModel::from_histogram(counts);
  ASSERT_TRUE(prices);
  EXPECT_NEAR(prices->chance(0), 1 / 7.0, 1e-15);
  EXPECT_NEAR(prices->chance(1), 4 / 7.0, 1e-15);
  EXPECT_NEAR(prices->chance_up_to(1), 5 / 7.0, 1e-15);
  EXPECT_NEAR(prices->mean(), 8 / 7.0, 1e-15);
  EXPECT_EQ(prices->highest(), 2);
  EXPECT_NEAR(PriceModel::from_histogram(counts, 0)->chance(0), 0, 0);
}

TEST(PriceModel, RefusesWhatIsNoHistogram) {
  EXPECT_THAT(PriceModel::from_histogram({}).error().message, HasSubstr("is empty"));
  const std::vector<std::uint64_t> zeros(3);
  EXPECT_THAT(PriceModel::from_histogram(zeros, 0).error().message, HasSubstr("counts nothing"));
  EXPECT_THAT(PriceModel::from_histogram(zeros, -1).error().message, HasSubstr("laplace is -1"));
  EXPECT_THAT(PriceModel::from_chances(std::vector{.5, .6}).error().message, HasSubstr("sum to 1.1"));
  EXPECT_THAT(PriceModel::from_chances(std::vector{-.1, 1.1}).error().message, HasSubstr("chance of price 0"));
  EXPECT_THAT(PriceModel::from_auctions({}, 300).error().message, HasSubstr("no auctions"));
  const std::vector<SeenPrice> negative{{.price = -2}};
  EXPECT_THAT(PriceModel::from_auctions(negative, 300).error().message, HasSubstr("price -2"));
  EXPECT_THAT(PriceModel::from_auctions(negative, -1).error().message, HasSubstr("highest price is -1"));
}

TEST(PriceModel, LearnsTheSameFromWonAuctionsAsFromAHistogram) {
  const std::vector<SeenPrice> won{{1, true}, {1, true}, {2, true}, {9, true}};
  const auto prices = PriceModel::from_auctions(won, 3);
  const auto histogram = PriceModel::from_histogram(std::vector<std::uint64_t>{0, 2, 1, 1});
  ASSERT_TRUE(prices);
  for (int price = 0; price <= 3; ++price) EXPECT_NEAR(prices->chance(price), histogram->chance(price), 1e-12);
}

TEST(PriceModel, RecoversPricesThatTheLosersNeverSaw) {
  // Prices are geometric; bids are uniform; half of the auctions are lost and say only "above our bid".
  RandomStream random(3);
  std::vector<SeenPrice> seen;
  std::vector<std::uint64_t> truth(41), naive(41);
  for (int i = 0; i < 200'000; ++i) {
    const int price = std::min(40, static_cast<int>(8 * random.exponential()));
    const int bid = static_cast<int>(random.uniform_int(0, 40));
    ++truth[static_cast<std::size_t>(price)];
    if (bid >= price) ++naive[static_cast<std::size_t>(price)];
    seen.push_back({.price = bid >= price ? price : bid, .won = bid >= price});
  }
  const auto estimate = PriceModel::from_auctions(seen, 40, 0), known = PriceModel::from_histogram(truth, 0);
  const auto wrong = PriceModel::from_histogram(naive, 0);
  double off = 0, naive_off = 0;
  for (int price = 0; price <= 40; ++price) {
    off = std::max(off, std::abs(estimate->chance_up_to(price) - known->chance_up_to(price)));
    naive_off = std::max(naive_off, std::abs(wrong->chance_up_to(price) - known->chance_up_to(price)));
  }
  EXPECT_LT(off, .01);
  EXPECT_GT(naive_off, .05) << "counting wins alone takes prices for lower than they are";
}

TEST(ThetaModel, TabulatesTheExpectedExcess) {
  RandomStream random(5);
  std::vector<double> thetas;
  for (int i = 0; i < 3000; ++i) thetas.push_back(std::min(1.0, .01 * random.exponential()));
  const auto model = ThetaModel::distribution(thetas);
  ASSERT_TRUE(model);
  EXPECT_TRUE(model->is_distribution());
  for (const double c : {-.1, 0.0, .0013, .01, .03, .2, 1.0}) {
    double expected = 0;
    for (const double theta : thetas) expected += std::max(0.0, theta - c) / 3000;
    EXPECT_NEAR(model->excess(c), expected, 1e-6) << c;
  }
  EXPECT_EQ(model->excess(model->largest()), 0);
}

TEST(ThetaModel, OfAnAverageIsADistributionOfOnePoint) {
  const auto average = ThetaModel::average(.25);
  const auto point = ThetaModel::distribution(std::vector{.25});
  for (const double c : {-1.0, 0.0, .1, .25, .3}) EXPECT_NEAR(average->excess(c), point->excess(c), 1e-12) << c;
  EXPECT_EQ(ThetaModel::distribution(std::vector{0.0})->excess(0), 0);
}

TEST(ThetaModel, RefusesWhatIsNoChance) {
  EXPECT_THAT(ThetaModel::average(1.5).error().message, HasSubstr("theta_avg is 1.5"));
  EXPECT_THAT(ThetaModel::average(std::nan("")).error().message, HasSubstr("theta_avg is nan"));
  EXPECT_THAT(ThetaModel::distribution({}).error().message, HasSubstr("thetas are empty"));
  EXPECT_THAT(ThetaModel::distribution(std::vector{.1, -.1}).error().message, HasSubstr("theta 1 is -0.1"));
  EXPECT_THAT(ThetaModel::distribution(std::vector{.1}, std::vector{0.0}).error().message, HasSubstr("all weights"));
  EXPECT_THAT(ThetaModel::distribution(std::vector{.1}, std::vector{1.0, 2.0}).error().message, HasSubstr("2 weights"));
}

}  // namespace
}  // namespace bursar::admit
