#include <iostream>

#include "bursar/cli/experiment/experiment_command.h"

int main(int argc, char** argv) {
  return bursar::cli::run_experiment({argv + 1, argv + argc}, {std::cin, std::cout, std::cerr});
}
