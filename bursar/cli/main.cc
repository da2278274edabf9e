#include <iostream>

#include "bursar/cli/command.h"

int main(int argc, char** argv) { return bursar::cli::run({argv + 1, argv + argc}, {std::cout, std::cerr}); }
