#include "bursar/cli/explore/explore_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>
#include <sstream>

#include "bursar/core/policy_text.h"
#include "bursar/explore/policies.h"

namespace bursar::cli {
namespace {

enum Exit : int { kDone = 0, kWrong = 1, kUsage = 2, kUnavailable = 3 };

constexpr const char* kHelp = R"(Bandits: spending in order to learn which arm is worth most.

  bursar explore policies
  bursar explore simulate --world "bernoulli:means=[.6;.5;.5]" -p ucb1 -p thompson --plot regret.svg
  bursar explore run arms.json --policy thompson:arms=3
  bursar explore report arms.json

run reads a line a request and answers with a line:
  {"choose":{}}                                   {"id":0,"arm":2,"reason":"chance"}
  {"learn":{"id":0,"reward":.8,"cost":[.01]}}     {"id":0,"learned":true}
docs/explore.md says which policy is for what.
)";

struct Words {
  SimulateWords simulate;
  RunWords run;
  ReportWords report;
  bool json = false;
};

void describe_simulate(CLI::App& app, SimulateWords& words) {
  app.add_option("-w,--world", words.world,
                 "bernoulli:means=[…] · normal:means=[…],noise=.1 · pricing:prices=[…],stock=.25 · "
                 "linear:arms=10,dimension=5 · peak:arms=50,top=.9,slope=.8,at=.37");
  app.add_option("-p,--policy", words.policies, "NAME[:parameter=value,…], as often as you like (ucb1 and thompson)")
      ->allow_extra_args(false);
  app.add_option("-b,--budget", words.budget, "Of each resource, for worlds that use some (the world's own)")
      ->allow_extra_args(false);
  app.add_option("-t,--rounds", words.rounds, "Rounds of one run (10000)")
      ->check(CLI::Range(std::uint64_t{2}, std::uint64_t{1'000'000'000}));
  app.add_option("--seed", words.seed, "Of the first run; the others follow (1)");
  app.add_option("--seeds", words.seeds, "Runs (20)")->check(CLI::Range(1, 100'000));
  app.add_option("--plot", words.plot, "Draw regret over rounds into this SVG");
  app.add_flag("--json", words.json, "Print one JSON document");
}

void describe_run(CLI::App& app, RunWords& words) {
  app.add_option("file", words.file, "Where the bandit is kept; made where there is none")->required();
  app.add_option("-p,--policy", words.policy, "For a new file: NAME:arms=N[,…]");
  app.add_option("-b,--budget", words.budget, "For a new file: NAME=NUMBER of each resource")->allow_extra_args(false);
  app.add_option("--horizon", words.horizon, "For a new file: rounds that it is for");
  app.add_option("--names", words.names, "For a new file: of the arms, with commas between");
}

int complain(const ExploreStreams& streams, const Error& error) {
  std::string text = error.message;
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < ' '; }, '?');
  streams.err << "bursar explore: " << text << '\n';
  return error.code == ErrorCode::kUnavailable ? kUnavailable : kWrong;
}

int run_parsed(std::vector<std::string> words, const ExploreStreams& streams) {
  CLI::App app(kHelp, "bursar explore");
  app.set_version_flag("--version", std::string("bursar-explore ") + BURSAR_VERSION);
  app.require_subcommand(1);
  Words read;
  CLI::App* policies = app.add_subcommand("policies", "Lists policies and their parameters");
  policies->add_flag("--json", read.json, "Print one JSON document");
  CLI::App* simulate = app.add_subcommand("simulate", "Runs policies in a simulated world and prints their regret");
  describe_simulate(*simulate, read.simulate);
  CLI::App* run = app.add_subcommand("run", "Chooses and learns, a line of JSON at a time, in a file that lasts");
  describe_run(*run, read.run);
  CLI::App* report = app.add_subcommand("report", "What a kept bandit believes");
  report->add_option("file", read.report.file, "As for run")->required();
  report->add_flag("--json", read.report.json, "Print one JSON document");
  try {
    std::ranges::reverse(words);  // as CLI11 takes them
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      (void)app.exit(error, streams.out, streams.err);
      return kDone;
    }
    streams.err << "bursar explore: " << error.what() << "; `bursar explore --help` shows what there is\n";
    return kUsage;
  }
  std::ostringstream text;
  Result<void> well;
  if (policies->parsed()) {
    text << (read.json ? policies_json(explore::policies()) : policies_text(explore::policies()));
  } else if (simulate->parsed()) {
    well = simulate_bandits(read.simulate, text);
  } else if (run->parsed()) {
    well = run_bandit(read.run, streams.in, streams.out);
  } else {
    well = report_bandit(read.report, text);
  }
  if (!well) return complain(streams, well.error());
  streams.out << std::move(text).str() << std::flush;
  return streams.out ? kDone : kUnavailable;
}

}  // namespace

int run_explore(std::vector<std::string> words, ExploreStreams streams) {
  try {
    return run_parsed(std::move(words), streams);
  } catch (const std::bad_alloc&) {
    streams.err << "bursar explore: what is asked for does not fit into memory\n";
    return kUnavailable;
  } catch (const std::exception& error) {
    streams.err << "bursar explore: " << error.what() << " (a bug of ours; please report it)\n";
    return kWrong;
  }
}

}  // namespace bursar::cli
