// The program `bursar-match`, which `bursar match` starts: who gets which item or slot, decided as they come.
//
//   bursar match plan instance.json                      bounds, prices, and what the rules earn
//   bursar match prices instance.json --period 3 --sold morning
//   bursar match attempts stream.jsonl --rule balance --rule greedy
//
// Exit codes: 0 done; 1 the input is wrong; 2 the words on the command line are wrong; 3 a file cannot be read or
// written.
#pragma once

#include <istream>
#include <ostream>
#include <string>
#include <vector>

namespace bursar::cli {

// Runs one command line, without the program's name. Never throws.
struct MatchStreams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};
[[nodiscard]] int run_match(std::vector<std::string> words, MatchStreams streams);

}  // namespace bursar::cli
