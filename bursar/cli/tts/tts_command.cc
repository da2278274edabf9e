#include "bursar/cli/tts/tts_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>

#include "bursar/cli/tts/tts_verbs.h"

namespace bursar::cli {
namespace {

enum Exit : int { kDone = 0, kWrong = 1, kUsage = 2, kUnavailable = 3 };

constexpr const char* kHelp =
    R"(Which model, and how many samples, each stage of a fixed chain gets under one total.

  bursar tts search pipeline.yaml --trials 50 --run ./evaluate.sh
  bursar tts resume pipeline.yaml.search.json
  bursar tts explain pipeline.yaml.search.json --output winner.json

The script reads {"stages":[{"name","model","samples"}, …]} and prints a score from 0 to 1 as its last line.
docs/plan.md has more.
)";

struct Words {
  SearchWords search;
  ResumeWords resume;
  ExplainWords explain;
};

void describe(CLI::App& app, Words& words) {
  SearchWords& s = words.search;
  CLI::App& search = *app.add_subcommand("search", "Tries configurations with a script, and recommends one");
  search.add_option("pipeline", s.pipeline, "YAML or JSON: stages with their models")->required();
  search.add_option("--run", s.run, "Command that measures a configuration")->required();
  search.add_option("--trials", s.trials, "Configurations to try (50)");
  search.add_option("--batch", s.batch, "Proposed at once (10)");
  search.add_option("--examples", s.examples, "That a score is the mean of, where the script does not say (50)");
  search.add_option("--again", s.again, "Leaders to measure again at the end (3)");
  search.add_option("--timeout", s.timeout_s, "Seconds that a trial may take (3600)");
  search.add_option("--ask", s.ask, "Command that answers a prompt: proposals by a language model, checked by us");
  search.add_option("--state", s.state, "File of the search (PIPELINE.search.json)");
  search.add_option("--seed", s.seed, "Of the proposals (1)");
  CLI::App& resume = *app.add_subcommand("resume", "Goes on with a search that was stopped");
  resume.add_option("state", words.resume.state, "Its file")->required();
  resume.add_option("--trials", words.resume.trials, "In all (as before)");
  resume.add_option("--run", words.resume.run, "Another command (as before)");
  CLI::App& explain = *app.add_subcommand("explain", "Says what is recommended and why");
  explain.add_option("state", words.explain.state, "File of the search")->required();
  explain.add_option("-o,--output", words.explain.output, "Write the pipeline with its winner here, for the gateway");
  explain.add_flag("--json", words.explain.json, "Print one JSON document");
}

Result<void> run_verb(const CLI::App& app, const Words& words, TtsOutput output) {
  if (app.got_subcommand("search")) return tts_search(words.search, output);
  if (app.got_subcommand("resume")) return tts_resume(words.resume, output);
  return tts_explain(words.explain, output);
}

int run_parsed(std::vector<std::string> words, TtsOutput output) {
  CLI::App app(kHelp, "bursar tts");
  app.set_version_flag("--version", std::string("bursar-tts ") + BURSAR_VERSION);
  app.require_subcommand(1);
  Words read;
  describe(app, read);
  try {
    std::ranges::reverse(words);  // as CLI11 takes them
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      (void)app.exit(error, output.out, output.err);
      return kDone;
    }
    output.err << "bursar tts: " << error.what() << "; `bursar tts --help` shows what there is\n";
    return kUsage;
  }
  if (const auto well = run_verb(app, read, output); !well) {
    std::string message = well.error().message;  // may hold what a script printed
    std::ranges::replace_if(message, [](char c) { return static_cast<unsigned char>(c) < ' '; }, '?');
    output.err << "bursar tts: " << message << '\n';
    return well.error().code == ErrorCode::kUnavailable ? kUnavailable : kWrong;
  }
  output.out.flush();
  return output.out ? kDone : kUnavailable;
}

}  // namespace

int run_tts(std::vector<std::string> words, TtsOutput output) {
  try {
    return run_parsed(std::move(words), output);
  } catch (const std::bad_alloc&) {
    output.err << "bursar tts: what is asked for does not fit into memory\n";
    return kUnavailable;
  } catch (const std::exception& error) {
    output.err << "bursar tts: " << error.what() << " (a bug of ours; please report it)\n";
    return kWrong;
  }
}

}  // namespace bursar::cli
