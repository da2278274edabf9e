// The log of a campaign's auctions, one line each: `click price theta`, separated by blanks.
//
//   auto auction = parse_auction(line);               // of each line; an error says what is wrong with it
//   auto campaign = CampaignFacts::of(auctions);      // what a bidder learns from a training log
//   auto prices = PriceModel::from_histogram(campaign->price_counts);
//
// The facts as JSON have the keys of the public iPinYou summaries, so that those can be read too:
//   {"price_counter_train": [count of each price 0..P], "cost_train": 19689072, "imp_train": 312437, "clk_train": 1386,
//    "theta_train": [predictions, at most 1,024, each for as many auctions]}            theta_train may be missing.
// Source: systems/rtb-rl.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::admit {

struct Auction {
  bool click = false;  // would a win be clicked
  int price = 0;       // market price: the highest bid of the others
  double theta = 0;    // predicted chance of the click
};

// Errors: kInvalidArgument naming the field and what it says: click other than 0 or 1, price no whole number from 0 to
// 2^31 - 1, theta outside [0, 1], and any other number of fields.
[[nodiscard]] Result<Auction> parse_auction(std::string_view line);

struct CampaignFacts {
  std::vector<std::uint64_t> price_counts;  // [P + 1]; dearer prices count as P
  std::uint64_t cost = 0;                   // sum of prices
  std::uint64_t auctions = 0, clicks = 0;
  std::vector<double> thetas;  // evenly spread over the predictions, rising; empty: not known

  // P = 300, as in the log of the sheet, unless said. kInvalidArgument for no auctions.
  [[nodiscard]] static Result<CampaignFacts> of(std::span<const Auction> auctions, int highest_price = 300);

  [[nodiscard]] double mean_price() const { return static_cast<double>(cost) / static_cast<double>(auctions); }
  [[nodiscard]] double click_rate() const { return static_cast<double>(clicks) / static_cast<double>(auctions); }
  // B = floor(mean price x share x T). kInvalidArgument where the share is not above 0, or B no int.
  [[nodiscard]] Result<int> budget_of_episode(double share, int auctions_of_episode) const;
};

[[nodiscard]] std::string campaign_json(const CampaignFacts& facts);
// kInvalidArgument naming the place.
[[nodiscard]] Result<CampaignFacts> parse_campaign(std::string_view json);

}  // namespace bursar::admit
