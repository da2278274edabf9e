// What a rule would have won on a recorded run of auctions, cut into episodes of equal budget.
//
//   BidReplay replay(rule, {.auctions = 1000, .budget = 1969});
//   for (const Auction& auction : log) if (auto ok = replay.step(auction); !ok) return ok;
//   replay.score().clicks;                                    // expected_clicks is far less noisy
//
// Every episode begins with its whole budget; what one leaves is not carried over. The winner pays the market price.
// Streams: constant memory. Source: systems/rtb-rl.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bursar/admit/auction/bid_log.h"
#include "bursar/admit/auction/bid_rule.h"

namespace bursar::admit {

struct BidScore {
  std::uint64_t auctions = 0, episodes = 0;
  std::uint64_t wins = 0, clicks = 0, spend = 0;
  std::uint64_t clipped = 0;   // prices above P, counted as P
  double expected_clicks = 0;  // sum of theta over the wins
};

class BidReplay {
 public:
  BidReplay(BidRule& rule, const Episode& episode) : rule_(&rule), episode_(episode) {}
  [[nodiscard]] Result<void> step(const Auction& auction);
  [[nodiscard]] const BidScore& score() const { return score_; }

 private:
  BidRule* rule_;
  Episode episode_;
  BidScore score_;
};

[[nodiscard]] Result<BidScore> replay_bids(BidRule& rule, const Episode& episode, std::span<const Auction> auctions);

// What a rule with a parameter is tuned for, on training episodes.
enum class TuneFor : std::uint8_t { kClicks, kExpectedClicks };

// LIN's b0: one step, two, three, … until five in a row are not better; b0 / theta_avg is the slope of LinearRule.
struct LinearFit {
  double b0 = 0, score = 0;
};
[[nodiscard]] Result<LinearFit> tune_linear(std::span<const Auction> training, const Episode& episode, double theta_avg,
                                            int highest_price, TuneFor goal = TuneFor::kClicks, int step = 6);

// PacedRule's eta among .005, .007 and .01, and its price of money at the end of training.
struct PacedFit {
  double eta = 0, price = 0, score = 0;
};
[[nodiscard]] Result<PacedFit> tune_paced(std::span<const Auction> training, const Episode& episode, double theta_avg,
                                          int highest_price, TuneFor goal = TuneFor::kClicks);

// No bidder expects more clicks of one episode: the fractional knapsack of its auctions by theta / price, known
// beforehand. Summed over the episodes. O(n log n).
[[nodiscard]] double hindsight_bound(std::span<const Auction> auctions, const Episode& episode);

}  // namespace bursar::admit
