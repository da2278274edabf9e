#include "bursar/cli/replay/admit_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json/array.hpp>
#include <ostream>

#include "bursar/admit/demo_log.h"
#include "bursar/admit/dual_mirror_descent.h"
#include "bursar/admit/policies.h"
#include "bursar/admit/replay.h"
#include "bursar/core/policy_text.h"

namespace bursar::cli {
namespace {

constexpr const char* kHelp =
    R"(The policies that decide on requests as they arrive, and what a log teaches them.

  bursar admit policies                 what --policy of `bursar replay` and the gateway can name
  bursar admit demo > requests.csv      a day's log to try
  bursar admit fit requests.csv --budget usd=20 --budget ms=2e6 --output fitted.json
)";

struct Words {
  LogFile file;
  std::string policy = "dual-mirror-descent", output, goal = "utility";
  std::uint64_t horizon = 0;
  admit::DemoLog demo;
  bool json = false;
};

boost::json::array numbers(const std::vector<double>& x) { return boost::json::array(x.begin(), x.end()); }

// Scales over the whole log and prices of a sample of it.
struct Lesson {
  std::vector<std::string> resources;
  std::uint64_t requests = 0;
  double reward_scale = 0;
  std::vector<double> cost_scale, prices;
};

Result<Lesson> learn(const Words& words, const NamedBudget& budget) {
  auto reader = open_log_file(words.file, budget);
  if (!reader) return tl::unexpected(reader.error());
  const std::size_t m = budget.amounts.size();
  const auto goal = words.goal == "value" ? admit::AuctionGoal::kValue : admit::AuctionGoal::kUtility;
  Lesson lesson{.cost_scale = std::vector<double>(m, 0.0)};
  admit::ReservoirSample sample(m, goal);
  std::vector<double> room;
  auto read = read_log(
      **reader,
      [&](const admit::LoggedRequest& logged) -> Result<void> {
        const Request request = admit::in_hindsight(logged, goal, m, room);
        for (std::size_t k = 0; k < request.rewards.size(); ++k) {
          lesson.reward_scale = std::max(lesson.reward_scale, request.rewards[k]);
          for (std::size_t j = 0; j < m; ++j)
            lesson.cost_scale[j] = std::max(lesson.cost_scale[j], request.costs[k * m + j]);
        }
        sample.add(logged);
        return {};
      },
      [](std::uint64_t) { return true; });
  if (!read) return tl::unexpected(with_context(words.file.path, read.error()));
  lesson.requests = *read;
  lesson.resources.assign((*reader)->resources().begin(), (*reader)->resources().end());
  // The budget lasts `horizon` requests; the log stands for its share of them.
  const std::uint64_t horizon = words.horizon > 0 ? words.horizon : lesson.requests;
  std::vector<double> share = budget.amounts;
  for (double& b : share) b *= static_cast<double>(lesson.requests) / static_cast<double>(horizon);
  auto dual = sample.prices(share);
  if (!dual) return tl::unexpected(dual.error());
  for (std::size_t j = 0; j < m; ++j) {
    lesson.cost_scale[j] =
        admit::learned_cost_scale(lesson.cost_scale[j], budget.amounts[j] / static_cast<double>(horizon));
  }
  lesson.prices = std::move(dual->prices);
  return lesson;
}

Result<admit::PolicyFile> fit(const Words& words) {
  auto budget = parse_budgets(words.file.budgets);
  if (!budget) return tl::unexpected(budget.error());
  auto base = policy_of(words.policy);
  if (!base) return tl::unexpected(base.error());
  const std::string& name = base->words.name;
  if (name != "dual-mirror-descent" && name != "static-prices" && name != "lp-prices") {
    return invalid_argument("--policy is " + name +
                            "; what can be fitted are dual-mirror-descent, lp-prices and static-prices");
  }
  auto lesson = learn(words, *budget);
  if (!lesson) return tl::unexpected(lesson.error());
  admit::PolicyFile file{.words = base->words,
                         .horizon = words.horizon > 0 ? words.horizon : lesson->requests,
                         .about = "fitted to " + std::to_string(lesson->requests) + " requests of " + words.file.path};
  if (!lesson->resources[0].empty()) file.resources = lesson->resources;
  boost::json::object& parameters = file.words.parameters;
  if (name == "static-prices") {
    parameters["prices"] = numbers(lesson->prices);
    return file;
  }
  // An entropy price of 0 stays 0: a resource that did not bind begins at a thousandth of what its scale suggests.
  const bool entropy = !parameters.contains("mirror") || parameters.at("mirror") == "entropy";
  for (std::size_t j = 0; j < lesson->prices.size() && entropy; ++j) {
    lesson->prices[j] = std::max(lesson->prices[j], 1e-3 * lesson->reward_scale / lesson->cost_scale[j]);
  }
  parameters["initial_prices"] = numbers(lesson->prices);
  if (name == "lp-prices") return file;
  if (lesson->reward_scale > 0) parameters["reward_scale"] = lesson->reward_scale;
  parameters["cost_scale"] = numbers(lesson->cost_scale);
  return file;
}

int run_fit(const Words& words, ReplayOutput output) {
  auto file = fit(words);
  if (!file) return complain(output, "admit fit", file.error());
  const std::string text = admit::policy_file_text(*file) + "\n";
  if (words.output.empty() || words.output == "-") {
    output.out << text << std::flush;
    return output.out ? kReplayDone : kReplayUnavailable;
  }
  if (auto ok = write_text(words.output, text); !ok) return complain(output, "admit fit", ok.error());
  output.out << words.output << ": " << file->words.name << ", " << file->about << "; try --policy @" << words.output
             << '\n';
  return kReplayDone;
}

void describe_fit(CLI::App& app, Words& words) {
  app.add_option("log", words.file.path, "The log, as `bursar replay` reads it")->required();
  app.add_option("-b,--budget", words.file.budgets, "NUMBER, or NAME=NUMBER for each resource")
      ->allow_extra_args(false);
  app.add_option("-p,--policy", words.policy,
                 "dual-mirror-descent (with parameters to keep), lp-prices or static-prices");
  app.add_option("--horizon", words.horizon, "Requests that the budget must last; as many as the log has, unless said");
  app.add_option("--goal", words.goal, "Auctions: utility or value")->check(CLI::IsMember({"utility", "value"}));
  app.add_option("--format", words.file.options.form, "The form of the log, where the first bytes do not tell");
  app.add_option("--ignore", words.file.options.ignore, "A column or key that means nothing")->allow_extra_args(false);
  app.add_option("-o,--output", words.output, "Write to this file instead of standard output");
}

int carry_out(const CLI::App& app, const Words& words, ReplayOutput output) {
  if (app.got_subcommand("policies")) {
    output.out << (words.json ? policies_json(admit::policies()) : policies_text(admit::policies()));
  } else if (app.got_subcommand("demo")) {
    admit::write_demo_log(words.demo, [&](std::string_view piece) { output.out << piece; });
  } else {
    return run_fit(words, output);
  }
  output.out.flush();
  return output.out ? kReplayDone : kReplayUnavailable;
}

}  // namespace

