#include <iostream>

#include "bursar/cli/schedule/schedule_command.h"

int main(int argc, char** argv) { return bursar::cli::run_schedule({argv + 1, argv + argc}, {std::cout, std::cerr}); }
