// The program `bursar-replay`, which `bursar replay` starts: a recorded stream under any policies, side by side.
//
//   bursar replay requests.csv --policy greedy --policy dual-mirror-descent --budget usd=20 --budget ms=2e6
//   bursar replay auctions.jsonl.gz --policy dual-mirror-descent:goal=value --goal value --budget 500 --plot out.svg
//   bursar replay today.csv --policy @fitted.json --budget 20 --json
//
// Exit codes: 0 done; 1 the log, budget or policy is wrong; 2 the words on the command line are wrong; 3 a file cannot
// be read or written; 130 ended by Ctrl-C.
#pragma once

#include <string>
#include <vector>

#include "bursar/cli/replay/log_file.h"

namespace bursar::cli {

// Runs one command line, without the program's name. Never throws.
[[nodiscard]] int run_replay(std::vector<std::string> words, ReplayOutput output);

}  // namespace bursar::cli
