#include <iostream>

#include "bursar/cli/plan/plan_command.h"

int main(int argc, char** argv) { return bursar::cli::run_plan({argv + 1, argv + argc}, {std::cout, std::cerr}); }
