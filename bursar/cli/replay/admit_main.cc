#include <iostream>
#include <unistd.h>

#include "bursar/cli/replay/admit_command.h"

int main(int argc, char** argv) {
  return bursar::cli::run_admit({argv + 1, argv + argc}, {std::cout, std::cerr, ::isatty(STDERR_FILENO) == 1});
}
