// What is known of a campaign before it bids: the facts of its training log, and the log itself where it was given.
//
//   auto training = read_training("train.log.gz");            // a log, or the JSON that `bursar bid fit` wrote
//   auto rule = rule_for(*training, "rlb", {.episode = {1000, 1969}});
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bursar/admit/auction/bid_log.h"
#include "bursar/admit/auction/bid_rule.h"

namespace bursar::cli {

struct Training {
  std::string path;
  admit::CampaignFacts facts;
  std::vector<admit::Auction> auctions;  // empty where only the facts are known
};

// A file that begins with { is facts, anything else a log. Errors: those of the readers, with the path.
[[nodiscard]] Result<Training> read_training(const std::string& path, int highest_price);

struct Play {
  admit::Episode episode;
  bool spread = false;  // value later auctions by all predictions of training
  std::string net;      // a file: bid by this net instead of a table
};
// `words` is NAME or NAME:key=value,… of the table of policies; what it leaves open comes from training, b0 of lin and
// eta of dmd by tuning on its auctions. Errors: kInvalidArgument, kNotFound, and those of the rule.
[[nodiscard]] Result<std::unique_ptr<admit::BidRule>> rule_for(const Training& training, const std::string& words,
                                                               const Play& play);

}  // namespace bursar::cli
