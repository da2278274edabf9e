#include <iostream>
#include <unistd.h>

#include "bursar/cli/allocate/allocate_command.h"

int main(int argc, char** argv) {
  return bursar::cli::run_allocate({argv + 1, argv + argc}, {std::cout, std::cerr, ::isatty(STDERR_FILENO) == 1});
}
