#include "bursar/cli/command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <ostream>

#include "bursar/cli/programs.h"

namespace bursar::cli {
namespace {

constexpr const char* kHelp =
    R"(Bursar gives every agent a budget, and makes sure that it is never overspent.

  bursar import ~/.cursor/mcp.json > bursar.yaml      take over the MCP servers you have
  bursar keys create ada --account acme/ada           a key for Ada's agent, shown once
  bursar serve                                        the gateway: http://127.0.0.1:8484/mcp
  bursar budget show                                  what is spent, held and left
)";

constexpr const char* kFooter = R"(Exit codes: 0 done, 1 wrong or refused, 2 usage, 3 not available.)";

// The programs that are installed, as CLI11 lists its subcommands, and the exit codes.
std::string footer() {
  constexpr std::size_t kColumn = 28;
  std::string text;
  for (const Program& program : find_programs()) {
    text += (text.empty() ? "Programs:\n  " : "\n  ") + program.verb;
    text.append(program.verb.size() + 2 < kColumn ? kColumn - program.verb.size() - 2 : 1, ' ');
    text += about_program(program.verb);
  }
  return (text.empty() ? text : text + "\n\n") + kFooter;
}

// A verb that is none of ours is a program of its own; absent where there is none of that name. `systems` is a
// shorthand for what bursar-reproduce knows.
std::optional<int> run_program(const CLI::App& app, const std::vector<std::string>& words, Output output) {
  const auto is_ours = [&](const CLI::App* command) { return command->check_name(words.front()); };
  if (words.empty() || !app.get_subcommands(is_ours).empty()) return std::nullopt;
  std::vector<std::string> rest(words.begin() + 1, words.end());
  std::string verb = words.front();
  if (verb == "systems") {
    verb = "reproduce";
    rest.insert(rest.begin(), "--systems");
  }
  if (const auto program = find_program(verb)) return become(*program, rest, output);
  if (!about_program(verb).empty()) return complain_missing(verb, output);
  return std::nullopt;
}

}  // namespace

int complain(Output output, const Error& error) {
  std::string text = error.message;
  for (char& c : text) {
    if (c == '\r' || c == '\x1b') c = '?';
  }
  output.err << "bursar: " << text << '\n';
  const bool outside = error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout;
  return outside ? kUnavailable : kWrong;
}

void add_place(CLI::App& command, Place& place) {
  command.add_option("-c,--config", place.config_path, "Configuration file (bursar.yaml)");
  command.add_option("--database", place.database, "Database file, instead of the configuration's");
}

std::string config_file(const Place& place) {
  std::error_code ignored;
  if (!place.config_path.empty()) return place.config_path;
  return std::filesystem::exists("bursar.yaml", ignored) ? "bursar.yaml" : "";
}

Result<broker::Config> load(const Place& place) {
  const std::string file = config_file(place);
  auto config = file.empty() ? broker::parse_config("", "defaults", broker::process_environment())
                             : broker::load_config(file, broker::process_environment());
  if (config && !place.database.empty()) config->database = place.database;
  return config;
}

Result<std::string> database_of(const Place& place) {
  if (!place.database.empty()) return place.database;
  auto config = load(place);
  if (!config) return tl::unexpected(config.error());
  return config->database;
}

int run(std::vector<std::string> words, Output output) {
  CLI::App app(kHelp, "bursar");
  app.footer(footer);
  app.require_subcommand(0, 1);
  app.set_help_all_flag("--help-all", "Help of every command");
  app.set_version_flag("--version", std::string("bursar ") + BURSAR_VERSION);
  Chosen chosen;
  for (const auto add : {add_serve, add_mcp, add_check, add_import, add_keys, add_upstream, add_budget, add_audit,
                         add_doctor, add_errors}) {
    add(app, chosen);
  }
  app.add_subcommand("version", "Prints the version")->callback([&] {
    chosen.action = [](Output o) {
      o.out << "bursar " << BURSAR_VERSION << '\n';
      return kDone;
    };
  });
  // `bursar help keys` is `bursar keys --help`.
  if (!words.empty() && words.front() == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  if (const auto code = run_program(app, words, output)) return *code;
  try {
    std::reverse(words.begin(), words.end());  // as CLI11 takes them
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      (void)app.exit(error, output.out, output.err);
      return kDone;
    }
    output.err << "bursar: " << error.what() << "; `bursar --help` shows what there is\n";
    return kUsage;
  }
  try {
    if (chosen.action) {
      const int code = chosen.action(output);
      output.out.flush();
      return code;
    }
    output.out << app.help();
    return kDone;
  } catch (const std::exception& error) {
    output.err << "bursar: " << error.what() << " (a bug of ours; please report it)\n";
    return kWrong;
  }
}

}  // namespace bursar::cli
