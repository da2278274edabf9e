#include "bursar/cli/programs.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <ostream>
#include <signal.h>
#include <unistd.h>

namespace bursar::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "bursar-";
constexpr std::size_t kLongestVerb = 64;

constexpr auto kAbout = std::to_array<std::pair<std::string_view, std::string_view>>(
    {{"admit", "Lists policies for streams of requests; learns prices from a log"},
     {"agree", "Splits, fairness and contracts among parties that may lie"},
     {"allocate", "Splits a budget over known items, with a proven bound"},
     {"allocate-mpi", "The same for arrays on many hosts (mpirun)"},
     {"bid", "Learns a campaign from its log of auctions, and replays one under several rules"},
     {"experiment", "Finds the best of some arms in a file that is kept: next, record, decide; private if asked"},
     {"explore", "Bandits: tries them in simulated worlds, keeps one in a file, says what it believes"},
     {"match", "Matches what comes one by one: buyers with items, slots with goals"},
     {"plan", "Inside one job: workflows run or simulated, strategies compared or replayed, tokens, teams"},
     {"replay", "Replays a log of requests under any policies, against the best in hindsight"},
     {"reproduce", "Shows a published system's claim beside its baselines"},
     {"sample", "Votes over answers, where the next draw goes, guided thinking, what was learned"},
     {"schedule", "Learning rates and token budgets by step: tables, plots, advice"},
     {"tts", "Which models and how many samples the stages of a chain get: tries them with a script"},
     {"sim-model", "A simulated model behind an OpenAI-compatible door, for tests and quick starts"}});

bool is_verb(std::string_view verb) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  return !verb.empty() && verb.size() <= kLongestVerb && lower(verb.front()) &&
         std::ranges::all_of(verb, [&](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '-'; });
}

std::vector<fs::path> folders() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (error || self.empty()) return {};
  return {self.parent_path(), self.parent_path().parent_path() / "libexec" / "bursar"};
}

bool can_run(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && !error && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::optional<Program> find_program(std::string_view verb) {
  if (!is_verb(verb)) return std::nullopt;
  for (const fs::path& folder : folders()) {
    const fs::path path = folder / (std::string(kPrefix) + std::string(verb));
    if (can_run(path)) return Program{std::string(verb), path.string()};
  }
  return std::nullopt;
}

std::vector<Program> find_programs() {
  std::map<std::string, std::string> found;
  for (const fs::path& folder : folders()) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with(kPrefix) || !is_verb(std::string_view(name).substr(kPrefix.size()))) continue;
      if (can_run(entry.path())) found.try_emplace(name.substr(kPrefix.size()), entry.path().string());
    }
  }
  std::vector<Program> programs;
  programs.reserve(found.size());
  for (const auto& [verb, path] : found) programs.push_back({verb, path});
  return programs;
}

std::string_view about_program(std::string_view verb) {
  const auto* found = std::ranges::find(kAbout, verb, &decltype(kAbout)::value_type::first);
  return found == kAbout.end() ? std::string_view{} : found->second;
}

int become(const Program& program, const std::vector<std::string>& words, Output output) {
  std::vector<std::string> own{fs::path(program.path).filename().string()};
  own.insert(own.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  arguments.reserve(own.size() + 1);
  for (std::string& word : own) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  output.out.flush();
  output.err.flush();
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execv(program.path.c_str(), arguments.data());
  output.err << "bursar: " << program.path << " cannot be started: " << std::strerror(errno) << '\n';
  return kUnavailable;
}

int complain_missing(std::string_view verb, Output output) {
  output.err << "bursar: the program bursar-" << verb << " is not installed; it was looked for in";
  for (bool first = true; const fs::path& folder : folders()) {
    output.err << (first ? " " : " and ") << folder.string();
    first = false;
  }
  output.err << '\n';
  return kUnavailable;
}

}  // namespace bursar::cli
