#include "bursar/admit/auction/bid_replay.h"

#include <algorithm>
#include <array>

namespace bursar::admit {
namespace {

double score_of(const BidScore& score, TuneFor goal) {
  return goal == TuneFor::kClicks ? static_cast<double>(score.clicks) : score.expected_clicks;
}

double knapsack(std::span<Auction> auctions, double budget) {
  std::ranges::sort(auctions, [](const Auction& a, const Auction& b) { return a.theta * b.price > b.theta * a.price; });
  double clicks = 0;
  for (const Auction& auction : auctions) {
    const double part = auction.price == 0 ? 1 : std::min(1.0, budget / auction.price);
    clicks += part * auction.theta;
    budget -= part * auction.price;
  }
  return clicks;
}

}  // namespace

Result<void> BidReplay::step(const Auction& auction) {
  if (score_.auctions % static_cast<std::uint64_t>(std::max(1, episode_.auctions)) == 0) {
    if (auto ok = rule_->begin(episode_); !ok) return ok;
    ++score_.episodes;
  }
  const auto bid = rule_->bid(auction.theta);
  if (!bid) return tl::unexpected(bid.error());
  const int price = std::min(auction.price, rule_->highest_price());
  const bool won = *bid >= price;
  if (auto ok = rule_->settle(won, price); !ok) return ok;
  ++score_.auctions;
  score_.clipped += price < auction.price ? 1 : 0;
  if (!won) return {};
  ++score_.wins;
  score_.clicks += auction.click ? 1 : 0;
  score_.spend += static_cast<std::uint64_t>(price);
  score_.expected_clicks += auction.theta;
  return {};
}

Result<BidScore> replay_bids(BidRule& rule, const Episode& episode, std::span<const Auction> auctions) {
  BidReplay replay(rule, episode);
  for (const Auction& auction : auctions) {
    if (auto ok = replay.step(auction); !ok) return tl::unexpected(ok.error());
  }
  return replay.score();
}

Result<LinearFit> tune_linear(std::span<const Auction> training, const Episode& episode, double theta_avg,
                              int highest_price, TuneFor goal, int step) {
  constexpr int kPatience = 5;
  if (!(theta_avg > 0)) return invalid_argument("theta_avg is 0; LIN bids in proportion to theta / theta_avg");
  if (step < 1) return invalid_argument("step is " + std::to_string(step) + "; it must be at least 1");
  LinearFit best;
  for (int b0 = step, worse = 0; worse < kPatience && b0 <= 64 * highest_price; b0 += step) {
    LinearRule rule(b0 / theta_avg, highest_price);
    const auto score = replay_bids(rule, episode, training);
    if (!score) return tl::unexpected(score.error());
    const double now = score_of(*score, goal);
    const bool better = now > best.score || (best.b0 == 0 && now >= best.score);
    if (better) best = {.b0 = static_cast<double>(b0), .score = now};
    worse = better ? 0 : worse + 1;
  }
  return best;
}

Result<PacedFit> tune_paced(std::span<const Auction> training, const Episode& episode, double theta_avg,
                            int highest_price, TuneFor goal) {
  if (!(theta_avg > 0)) return invalid_argument("theta_avg is 0; there is no price of money to begin with");
  const double rate = std::max(1e-9, static_cast<double>(episode.budget) / std::max(1, episode.auctions));
  PacedFit best;
  for (const double eta : std::array{.005, .007, .01}) {
    PacedRule rule(theta_avg / rate, eta, highest_price);
    const auto score = replay_bids(rule, episode, training);
    if (!score) return tl::unexpected(score.error());
    const double now = score_of(*score, goal);
    if (best.eta == 0 || now > best.score) best = {.eta = eta, .price = rule.price_of_money(), .score = now};
  }
  return best;
}

double hindsight_bound(std::span<const Auction> auctions, const Episode& episode) {
  const auto length = static_cast<std::size_t>(std::max(1, episode.auctions));
  double clicks = 0;
  for (std::size_t from = 0; from < auctions.size(); from += length) {
    const auto part = auctions.subspan(from, std::min(length, auctions.size() - from));
    std::vector<Auction> sorted(part.begin(), part.end());
    clicks += knapsack(sorted, episode.budget);
  }
  return clicks;
}

}  // namespace bursar::admit
