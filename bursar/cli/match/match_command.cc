#include "bursar/cli/match/match_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "bursar/cli/match/match_verbs.h"

namespace bursar::cli {
namespace {

enum Exit : int { kDone = 0, kWrong = 1, kUsage = 2, kUnavailable = 3 };

constexpr const char* kHelp =
    R"(Matches what comes one by one: buyers with items that are each used once, slots with goals that need one success.

  bursar match plan instance.json                      bounds, prices, and what the rules earn
  bursar match prices instance.json --period 3 --sold morning --value evening=0.8
  bursar match attempts stream.jsonl --rule balance --rule greedy
  bursar match attempts - --live --state goals.json    answers a slot a line

docs/matching.md says how instances and streams are written.
)";

struct Words {
  PlanWords plan;
  PricesWords prices;
  AttemptWords attempts;
};

void describe(CLI::App& app, Words& words) {
  app.require_subcommand(1);
  auto* plan = app.add_subcommand("plan", "Bounds, prices, and what the rules earn on simulated streams");
  plan->add_option("instance", words.plan.path, "items and periods, or goals and slots (JSON); - is standard input")
      ->required();
  plan->add_option("--runs", words.plan.runs, "Simulated streams (1000)")->check(CLI::Range(1, 10'000'000));
  plan->add_option("--seed", words.plan.seed, "Of the simulated streams (1)");
  plan->add_flag("--json", words.plan.json, "Print one JSON document");

  auto* prices = app.add_subcommand("prices", "Posted prices of what is unsold, before the buyer of a period speaks");
  prices->add_option("instance", words.prices.path, "items and periods (JSON); - is standard input")->required();
  prices->add_option("-t,--period", words.prices.period, "Counted from 0 (0)");
  prices->add_option("--sold", words.prices.sold, "An item that is gone; may be repeated")->allow_extra_args(false);
  prices->add_option("--value", words.prices.values, "NAME=NUMBER: what the buyer would pay; says what is bought")
      ->allow_extra_args(false);
  prices->add_flag("--lp", words.prices.lp, "Dual prices of the linear program instead: cheap for many items");
  prices->add_option("--futures", words.prices.futures, "Simulated futures, past 12 items (2000)")
      ->check(CLI::Range(1, 1'000'000));
  prices->add_option("--seed", words.prices.seed, "Of the futures (1)");
  prices->add_flag("--json", words.prices.json, "Print one JSON document");

  auto* attempts = app.add_subcommand("attempts", "Replays a stream of goals and slots, or answers it line by line");
  attempts->add_option("stream", words.attempts.path, "JSON lines; - is standard input")->required();
  attempts->add_option("--rule", words.attempts.rules, "balance, greedy, ranking, random or first; may be repeated")
      ->allow_extra_args(false);
  attempts->add_option("--curve", words.attempts.curve,
                       "marginal, double-exponential, fraction or half-marginal (marginal)");
  attempts->add_option("--seed", words.attempts.seed, "Of outcomes that the stream does not know (1)");
  attempts->add_option("--max-pending", words.attempts.max_pending, "Tries of one goal under way at once (1)")
      ->check(CLI::Range(1, 1'000'000));
  attempts->add_option("-o,--output", words.attempts.output, "Write every try to this file (CSV)");
  attempts->add_flag("--live", words.attempts.live, "Answer every line; outcomes come as reports");
  attempts->add_option("--state", words.attempts.state, "With --live: go on from this file, and write it at the end");
  attempts->add_flag("--json", words.attempts.json, "Print one JSON document");
}

int complain(std::ostream& err, const Error& error) {
  std::string text = error.message;
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < ' '; }, '?');
  err << "bursar match: " << text << '\n';
  return error.code == ErrorCode::kUnavailable ? kUnavailable : kWrong;
}

}  // namespace

int run_match(std::vector<std::string> given, MatchStreams streams) {
  CLI::App app(kHelp, "bursar match");
  app.set_version_flag("--version", std::string("bursar-match ") + BURSAR_VERSION);
  Words words;
  try {
    describe(app, words);
    std::ranges::reverse(given);  // as CLI11 takes them
    app.parse(given);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      (void)app.exit(error, streams.out, streams.err);
      return kDone;
    }
    streams.err << "bursar match: " << error.what() << "; `bursar match --help` shows what there is\n";
    return kUsage;
  }
  try {
    const auto done = app.got_subcommand("plan")     ? match_plan(words.plan, streams)
                      : app.got_subcommand("prices") ? match_prices(words.prices, streams)
                                                     : match_attempts(words.attempts, streams);
    if (!done) return complain(streams.err, done.error());
    streams.out.flush();
    return streams.out ? kDone : kUnavailable;
  } catch (const std::bad_alloc&) {
    streams.err << "bursar match: the instance does not fit into memory\n";
    return kUnavailable;
  } catch (const std::exception& error) {
    streams.err << "bursar match: " << error.what() << " (a bug of ours; please report it)\n";
    return kWrong;
  }
}

}  // namespace bursar::cli
