#include <iostream>

#include "bursar/cli/explore/explore_command.h"

int main(int argc, char** argv) {
  return bursar::cli::run_explore({argv + 1, argv + argc}, {std::cin, std::cout, std::cerr});
}
