#include "bursar/cli/replay/replay_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <ostream>

#include "bursar/admit/log/log_forms.h"
#include "bursar/admit/policies.h"
#include "bursar/admit/replay.h"
#include "bursar/cli/replay/replay_report.h"

namespace bursar::cli {
namespace {

using admit::LoggedRequest;
using Clock = std::chrono::steady_clock;

constexpr const char* kHelp =
    R"(Replays a recorded stream of requests under any policies, side by side, against the best in hindsight.

  bursar replay requests.csv --policy greedy --policy dual-mirror-descent --budget usd=20 --budget ms=2e6
  bursar replay auctions.jsonl.gz --policy dual-mirror-descent --goal value --budget 500 --plot out.svg
  bursar replay today.csv --policy @fitted.json --budget 20 --json

`bursar admit policies` lists policies and their parameters, `bursar admit fit` learns some of them from a log, and
`bursar admit demo` writes a log to try. Forms of logs: docs/admit.md.
)";

struct Words {
  LogFile file;
  std::vector<std::string> policies;
  std::string plot, goal = "utility";
  std::int64_t horizon = -1;
  std::uint64_t episode = 0, delay = 0;
  bool json = false, quiet = false, no_bound = false;
};

class Progress {
 public:
  Progress(ReplayOutput output, bool on) : err_(output.err), on_(on) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  bool show(std::string_view what, std::uint64_t requests) {
    const auto now = Clock::now();
    if (!on_ || now - last_ < std::chrono::milliseconds{100}) return true;
    last_ = now;
    drawn_ = true;
    err_ << "\r\x1b[K" << what << ": " << requests << " requests" << std::flush;
    return true;
  }
  void clear() {
    if (drawn_) err_ << "\r\x1b[K" << std::flush;
    drawn_ = false;
  }

