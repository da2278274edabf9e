// What the highest bid of the others will be: the chance m(delta) of every whole market price delta = 0..P.
//
//   auto prices = PriceModel::from_histogram(counts);          // counts[delta], delta = 0..P; smoothed by one each
//   prices->chance(70);                                        // m(70)
//   prices->chance_up_to(70);                                  // how often a bid of 70 wins
//
// Choose from_histogram where the log tells the price of every auction. Choose from_auctions in life, where a loser
// only learns that the price was above its own bid: the estimate of Kaplan and Meier counts such auctions for what they
// say. Prices are whole multiples of whatever unit the budget is counted in. Build O(P), with auctions O(n log n);
// queries O(1). Source: systems/rtb-rl.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::admit {

struct SeenPrice {
  int price = 0;     // where won: the market price; where lost: our bid, which the price exceeded
  bool won = false;  //
};

class PriceModel {
 public:
  static constexpr int kHighestPrice = 1 << 20;

  // m(delta) = (counts[delta] + laplace) / (n + (P + 1) laplace). Errors: kInvalidArgument for no counts, more than
  // kHighestPrice + 1 of them, a laplace that is negative or no number, and where everything is 0.
  [[nodiscard]] static Result<PriceModel> from_histogram(std::span<const std::uint64_t> counts, double laplace = 1);

  // m itself, for P + 1 prices. Errors: kInvalidArgument for a chance outside [0, 1] and a sum off 1 by more than 1e-9.
  [[nodiscard]] static Result<PriceModel> from_chances(std::span<const double> chances);

  // The censored estimate; what lies beyond the highest bid that ever lost is put on P, because nothing is known of it.
  // Prices above P count as P. Smoothed like a histogram of as many auctions. Errors: kInvalidArgument for no auctions,
  // a negative price, and P outside 0..kHighestPrice.
  [[nodiscard]] static Result<PriceModel> from_auctions(std::span<const SeenPrice> auctions, int highest_price,
                                                        double laplace = 1);

  [[nodiscard]] int highest() const { return static_cast<int>(chances_.size()) - 1; }                 // P
  [[nodiscard]] std::span<const double> chances() const { return chances_; }                          // m, [P + 1]
  [[nodiscard]] double chance(int price) const { return chances_[static_cast<std::size_t>(price)]; }  // 0..P
  [[nodiscard]] double chance_up_to(int bid) const { return up_to_[static_cast<std::size_t>(bid)]; }  // 0..P
  [[nodiscard]] double spend_up_to(int bid) const {
    return spend_up_to_[static_cast<std::size_t>(bid)];
  }  // sum m delta
  [[nodiscard]] double mean() const { return spend_up_to_.back(); }

 private:
  explicit PriceModel(std::vector<double> chances);
  std::vector<double> chances_, up_to_, spend_up_to_;
};

}  // namespace bursar::admit
