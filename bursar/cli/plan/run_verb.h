// bursar plan run: executes a workflow on the models of a gateway, and goes on where a run was broken off.
//
//   bursar plan run essay.yaml --budget "0.80 usd, 300 s" --state essay.run
//
// With a state file every decision and observation is written as it comes (JSON lines, the request first); the same
// command again goes on from there, its spending counted. Samples that ran when it broke off are asked anew: what the
// gateway had paid for them stays paid on the account. Exit codes: 0 every subtask has its answer; 4 it ended before.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "bursar/core/result.h"

namespace CLI {
class App;
}

namespace bursar::cli {

struct RunWords {
  std::string file, budget, state;
  std::string url = "http://127.0.0.1:8484", key_variable = "BURSAR_KEY";
  std::uint64_t seed = 1;
  bool json = false;
};

void describe_run(CLI::App& app, RunWords& words);
// Whether it is complete. Progress goes to `told`, one line for each sample.
[[nodiscard]] Result<bool> run_workflow(const RunWords& words, std::ostream& out, std::ostream& told);

}  // namespace bursar::cli
