// The program `bursar-tts`, which `bursar tts` starts: which models and how many samples a fixed chain's stages get.
//
//   bursar tts search pipeline.yaml --trials 50 --run ./evaluate.sh     // the script measures one configuration
//   bursar tts resume pipeline.yaml.search.json
//   bursar tts explain pipeline.yaml.search.json --output winner.json   // the winner, for the gateway
//
// The script reads {"stages":[{"name","model","samples"}, …]} and the last line it prints is a score from 0 to 1, or
// {"score", "examples", "stages": […]}. Exit codes: 0 done; 1 an input is wrong, or trials fail; 2 the words on the
// command line are wrong; 3 a file cannot be read or written.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace bursar::cli {

struct TtsOutput {
  std::ostream& out;
  std::ostream& err;
};
// Runs one command line, without the program's name. Never throws.
[[nodiscard]] int run_tts(std::vector<std::string> words, TtsOutput output);

}  // namespace bursar::cli
