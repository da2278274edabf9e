// The program `bursar-experiment`, which `bursar experiment` starts: a small experiment that is kept in a file.
//
//   bursar experiment new prompts.jsonl --arm old --arm new --arm short --samples 600
//   bursar experiment next prompts.jsonl                      // what to sample now
//   bursar experiment record prompts.jsonl new 0.8 --id 17    // what came of it; safe to repeat
//   bursar experiment status prompts.jsonl
//   bursar experiment decide prompts.jsonl                    // the answer and its guarantee
//   bursar experiment plan groups.csv --budget 4000           // samples for groups whose learning curves are known
//   bursar experiment sample people.csv --budget 800          // … and learned on the way, by training on the file
//
// Exit codes: 0 done; 1 an input is wrong, or decide came before the end; 2 the words on the command line are wrong;
// 3 a file cannot be read or written.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace bursar::cli {

struct ExperimentStreams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};
// Runs one command line, without the program's name. Never throws.
[[nodiscard]] int run_experiment(std::vector<std::string> words, ExperimentStreams streams);

}  // namespace bursar::cli
