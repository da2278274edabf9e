#include <iostream>

#include "bursar/cli/bid/bid_command.h"

int main(int argc, char** argv) { return bursar::cli::run_bid({argv + 1, argv + argc}, {std::cout, std::cerr}); }
