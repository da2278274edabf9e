// The program `bursar-sim-model`: the simulated model (bursar/simulate) as an OpenAI-compatible server, for tests and
// quick starts. It is no language model, and says so at every door.
//
//   bursar sim-model --port 8001 --seed 7 --latency-scale 0 --faults drop=.02,500=.03
//
// The first line on standard output says that it is simulated, the second where it listens. It ends on SIGTERM or
// SIGINT. Exit codes: 0 done; 2 the words on the command line are wrong; 3 the port cannot be had.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace bursar::cli {

struct SimModelOutput {
  std::ostream& out;
  std::ostream& err;
};
// Runs one command line, without the program's name, until a signal comes. Never throws.
[[nodiscard]] int run_sim_model(std::vector<std::string> words, SimModelOutput output);

}  // namespace bursar::cli
