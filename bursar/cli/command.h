// What every command of `bursar` shares: where it writes, its exit codes, and how it finds its configuration.
//
//   int main(int argc, char** argv) { return run({argv + 1, argv + argc}, {std::cout, std::cerr}); }
//
// Exit codes: 0 done; 1 what was looked at is wrong (a file, a trail, a checklist), or the request was refused; 2 the
// words on the command line are wrong; 3 something outside does not answer or cannot be opened: trying again may help.
// Results go to standard output; notes and errors, one line each, to standard error.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/config/config.h"
#include "bursar/core/result.h"

namespace CLI {
class App;
}

namespace bursar::cli {

enum ExitCode : int { kDone = 0, kWrong = 1, kUsage = 2, kUnavailable = 3 };

struct Output {
  std::ostream& out;
  std::ostream& err;
};

// Runs one command line, without the program's name. Never throws.
[[nodiscard]] int run(std::vector<std::string> words, Output output);

// A command adds itself to `app`; what it does is left in `chosen` when its words were read.
using Action = std::function<int(Output)>;
struct Chosen {
  Action action;
};
void add_serve(CLI::App& app, Chosen& chosen);
void add_mcp(CLI::App& app, Chosen& chosen);
void add_check(CLI::App& app, Chosen& chosen);
void add_import(CLI::App& app, Chosen& chosen);
void add_keys(CLI::App& app, Chosen& chosen);
void add_audit(CLI::App& app, Chosen& chosen);
void add_budget(CLI::App& app, Chosen& chosen);
void add_doctor(CLI::App& app, Chosen& chosen);
void add_errors(CLI::App& app, Chosen& chosen);
void add_upstream(CLI::App& app, Chosen& chosen);

// Prints "bursar: <message>" and gives the exit code that fits.
int complain(Output output, const Error& error);

// Which file and database a command works on: -c, --database.
struct Place {
  std::string config_path;  // as given; empty: bursar.yaml where it stands here, otherwise the defaults
  std::string database;     // as given; empty: the configuration's
};
void add_place(CLI::App& command, Place& place);
[[nodiscard]] std::string config_file(const Place& place);  // empty: none, the defaults hold
[[nodiscard]] Result<broker::Config> load(const Place& place);
[[nodiscard]] Result<std::string> database_of(
    const Place& place);  // without the configuration where --database is given

// A gateway's answer to one request; the gateway is found by --url, or beside the database.
struct AdminDoor {
  std::string url;  // "http://127.0.0.1:8484"
  std::string secret;
  std::string certificate = {};  // of an https url: the SHA-256 that is wanted; empty: one that the system trusts
};
// Absent where no gateway was named and none is published. The key of BURSAR_ADMIN_KEY goes before the published one.
[[nodiscard]] std::optional<AdminDoor> find_door(const std::string& url, const std::string& database);
// Any answer; `headers` are whole lines. Errors: kUnavailable where nobody answers.
struct DoorAnswer {
  int status = 0;
  std::string head, body;
};
[[nodiscard]] Result<DoorAnswer> request(const AdminDoor& door, std::string_view method, std::string_view path,
                                         std::string_view body, std::string_view headers);
// Body of a 200. Errors: kUnavailable where nobody answers, kPermissionDenied, kNotFound, kInvalidArgument.
[[nodiscard]] Result<std::string> ask(const AdminDoor& door, std::string_view method, std::string_view path,
                                      std::string_view body = {});

}  // namespace bursar::cli
