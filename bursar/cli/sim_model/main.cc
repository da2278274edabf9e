#include <iostream>

#include "bursar/cli/sim_model/sim_model_command.h"

int main(int argc, char** argv) { return bursar::cli::run_sim_model({argv + 1, argv + argc}, {std::cout, std::cerr}); }
