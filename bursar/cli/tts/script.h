// Runs a program of the user's: text on its standard input, text from its standard output, and never for ever.
//
//   auto said = run_script("./evaluate.sh", "{\"stages\":[…]}", std::chrono::minutes(30));
//   if (!said) report(said.error());          // did not start, failed, took too long, or said too much
//
// The command goes through /bin/sh and leads a process group of its own. Past its time the whole group is killed; so is
// what a command that ended left behind, and the command itself when this process dies. Standard error is passed on.
// Errors: kUnavailable where it cannot be started or ends other than with 0, kTimeout, kExhausted past 1 MiB of output.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "bursar/core/result.h"

namespace bursar::cli {

inline constexpr std::size_t kMostScriptOutput = 1 << 20;

[[nodiscard]] Result<std::string> run_script(const std::string& command, std::string_view input,
                                             std::chrono::milliseconds timeout);

}  // namespace bursar::cli
