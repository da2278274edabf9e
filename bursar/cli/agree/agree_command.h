// The program `bursar-agree`, which `bursar agree` starts: budgets among parties that may lie.
//
//   bursar agree split wishes.csv --total "10M tokens"          // who gets what, and why nobody gains by lying
//   bursar agree check wishes.csv --mechanism average           // broken axioms and profitable lies, by example
//   bursar agree hire game.json                                 // whom to ask for how much effort, and what to pay
//
// Exit codes: 0 done, and with check: every axiom holds and no lie was found; 1 the file is wrong, or check found
// something; 2 the words on the command line are wrong; 3 a file cannot be read.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::cli {

struct AgreeOutput {
  std::ostream& out;
  std::ostream& err;
};
// Runs one command line, without the program's name. Never throws.
[[nodiscard]] int run_agree(std::vector<std::string> words, AgreeOutput output);

// The verbs; true: all is well, false: check found something.
struct SplitWords {
  std::string file, mechanism, total, outcome;
  double low = 0, high = 1;
  bool json = false;
};
[[nodiscard]] Result<bool> split_wishes(const SplitWords& words, std::ostream& out);
[[nodiscard]] Result<bool> check_wishes(const SplitWords& words, std::ostream& out);

struct HireWords {
  std::string file;
  double margin = 0, own_share = 0;
  bool json = false;
};
[[nodiscard]] Result<bool> hire_agents(const HireWords& words, std::ostream& out);

// A file's text; "-" is standard input. Errors: kUnavailable where it cannot be read; kInvalidArgument past `most`
// bytes.
[[nodiscard]] Result<std::string> read_text_file(const std::string& path, std::size_t most);

}  // namespace bursar::cli