 private:
  std::ostream& err_;
  bool on_, drawn_ = false;
  Clock::time_point last_ = Clock::now();
};

struct Prepared {
  NamedBudget budget;
  std::vector<admit::PolicyFile> policies;  // as given, in order
  admit::AuctionGoal goal = admit::AuctionGoal::kUtility;
};

Result<Prepared> prepare(const Words& words) {
  Prepared out;
  auto budget = parse_budgets(words.file.budgets);
  if (!budget) return tl::unexpected(budget.error());
  out.budget = std::move(*budget);
  for (const std::string& word : words.policies) {
    auto policy = policy_of(word);
    if (!policy) return tl::unexpected(policy.error());
    if (!policy->resources.empty() && !out.budget.names[0].empty() && policy->resources != out.budget.names) {
      std::string order;
      for (const std::string& name : policy->resources) order += " --budget " + name + "=…";
      return invalid_argument(word + ": its numbers belong to other resources or another order; give" + order);
    }
    out.policies.push_back(std::move(*policy));
  }
  out.goal = words.goal == "value" ? admit::AuctionGoal::kValue : admit::AuctionGoal::kUtility;
  return out;
}

Result<std::vector<admit::ReplayRun>> make_runs(const Words& words, const Prepared& prepared,
                                                const std::vector<std::string>& resources, std::uint64_t horizon) {
  std::vector<admit::ReplayRun> runs;
  for (std::size_t i = 0; i < prepared.policies.size(); ++i) {
    auto run = admit::ReplayRun::make(words.policies[i], prepared.policies[i].words, admit::policies(),
                                      {.budget = prepared.budget.amounts,
                                       .resource_names = resources,
                                       .horizon = horizon,
                                       .episode = words.episode,
                                       .goal = prepared.goal,
                                       .delay = words.delay});
    if (!run) return tl::unexpected(run.error());
    runs.push_back(std::move(*run));
  }
  return runs;
}

std::vector<double> pooled_budget(const Words& words, const Prepared& prepared, std::uint64_t requests) {
  std::vector<double> budget = prepared.budget.amounts;
  const std::uint64_t episodes = words.episode == 0 ? 1 : (requests + words.episode - 1) / words.episode;
  for (double& b : budget) b *= static_cast<double>(std::max<std::uint64_t>(episodes, 1));
  return budget;
}

// The first of two passes: how many requests there are, and a sample of them.
Result<admit::ReservoirSample> survey(const Words& words, const Prepared& prepared, Progress& progress) {
  auto reader = open_log_file(words.file, prepared.budget);
  if (!reader) return tl::unexpected(reader.error());
  admit::ReservoirSample sample(prepared.budget.amounts.size(), prepared.goal);
  auto read = read_log(
      **reader,
      [&](const LoggedRequest& request) -> Result<void> {
        sample.add(request);
        return {};
      },
      [&](std::uint64_t requests) { return progress.show("reading", requests); });
  if (!read) return tl::unexpected(with_context(words.file.path, read.error()));
  return sample;
}

// The runs over the log; `hindsight` and `sample` may be null.
Result<ReplayReport> play(const Words& words, const Prepared& prepared, std::uint64_t horizon,
                          admit::Hindsight* hindsight, admit::ReservoirSample* sample, Progress& progress) {
  auto reader = open_log_file(words.file, prepared.budget);
  if (!reader) return tl::unexpected(reader.error());
  const auto names = (*reader)->resources();
  ReplayReport report{.log = words.file.path,
                      .horizon = words.episode > 0 ? words.episode : horizon,
                      .episode = words.episode,
                      .delay = words.delay,
                      .resources = {names.begin(), names.end()},
                      .budget = prepared.budget.amounts};
  auto runs = make_runs(words, prepared, report.resources, horizon);
  if (!runs) return tl::unexpected(runs.error());
  auto read = read_log(
      **reader,
      [&](const LoggedRequest& request) -> Result<void> {
        if (hindsight != nullptr) hindsight->add(request);
        if (sample != nullptr) sample->add(request);
        for (admit::ReplayRun& run : *runs) {
          if (auto ok = run.step(request); !ok) return ok;
        }
        return {};
      },
      [&](std::uint64_t requests) { return progress.show("replaying", requests); });
  if (!read) return tl::unexpected(with_context(words.file.path, read.error()));
  report.requests = *read;
  for (admit::ReplayRun& run : *runs) {
    auto result = run.finish();
    if (!result) return tl::unexpected(result.error());
    report.policies.push_back(std::move(*result));
  }
  return report;
}

// Standard input, and logs whose horizon is given and whose bound nobody wants.
Result<ReplayReport> replay_once(const Words& words, const Prepared& prepared, Progress& progress) {
  admit::ReservoirSample sample(prepared.budget.amounts.size(), prepared.goal);
  const std::uint64_t horizon = words.horizon > 0 ? static_cast<std::uint64_t>(words.horizon) : 0;
  auto report = play(words, prepared, horizon, nullptr, words.no_bound ? nullptr : &sample, progress);
  if (!report || words.no_bound) return report;
  auto dual = sample.prices(pooled_budget(words, prepared, report->requests));
  if (!dual) return tl::unexpected(with_context("best in hindsight", dual.error()));
  report->bound = {sample.complete() ? BoundKind::kLinearProgram : BoundKind::kEstimate, dual->bound, dual->prices};
  return report;
}

Result<ReplayReport> replay(const Words& words, const Prepared& prepared, Progress& progress) {
  if (words.file.path == "-" || (words.no_bound && words.horizon >= 0)) return replay_once(words, prepared, progress);
  auto sample = survey(words, prepared, progress);
  if (!sample) return tl::unexpected(sample.error());
  const std::uint64_t horizon = words.horizon >= 0 ? static_cast<std::uint64_t>(words.horizon) : sample->seen();
  if (words.no_bound) return play(words, prepared, horizon, nullptr, nullptr, progress);
  const std::vector<double> budget = pooled_budget(words, prepared, sample->seen());
  auto dual = sample->prices(budget);
  if (!dual) return tl::unexpected(with_context("best in hindsight", dual.error()));
  admit::Hindsight hindsight(dual->prices, prepared.goal);
  auto report = play(words, prepared, horizon, &hindsight, nullptr, progress);
  if (!report) return report;
  report->bound = {sample->complete() ? BoundKind::kLinearProgram : BoundKind::kDual, hindsight.bound(budget),
                   dual->prices};
  return report;
}

int carry_out(const Words& words, ReplayOutput output) {
  auto prepared = prepare(words);
  if (!prepared) return complain(output, "replay", prepared.error());
  Progress progress(output, output.terminal && !words.quiet);
  auto report = replay(words, *prepared, progress);
  progress.clear();
  if (!report) return complain(output, "replay", report.error());
  if (!words.plot.empty()) {
    if (auto ok = write_text(words.plot, to_svg(*report)); !ok) return complain(output, "replay", ok.error());
  }
  output.out << (words.json ? to_json_text(*report) + "\n" : to_text(*report));
  output.out.flush();
  return output.out ? kReplayDone : kReplayUnavailable;
}

std::string form_names() {
  std::string out;
  for (const admit::LogForm& form : admit::log_forms()) out += (out.empty() ? "" : ", ") + std::string(form.name);
  return out;
}

void describe(CLI::App& app, Words& words) {
  app.add_option("log", words.file.path, "The log, perhaps compressed (gzip); - is standard input, read once")
      ->required();
  app.add_option("-p,--policy", words.policies, "NAME, NAME:parameter=value,… or @file; may be repeated")->required();
  app.add_option("-b,--budget", words.file.budgets, "NUMBER, or NAME=NUMBER for each resource");
  app.add_option("--horizon", words.horizon,
                 "Requests that the policies are told to expect; 0: not known; without it, as many as the log has (not "
                 "known for standard input)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--episode", words.episode, "Begin anew, with the whole budget, after so many requests");
  app.add_option("--delay", words.delay, "Requests after which a policy learns what its decision really cost")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{60'000}));
  app.add_option("--goal", words.goal, "Auctions: utility (value less price) or value")
      ->check(CLI::IsMember({"utility", "value"}));
  app.add_option("--format", words.file.options.form, form_names() + ", where the first bytes do not tell");
  app.add_option("--ignore", words.file.options.ignore, "A column or key that means nothing; may be repeated");
  app.add_option("--plot", words.plot, "Write a picture of rewards, spending and prices to this file (SVG)");
  app.add_flag("--no-bound", words.no_bound, "Do not compute the best in hindsight; with --horizon, read the log once");
  app.add_flag("--json", words.json, "Print one JSON document");
  app.add_flag("-q,--quiet", words.quiet, "No progress");
  for (CLI::Option* option : app.get_options()) {
    if (option->get_expected_max() > 1) option->allow_extra_args(false);
  }
}

}  // namespace

int run_replay(std::vector<std::string> words, ReplayOutput output) {
  CLI::App app(kHelp, "bursar replay");
  app.set_version_flag("--version", std::string("bursar-replay ") + BURSAR_VERSION);
  Words read_words;
  try {
    describe(app, read_words);
    std::ranges::reverse(words);  // as CLI11 takes them
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      (void)app.exit(error, output.out, output.err);
      return kReplayDone;
    }
    output.err << "bursar replay: " << error.what() << "; `bursar replay --help` shows what there is\n";
    return kReplayUsage;
  }
  try {
    catch_interrupts();
    const int code = carry_out(read_words, output);
    release_interrupts();
    return code;
  } catch (const std::bad_alloc&) {
    output.err << "bursar replay: a request of the log does not fit into memory\n";
    return kReplayUnavailable;
  } catch (const std::exception& error) {
    output.err << "bursar replay: " << error.what() << " (a bug of ours; please report it)\n";
    return kReplayWrong;
  }
}

}  // namespace bursar::cli
