// The program `bursar-bid`, which `bursar bid` starts: learns a campaign from its log, and replays a log under rules.
//
//   bursar bid fit train.log.gz -o campaign.json
//   bursar bid replay test.log.gz --train campaign.json --c0 1/32 --episode 1000 --policy rlb --policy lin:b0=48
//
// Logs are lines of `click price theta`, plain or gzip. Exit codes: 0 done; 1 a file says something wrong; 2 the words
// on the command line are wrong; 3 a file cannot be read or written.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace bursar::cli {

struct BidOutput {
  std::ostream& out;
  std::ostream& err;
};
// Runs one command line, without the program's name. Never throws.
[[nodiscard]] int run_bid(std::vector<std::string> words, BidOutput output);

}  // namespace bursar::cli
