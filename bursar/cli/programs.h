// Commands that are programs of their own, as git has them: `bursar allocate …` starts bursar-allocate, so that the
// gateway carries none of their weight.
//
//   if (const auto program = find_program("allocate")) return become(*program, {"problem.csv", "--budget", "8"},
//   output);
//
// A program is looked for beside this one, and then in ../libexec/bursar; nowhere else, so that nothing that happens to
// stand in PATH becomes a command of bursar. It takes this process's place: its exit status and the signals it receives
// are its own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/cli/command.h"

namespace bursar::cli {

struct Program {
  std::string verb;  // "allocate"
  std::string path;  // "/usr/bin/bursar-allocate"
};

// Verbs are lower-case letters, digits and dashes, and begin with a letter; anything else is no program.
[[nodiscard]] std::optional<Program> find_program(std::string_view verb);
// All of them, by verb.
[[nodiscard]] std::vector<Program> find_programs();
// What a verb does, in a few words; empty for one that is not ours.
[[nodiscard]] std::string_view about_program(std::string_view verb);

// Does not return unless the program cannot be started; then the exit code for that. Signals are not blocked in it.
[[nodiscard]] int become(const Program& program, const std::vector<std::string>& words, Output output);
// Says that `verb` is not installed, and where it was looked for.
[[nodiscard]] int complain_missing(std::string_view verb, Output output);

}  // namespace bursar::cli
