// The program `bursar-admit`, which `bursar admit` starts: the policies there are, and what a log teaches them.
//
//   bursar admit policies
//   bursar admit demo --requests 5000 > requests.csv
//   bursar admit fit requests.csv --budget usd=20 --budget ms=2e6 --output fitted.json
//
// Exit codes as those of `bursar replay`.
#pragma once

#include <string>
#include <vector>

#include "bursar/cli/replay/log_file.h"

namespace bursar::cli {

// Runs one command line, without the program's name. Never throws.
[[nodiscard]] int run_admit(std::vector<std::string> words, ReplayOutput output);

}  // namespace bursar::cli
