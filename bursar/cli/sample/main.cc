#include <iostream>

#include "bursar/cli/sample/sample_command.h"

int main(int argc, char** argv) { return bursar::cli::run_sample({argv + 1, argv + argc}, {std::cout, std::cerr}); }
