// The program `bursar-allocate`, which `bursar allocate` starts: a problem in a file, an answer with its bound.
//
//   bursar allocate offers.csv --budget 1000 --output choices.csv
//   bursar allocate layers.json --explain conv1
//   bursar allocate value.npy --costs cost.npy --budget 1e9 --json
//
// Exit codes: 0 an answer; 1 the problem is wrong or infeasible; 2 the words on the command line are wrong; 3 a file
// cannot be read or written; 130 ended by Ctrl-C before there was an answer.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace bursar::cli {

// Runs one command line, without the program's name. Never throws. `terminal`: progress is drawn on `err`.
struct AllocateOutput {
  std::ostream& out;
  std::ostream& err;
  bool terminal = false;
};
[[nodiscard]] int run_allocate(std::vector<std::string> words, AllocateOutput output);

}  // namespace bursar::cli
