#include <iostream>

#include "bursar/cli/tts/tts_command.h"

int main(int argc, char** argv) { return bursar::cli::run_tts({argv + 1, argv + argc}, {std::cout, std::cerr}); }
