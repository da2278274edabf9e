// The program `bursar-explore`, which `bursar explore` starts: bandits, tried in a simulated world or kept in a file.
//
//   bursar explore policies                                             // names and parameters
//   bursar explore simulate --world "bernoulli:means=[.6;.5;.5]" -p ucb1 -p thompson --plot regret.svg
//   bursar explore run arms.json --policy thompson:arms=3 < requests    // {"choose":{}} and {"learn":{…}}, a line each
//   bursar explore report arms.json                                     // what it believes
//
// Exit codes: 0 done; 1 an input is wrong; 2 the words on the command line are wrong; 3 a file cannot be read or
// written.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::cli {

struct ExploreStreams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};
// Runs one command line, without the program's name. Never throws.
[[nodiscard]] int run_explore(std::vector<std::string> words, ExploreStreams streams);

struct SimulateWords {
  std::string world = "bernoulli:means=[.9;.8;.7;.5;.3]", plot;
  std::vector<std::string> policies;
  std::vector<double> budget;  // [resources]; empty: the world's own
  std::uint64_t rounds = 10'000, seed = 1;
  std::size_t seeds = 20;
  bool json = false;
};
[[nodiscard]] Result<void> simulate_bandits(const SimulateWords& words, std::ostream& out);

struct RunWords {
  std::string file, policy, names;
  std::vector<std::string> budget;  // NAME=NUMBER
  std::uint64_t horizon = 0;
};
// Reads requests a line at a time, answers each with a line, and keeps the file as the last answer has it.
[[nodiscard]] Result<void> run_bandit(const RunWords& words, std::istream& in, std::ostream& out);

struct ReportWords {
  std::string file;
  bool json = false;
};
[[nodiscard]] Result<void> report_bandit(const ReportWords& words, std::ostream& out);

}  // namespace bursar::cli
