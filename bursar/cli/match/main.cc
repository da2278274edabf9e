#include <iostream>

#include "bursar/cli/match/match_command.h"

int main(int argc, char** argv) {
  return bursar::cli::run_match({argv + 1, argv + argc}, {std::cin, std::cout, std::cerr});
}
