// The program `bursar-schedule`, which `bursar schedule` starts: numbers that follow a budget of steps.
//
//   bursar schedule print --profile rex --profile uba:phi=.25 --steps 10000 --peak .1
//   bursar schedule plot --profile rex --profile linear --steps 10000 --peak .1 --output rates.svg
//   bursar schedule phi --kappa 1000 --steps 300 --noise .01
//   bursar schedule budget --from 256 --to 87 --drops 3 --steps 600
//
// Exit codes: 0 done; 1 the input is wrong; 2 the words on the command line are wrong; 3 a file cannot be written.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace bursar::cli {

struct ScheduleOutput {
  std::ostream& out;
  std::ostream& err;
};

// Runs one command line, without the program's name. Never throws.
[[nodiscard]] int run_schedule(std::vector<std::string> words, ScheduleOutput output);

}  // namespace bursar::cli
