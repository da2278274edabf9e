#include "bursar/admit/auction/bid_table.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <unistd.h>

#include "bursar/core/random.h"

namespace bursar::admit {
namespace {

using testing::HasSubstr;

constexpr std::array kChances{.1, .4, .3, .2};

PriceModel sheet_prices() { return *PriceModel::from_chances(kChances); }

TEST(BidTable, GivesTheSheetsValuesOfClicks) {
  const auto table = BidTable::solve(sheet_prices(), *ThetaModel::average(.1), {.horizon = 3, .budget = 5});
  ASSERT_TRUE(table) << table.error().message;
  const double expected[4][6] = {{0, 0, 0, 0, 0, 0},
                                 {0, .05, .08, .1, .1, .1},
                                 {0, .08, .124, .157, .184, .196},
                                 {0, .098, .1564, .2007, .2352, .2651}};
  for (int t = 0; t <= 3; ++t) {
    for (int b = 0; b <= 5; ++b) EXPECT_NEAR(table->value(t, b), expected[t][b], 1e-8) << t << ' ' << b;
  }
  EXPECT_NEAR(table->marginal(2, 1), .044, 1e-8);
}

TEST(BidTable, GivesTheSheetsValuesUnderTheDistributionOfTheta) {
  const std::array thetas{.05, .2}, weights{.7, .3};
  const auto table =
      BidTable::solve(sheet_prices(), *ThetaModel::distribution(thetas, weights), {.horizon = 3, .budget = 5});
  ASSERT_TRUE(table) << table.error().message;
  const double second[6] = {.019, .0798, .124115, .15602, .1748, .1862};
  const double third[6] = {.0285, .106004, .162429, .205677, .234526, .256861};
  for (int b = 0; b <= 5; ++b) {
    EXPECT_NEAR(table->value(2, b), second[b], 5e-7) << b;
    EXPECT_NEAR(table->value(3, b), third[b], 5e-7) << b;
  }
}

struct World {
  std::vector<double> chances, thetas, weights;
  BidObjective objective;
  int horizon = 1, budget = 0;
};

World draw_world(RandomStream random) {
  World world{.horizon = static_cast<int>(random.uniform_int(1, 6)),
              .budget = static_cast<int>(random.uniform_int(0, 70))};
  double sum = 0;
  for (auto n = random.uniform_int(1, 9); n > 0; --n) {
    world.chances.push_back(random.bernoulli(.2) ? 0 : random.uniform01());
    sum += world.chances.back();
  }
  world.chances.push_back(1);
  for (double& chance : world.chances) chance /= sum + 1;
  for (auto n = random.uniform_int(1, 4); n > 0; --n) {
    // Multiples of 1/4096 of the largest are kinks that the tabulated excess keeps exactly.
    world.thetas.push_back(static_cast<double>(random.uniform_int(0, 4096)) / 4096);
    world.weights.push_back(random.uniform01() + .01);
  }
  world.thetas.push_back(1);
  world.weights.push_back(.01);
  if (random.bernoulli(.5)) world.objective = {.v1 = 3, .v0 = .4, .gamma = 1};
  if (random.bernoulli(.3)) world.objective.gamma = .9;
  return world;
}

// V by trying every bid on every theta: what the recursion has to equal.
std::vector<std::vector<double>> brute_force(const World& world, bool average) {
  const auto [v1, v0, gamma] = world.objective;
  std::vector<double> thetas = world.thetas, weights = world.weights;
  double total = 0, mean = 0;
  for (std::size_t i = 0; i < thetas.size(); ++i) total += weights[i], mean += weights[i] * thetas[i];
  if (average) thetas = {mean / total}, weights = {total = 1};
  const int highest = static_cast<int>(world.chances.size()) - 1;
  std::vector<std::vector<double>> v(std::size_t(world.horizon) + 1,
                                     std::vector<double>(std::size_t(world.budget) + 1));
  for (int t = 1; t <= world.horizon; ++t) {
    for (int b = average ? 1 : 0; b <= world.budget; ++b) {
      double expected = 0;
      for (std::size_t i = 0; i < thetas.size(); ++i) {
        double best = -1e300, gained = 0;
        for (int bid = -1; bid <= std::min(b, highest); ++bid) {  // -1: stay away
          if (bid >= 0) {
            gained += world.chances[std::size_t(bid)] *
                      (v1 * thetas[i] - v0 * bid +
                       gamma * (v[std::size_t(t - 1)][std::size_t(b - bid)] - v[std::size_t(t - 1)][std::size_t(b)]));
          }
          best = std::max(best, gained);
        }
        expected += weights[i] / total * best;
      }
      v[std::size_t(t)][std::size_t(b)] = gamma * v[std::size_t(t - 1)][std::size_t(b)] + expected;
    }
  }
  return v;
}

RC_GTEST_PROP(BidTable, EqualsBruteForceOverBids, ()) {
  const World world = draw_world(RandomStream(*rc::gen::arbitrary<std::uint64_t>()));
  const PriceModel prices = *PriceModel::from_chances(world.chances);
  const ThetaModel spread = *ThetaModel::distribution(world.thetas, world.weights);
  for (const bool average : {true, false}) {
    const auto table =
        BidTable::solve(prices, average ? *ThetaModel::average(spread.mean()) : spread,
                        {.horizon = world.horizon, .budget = world.budget, .objective = world.objective});
    RC_ASSERT(table.has_value());
    const auto expected = brute_force(world, average);
    for (int t = 0; t <= world.horizon; ++t) {
      for (int b = 0; b <= world.budget; ++b) {
        RC_ASSERT(std::abs(table->value(t, b) - expected[std::size_t(t)][std::size_t(b)]) < 1e-6);
      }
    }
  }
}

RC_GTEST_PROP(BidTable, RisesWithAuctionsAndBudgetAndBidsWithinIt, ()) {
  RandomStream random(*rc::gen::arbitrary<std::uint64_t>());
  World world = draw_world(random.split("world"));
  world.objective = {};
  const ThetaModel theta = *ThetaModel::distribution(world.thetas, world.weights);
  const auto table = BidTable::solve(*PriceModel::from_chances(world.chances), *ThetaModel::average(theta.mean()),
                                     {.horizon = world.horizon, .budget = world.budget});
  RC_ASSERT(table.has_value());
  for (int t = 1; t <= world.horizon; ++t) {
    for (int b = 0; b <= world.budget; ++b) {
      RC_ASSERT(table->value(t, b) >= table->value(t - 1, b) - 1e-6);
      RC_ASSERT(b == 0 || table->value(t, b) >= table->value(t, b - 1) - 1e-6);
      RC_ASSERT(table->value(t, b) <= t * theta.mean() + 1e-6);
      int last = 0;
      for (double chance = 0; chance <= 1; chance += .05) {
        const int bid = table->bid(t, b, chance);
        RC_ASSERT(bid >= last && bid <= std::min(b, table->highest_price()));
        last = bid;
      }
    }
  }
}

TEST(BidTable, BidsTheSameByBisectionAndUnitByUnit) {
  RandomStream random(4);
  std::vector<std::uint64_t> counts(301);
  for (auto& count : counts) count = random.uniform_int(std::uint64_t{50});
  for (const BidObjective objective : {BidObjective{}, BidObjective{200, 1, .999}}) {
    const auto table = BidTable::solve(*PriceModel::from_histogram(counts), *ThetaModel::average(.01),
                                       {.horizon = 40, .budget = 3000, .objective = objective});
    ASSERT_TRUE(table);
    for (int i = 0; i < 20'000; ++i) {
      const int t = static_cast<int>(random.uniform_int(1, 40)), b = static_cast<int>(random.uniform_int(0, 3000));
      const double theta = std::min(1.0, .01 * random.exponential());
      // At a kink the two round differently; away from it they are the same rule.
      const int bid = table->bid(t, b, theta);
      if (table->ValueSource::bid(t, b, theta * (1 - 1e-5)) != table->ValueSource::bid(t, b, theta * (1 + 1e-5)))
        continue;
      ASSERT_EQ(bid, table->ValueSource::bid(t, b, theta)) << t << ' ' << b << ' ' << theta;
    }
  }
}

TEST(BidTable, BidsOnADistributionAtLeastAsWellAsOnItsMean) {
  const std::array thetas{.001, .05};
  const auto prices = PriceModel::from_histogram(std::vector<std::uint64_t>(50, 1));
  const auto spread = ThetaModel::distribution(thetas);
  const auto mean = BidTable::solve(*prices, *ThetaModel::average(spread->mean()), {.horizon = 100, .budget = 300});
  const auto table = BidTable::solve(*prices, *spread, {.horizon = 100, .budget = 300});
  EXPECT_GT(table->value(100, 300), 1.2 * mean->value(100, 300));
}

TEST(BidTable, IsAnswerableOnlyForStatesItHas) {
  const auto table = BidTable::solve(sheet_prices(), *ThetaModel::average(.1), {.horizon = 3, .budget = 5});
  EXPECT_EQ(*table->checked_bid(3, 5, .1), table->bid(3, 5, .1));
  EXPECT_THAT(table->checked_bid(0, 5, .1).error().message, HasSubstr("auctions left are 0"));
  EXPECT_THAT(table->checked_bid(4, 5, .1).error().message, HasSubstr("from 1 to 3"));
  EXPECT_THAT(table->checked_bid(3, -1, .1).error().message, HasSubstr("budget left is -1"));
  EXPECT_THAT(table->checked_bid(3, 6, .1).error().message, HasSubstr("from 0 to 5"));
  EXPECT_THAT(table->checked_bid(3, 5, 1.5).error().message, HasSubstr("theta is 1.5"));
  EXPECT_THAT(table->checked_bid(3, 5, std::nan("")).error().message, HasSubstr("theta is nan"));
}

TEST(BidTable, RefusesWhatItCannotSolve) {
  const auto theta = *ThetaModel::average(.1);
  const auto message = [&](BidTableOptions options) {
    const auto table = BidTable::solve(sheet_prices(), theta, options);
    return table ? "solved" : table.error().message;
  };
  EXPECT_THAT(message({.horizon = 0, .budget = 5}), HasSubstr("horizon is 0"));
  EXPECT_THAT(message({.horizon = 3, .budget = -5}), HasSubstr("budget is -5"));
  EXPECT_THAT(message({.horizon = 3, .budget = 5, .objective = {.v1 = 0}}), HasSubstr("v1 is 0"));
  EXPECT_THAT(message({.horizon = 3, .budget = 5, .objective = {.v0 = -1}}), HasSubstr("v0 is -1"));
  EXPECT_THAT(message({.horizon = 3, .budget = 5, .objective = {.gamma = 1.5}}), HasSubstr("gamma is 1.5"));
  const auto large = BidTable::solve(sheet_prices(), theta, {.horizon = 5000, .budget = 30'500});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::kExhausted);
  EXPECT_THAT(large.error().message,
              HasSubstr("needs 648 MB and may use 500 MB; solve a shorter horizon and play it with a value net"));
  const auto stopped = BidTable::solve(sheet_prices(), theta, {.horizon = 5, .budget = 5, .stop = [] { return true; }});
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
}

class BidTableFile : public testing::Test {
 protected:
  void SetUp() override {
    path = std::filesystem::temp_directory_path() / ("bursar-bid-" + std::to_string(::getpid()));
  }
  void TearDown() override { std::filesystem::remove(path); }
  std::string path;
};

TEST_F(BidTableFile, ComesBackAsItWas) {
  const auto table = BidTable::solve(sheet_prices(), *ThetaModel::average(.1),
                                     {.horizon = 30, .budget = 75, .objective = {2, .001, .99}});
  ASSERT_TRUE(table->save(path));
  const auto back = BidTable::load(path);
  ASSERT_TRUE(back) << back.error().message;
  for (int t = 0; t <= 30; ++t) {
    for (int b = 0; b <= 75; ++b) EXPECT_EQ(back->value(t, b), table->value(t, b));
  }
  EXPECT_EQ(back->bid(30, 75, .3), table->bid(30, 75, .3));
  const BidTable corner = table->corner(7, 40);
  EXPECT_EQ(corner.value(7, 40), table->value(7, 40));
  EXPECT_EQ(corner.bid(7, 33, .1), table->bid(7, 33, .1));
}

TEST_F(BidTableFile, IsRefusedWhereDamaged) {
  const auto table = BidTable::solve(sheet_prices(), *ThetaModel::average(.1), {.horizon = 30, .budget = 75});
  ASSERT_TRUE(table->save(path));
  std::ifstream file(path, std::ios::binary);
  const std::string good{std::istreambuf_iterator<char>(file), {}};
  const auto load = [&](std::string bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    return BidTable::load(path);
  };
  for (const std::size_t at : {0U, 9U, 20U, 50U, 60U, 3000U}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x40);
    const auto loaded = load(bad);
    ASSERT_FALSE(loaded) << at;
    EXPECT_TRUE(loaded.error().code == ErrorCode::kCorrupt || loaded.error().code == ErrorCode::kExhausted) << at;
  }
  EXPECT_EQ(load(good.substr(0, good.size() - 4)).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(load(good + "1234").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(load("").error().code, ErrorCode::kCorrupt);
  EXPECT_TRUE(load(good));
  EXPECT_EQ(BidTable::load(path, 1000).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(BidTable::load(path + ".none").error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace bursar::admit
