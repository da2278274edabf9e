#include <iostream>

#include "bursar/cli/agree/agree_command.h"

int main(int argc, char** argv) { return bursar::cli::run_agree({argv + 1, argv + argc}, {std::cout, std::cerr}); }
