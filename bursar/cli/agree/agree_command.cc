#include "bursar/cli/agree/agree_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <ostream>
#include <sstream>

namespace bursar::cli {
namespace {

enum Exit : int { kDone = 0, kWrong = 1, kUsage = 2, kUnavailable = 3 };

constexpr const char* kHelp =
    R"(Budgets among parties that may lie: splits, fairness and incentives, and hiring for information.

  bursar agree split wishes.csv --total "10M tokens"
  bursar agree check wishes.csv --mechanism average
  bursar agree hire game.json

Wishes: a row a party with the columns party, weight (where wanted) and the budget lines; docs/agree.md has more.
)";

struct Words {
  SplitWords split;
  HireWords hire;
};

void describe_split(CLI::App& command, SplitWords& words, bool checks) {
  command.add_option("wishes", words.file, "CSV of parties and what they wish; - is standard input")->required();
  command.add_option("-m,--mechanism", words.mechanism,
                     "uniform-phantom, median, average, ifs, midrange; independent-markets for three lines and more");
  command.add_option("--low", words.low, "Least point of one column of wishes (0)");
  command.add_option("--high", words.high, "Largest point of one column of wishes (1)");
  if (checks)
    command.add_option("--outcome", words.outcome, "Check this share of the first line, not a mechanism's");
  else
    command.add_option("-t,--total", words.total, "What is split, such as \"10M tokens, 50 usd\"");
  if (!checks) command.add_flag("--json", words.json, "Print one JSON document: ballots, outcome, budgets, reasons");
}

// Names come from files: what would steer a terminal becomes '?'.
std::string without_controls(std::string text) {
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\n'; }, '?');
  return text;
}

int complain(AgreeOutput output, const Error& error) {
  std::string text = without_controls(error.message);
  std::ranges::replace(text, '\n', '?');
  output.err << "bursar agree: " << text << '\n';
  return error.code == ErrorCode::kUnavailable ? kUnavailable : kWrong;
}

int run_parsed(std::vector<std::string> words, AgreeOutput output) {
  CLI::App app(kHelp, "bursar agree");
  app.set_version_flag("--version", std::string("bursar-agree ") + BURSAR_VERSION);
  app.require_subcommand(1);
  Words read;
  CLI::App* split = app.add_subcommand("split", "Split a budget by what the parties wish");
  CLI::App* check = app.add_subcommand("check", "Look for broken axioms and profitable lies");
  CLI::App* hire = app.add_subcommand("hire", "The best contract for agents whose efforts nobody sees");
  describe_split(*split, read.split, false);
  describe_split(*check, read.split, true);
  hire->add_option("game", read.hire.file, "JSON of agents, efforts, signals, states, actions; - is standard input")
      ->required();
  hire->add_option("--margin", read.hire.margin, "Other efforts must lose this much per round (0)");
  hire->add_option("--own-share", read.hire.own_share, "Share of pay that hangs on the own report and the truth (0)")
      ->check(CLI::Range(0.0, 1.0));
  hire->add_flag("--json", read.hire.json, "Print one JSON document");
  try {
    std::ranges::reverse(words);  // as CLI11 takes them
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      (void)app.exit(error, output.out, output.err);
      return kDone;
    }
    output.err << "bursar agree: " << error.what() << "; `bursar agree --help` shows what there is\n";
    return kUsage;
  }
  std::ostringstream text;
  const auto well = split->parsed()   ? split_wishes(read.split, text)
                    : check->parsed() ? check_wishes(read.split, text)
                                      : hire_agents(read.hire, text);
  if (!well) return complain(output, well.error());
  output.out << without_controls(std::move(text).str());
  output.out.flush();
  if (!output.out) return kUnavailable;
  return *well ? kDone : kWrong;
}

}  // namespace

Result<std::string> read_text_file(const std::string& path, std::size_t most) {
  const auto outside = [&](const std::string& what) { return fail(ErrorCode::kUnavailable, path + ": " + what); };
  std::error_code code;
  if (path != "-" && std::filesystem::is_directory(path, code)) return outside("is a folder");
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  if (path != "-" && !file) return outside(std::string("cannot be opened: ") + std::strerror(errno));
  std::istream& in = path == "-" ? std::cin : file;
  std::string text;
  std::vector<char> piece(std::size_t{1} << 16);
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
    text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > most) return invalid_argument(path + ": is longer than " + std::to_string(most) + " bytes");
  }
  if (in.bad()) return outside("cannot be read");
  return text;
}

int run_agree(std::vector<std::string> words, AgreeOutput output) {
  try {
    return run_parsed(std::move(words), output);
  } catch (const std::bad_alloc&) {
    output.err << "bursar agree: what is asked for does not fit into memory\n";
    return kUnavailable;
  } catch (const std::exception& error) {
    output.err << "bursar agree: " << error.what() << " (a bug of ours; please report it)\n";
    return kWrong;
  }
}

}  // namespace bursar::cli