int run_admit(std::vector<std::string> words, ReplayOutput output) {
  CLI::App app(kHelp, "bursar admit");
  app.set_version_flag("--version", std::string("bursar-admit ") + BURSAR_VERSION);
  app.require_subcommand(1);
  Words read_words;
  try {
    app.add_subcommand("policies", "Lists policies and their parameters")
        ->add_flag("--json", read_words.json, "Print one JSON document");
    CLI::App* demo = app.add_subcommand("demo", "Writes a log to try, as CSV");
    demo->add_option("--requests", read_words.demo.requests, "How many (5000)")->check(CLI::Range(1, 1'000'000'000));
    demo->add_option("--seed", read_words.demo.seed, "Another day (1)");
    describe_fit(*app.add_subcommand("fit", "Learns prices and scales from a log"), read_words);
    std::ranges::reverse(words);  // as CLI11 takes them
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      (void)app.exit(error, output.out, output.err);
      return kReplayDone;
    }
    output.err << "bursar admit: " << error.what() << "; `bursar admit --help` shows what there is\n";
    return kReplayUsage;
  }
  try {
    catch_interrupts();
    const int code = carry_out(app, read_words, output);
    release_interrupts();
    return code;
  } catch (const std::exception& error) {
    output.err << "bursar admit: " << error.what() << " (a bug of ours; please report it)\n";
    return kReplayWrong;
  }
}

}  // namespace bursar::cli
