#include "reproduce/rtb_world.h"

#include <algorithm>
#include <cmath>

#include "bursar/admit/auction/bid_replay.h"

namespace bursar::reproduce {

using admit::Auction;

std::vector<Auction> draw_auctions(const RtbWorld& world, RandomStream random, std::size_t n) {
  std::vector<Auction> auctions(n);
  const double rest = std::sqrt(1 - world.correlation * world.correlation);
  for (Auction& auction : auctions) {
    const double z = random.normal(), y = world.correlation * z + rest * random.normal();
    auction.theta = std::min(1.0, .003 * std::exp(world.spread * z - world.spread * world.spread / 2));
    const double price = std::exp(world.log_price + world.price_spread * y);
    auction.price = static_cast<int>(std::min(static_cast<double>(kHighestPrice), price));
  }
  return auctions;
}

Result<RtbTraining> learn_auctions(std::vector<Auction> auctions) {
  auto facts = admit::CampaignFacts::of(auctions, kHighestPrice);
  if (!facts) return tl::unexpected(facts.error());
  double sum = 0;
  std::vector<double> thetas;
  for (const Auction& auction : auctions) {
    sum += auction.theta;
    thetas.push_back(auction.theta);
  }
  auto prices = admit::PriceModel::from_histogram(facts->price_counts);
  auto mean = admit::ThetaModel::average(sum / static_cast<double>(auctions.size()));
  auto spread = admit::ThetaModel::distribution(thetas);
  if (!prices) return tl::unexpected(prices.error());
  if (!mean) return tl::unexpected(mean.error());
  if (!spread) return tl::unexpected(spread.error());
  const double cost_per_click = static_cast<double>(facts->cost) / sum;
  return RtbTraining{std::move(auctions), *std::move(facts), *std::move(prices), *mean,
                     *std::move(spread),  cost_per_click};
}

Result<double> clicks_an_episode(admit::BidRule& rule, const admit::Episode& episode, std::span<const Auction> test) {
  const auto score = admit::replay_bids(rule, episode, test);
  if (!score) return tl::unexpected(score.error());
  return score->expected_clicks / static_cast<double>(std::max<std::uint64_t>(1, score->episodes));
}

}  // namespace bursar::reproduce
