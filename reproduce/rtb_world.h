// A stream of auctions that looks like the log of an advertiser: predictions and market prices, a little correlated.
//
//   const auto training = draw_auctions(kCalibrated, RandomStream(1), 100'000);
//   const RtbTraining learned = learn_auctions(training);
//   double clicks = clicks_an_episode(rule, {1000, 1625}, test);
//
// z, y standard normal with correlation `correlation`; theta = min(1, .003 exp(spread z - spread^2 / 2)), price =
// min(300, floor(exp(log_price + price_spread y))). Source: systems/rtb-rl.
#pragma once

#include <string>
#include <vector>

#include "bursar/admit/auction/bid_log.h"
#include "bursar/admit/auction/bid_rule.h"
#include "bursar/admit/auction/bid_table.h"
#include "bursar/core/random.h"
#include "reproduce/report.h"
#include "reproduce/system.h"

namespace bursar::reproduce {

struct RtbWorld {
  double spread = .4, correlation = .16, log_price = 3.4, price_spread = 1.05;
};
inline constexpr RtbWorld kCalibrated{};
inline constexpr RtbWorld kHeavyTails{.spread = 1, .correlation = 0, .log_price = 4, .price_spread = .7};
inline constexpr int kHighestPrice = 300;

[[nodiscard]] std::vector<admit::Auction> draw_auctions(const RtbWorld& world, RandomStream random, std::size_t n);

// What bidders are given of training: prices, and the mean and the values of predictions.
struct RtbTraining {
  std::vector<admit::Auction> auctions;
  admit::CampaignFacts facts;
  admit::PriceModel prices;
  admit::ThetaModel mean, spread;
  double cost_per_click = 0;  // expected
};
[[nodiscard]] Result<RtbTraining> learn_auctions(std::vector<admit::Auction> auctions);

// Expected clicks of the wins (sum of theta), a mean over episodes: far less noisy than clicks.
[[nodiscard]] Result<double> clicks_an_episode(admit::BidRule& rule, const admit::Episode& episode,
                                               std::span<const admit::Auction> test);

// The published run on the complete log of a real campaign, where BURSAR_SHARED has it; otherwise says what was not
// run.
[[nodiscard]] Result<void> replay_real_log(Report& report);

}  // namespace bursar::reproduce
