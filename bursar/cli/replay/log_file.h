// What both programs read: a log from a file or standard input, budgets and policies from words.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "bursar/admit/log/log_reader.h"
#include "bursar/admit/policy_file.h"

namespace bursar::cli {

enum ReplayExit : int {
  kReplayDone = 0,
  kReplayWrong = 1,
  kReplayUsage = 2,
  kReplayUnavailable = 3,
  kReplayInterrupted = 130
};

struct ReplayOutput {
  std::ostream& out;
  std::ostream& err;
  bool terminal = false;  // progress is drawn on `err`
};

struct LogFile {
  std::string path;  // "-": standard input
  admit::LogOptions options;
  std::vector<std::string> budgets;  // "5", or "usd=5" for each resource
};

struct NamedBudget {
  std::vector<std::string> names;  // [resources]; one empty name where none is said
  std::vector<double> amounts;
};
[[nodiscard]] Result<NamedBudget> parse_budgets(const std::vector<std::string>& words);

// The log with its resources in the order of the budget. kUnavailable for files that cannot be opened.
[[nodiscard]] Result<std::unique_ptr<admit::LogReader>> open_log_file(const LogFile& file, const NamedBudget& budget);

// Asks `each` with every request; it may end the reading with an error. `go_on` is asked every 4,096 requests; false
// ends it with kCancelled.
[[nodiscard]] Result<std::uint64_t> read_log(admit::LogReader& reader,
                                             const std::function<Result<void>(const admit::LoggedRequest&)>& each,
                                             const std::function<bool(std::uint64_t requests)>& go_on);

// "NAME:key=value,…", or "@file" for what `bursar admit fit` wrote.
[[nodiscard]] Result<admit::PolicyFile> policy_of(const std::string& words);

[[nodiscard]] Result<void> write_text(const std::string& path, const std::string& text);

// Prints the error as the program's own and gives the exit code for it.
int complain(ReplayOutput output, std::string_view program, const Error& error);

// "0.1234", "1.23e+06": at most six significant digits.
[[nodiscard]] std::string short_number(double x);

// Ctrl-C between the two calls is noted; a second one ends the program.
void catch_interrupts();
[[nodiscard]] bool interrupted();
void release_interrupts();

}  // namespace bursar::cli
