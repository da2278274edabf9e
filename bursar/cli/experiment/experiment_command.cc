#include "bursar/cli/experiment/experiment_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

#include "bursar/cli/experiment/experiment_verbs.h"

namespace bursar::cli {
namespace {

enum Exit : int { kDone = 0, kWrong = 1, kUsage = 2, kUnavailable = 3 };

constexpr const char* kHelp =
    R"(A small experiment that is kept in an append-only file: stop and go on whenever you like.

  bursar experiment new prompts.jsonl --arm old --arm new --arm short --samples 600
  bursar experiment next prompts.jsonl
  bursar experiment record prompts.jsonl new 0.8 --id 17
  bursar experiment status prompts.jsonl
  bursar experiment decide prompts.jsonl

Samples for groups that learn at different speeds:

  bursar experiment plan groups.csv --budget 4000
  bursar experiment sample people.csv --budget 800

docs/experiment.md has more.
)";

struct Words {
  NewWords fresh;
  FileWords next, status, decide;
  RecordWords record;
  PlanGroupsWords plan;
  SampleGroupsWords sample;
};

void describe_new(CLI::App& app, NewWords& w) {
  auto* c = app.add_subcommand("new", "Starts an experiment: arms, a method, a budget");
  c->add_option("file", w.file, "The file that is made")->required();
  c->add_option("-a,--arm", w.arms, "A name; once an arm")->allow_extra_args(false);
  c->add_option("-m,--method", w.method, "halving, lucb, elimination or private (halving)");
  c->add_option("-n,--samples", w.samples, "The budget; without it lucb and elimination go on until they are sure");
  c->add_option("--delta", w.delta, "lucb, elimination: chance of a wrong answer (0.05)");
  c->add_option("--tolerance", w.tolerance, "lucb, elimination: an arm within this of the best will do (0)");
  c->add_option("--low", w.low, "Least reward (0)");
  c->add_option("--high", w.high, "Largest reward (1)");
  c->add_option("--money", w.money, "Most that samples may cost, such as \"50 usd\"");
  c->add_option("--price", w.prices, "ARM=AMOUNT: cost of one sample, such as \"new=0.02 usd\"")
      ->allow_extra_args(false);
  c->add_option("-e,--epsilon", w.epsilon, "private: no reward moves the answer's chance by more than e^epsilon");
  c->add_option("--features", w.features, "private: CSV of arm and its features; means are linear in them");
  c->add_option("--schedule", w.schedule, "private: halving or paper (halving)");
  c->add_option("--noise", w.noise, "private: laplace or gaussian (laplace)");
  c->add_option("--noise-delta", w.noise_delta, "private: of gaussian noise");
  c->add_option("--user-weight", w.user_weight, "private: rewards that one person may stand behind (1)");
  c->add_flag("--clip", w.clip, "private: rewards out of range are cut instead of refused");
  c->add_option("--accountant", w.accountant, "private: file that keeps what all experiments spend of epsilon");
  c->add_option("--unit", w.unit, "private: the people whose epsilon it is (everybody)");
  c->add_option("--epsilon-limit", w.epsilon_limit, "private: limit of a unit, where the accountant is new");
  c->add_option("--delta-limit", w.delta_limit, "private: the same of delta, for gaussian noise (0)");
}

void describe_rest(CLI::App& app, Words& w) {
  const auto file = [&](const char* verb, const char* about, FileWords& words) {
    auto* c = app.add_subcommand(verb, about);
    c->add_option("file", words.file, "The experiment")->required();
    c->add_flag("--json", words.json, "Print one JSON document");
    return c;
  };
  file("next", "What to sample now: an arm and a number a line", w.next)
      ->add_option("-c,--count", w.next.count, "At most so many samples");
  file("status", "Counts, means and intervals; private: only what was released", w.status);
  file("decide", "The answer and its guarantee", w.decide)
      ->add_flag("--now", w.decide.now, "Before the end: the best so far, and nothing more is recorded");
  auto* record = app.add_subcommand("record", "What came of a sample");
  record->add_option("file", w.record.file, "The experiment")->required();
  auto* arm = record->add_option("arm", w.record.arm, "Its name");
  auto* reward = record->add_option("reward", w.record.reward, "A number");
  arm->needs(reward);
  record->add_option("--id", w.record.id, "Of the sample: the same one is counted once");
  record->add_option("--from", w.record.from, "CSV of arm, reward, and id; - is standard input")->excludes(arm);

  auto* plan = app.add_subcommand("plan", "Samples for groups whose learning curves are known");
  plan->add_option("file", w.plan.file, "CSV of group, cost, weight, a, b, gamma; - is standard input")->required();
  plan->add_option("-b,--budget", w.plan.budget, "In units of cost")->required();
  plan->add_option("-q", w.plan.q, "1: the average error counts; large: the worst group's (2)");
  plan->add_flag("--json", w.plan.json, "Print one JSON document");

  SampleGroupsWords& s = w.sample;
  auto* sample = app.add_subcommand("sample", "Buys rows of a file group by group, and trains on what it bought");
  sample->add_option("file", s.file, "CSV of group, target and features; - is standard input")->required();
  sample->add_option("-b,--budget", s.budget, "In units of cost")->required();
  sample->add_option("--model", s.model, "ridge (error 1 - R^2) or logistic (share of wrong answers) (ridge)");
  sample->add_option("--lambda", s.lambda, "Regularisation (1)");
  sample->add_option("-q", s.q, "1: the average error counts; large: the worst group's (2)");
  sample->add_option("--cost", s.costs, "GROUP=NUMBER: of one row (1)")->allow_extra_args(false);
  sample->add_option("--weight", s.weights, "GROUP=NUMBER: how much its error counts (1)")->allow_extra_args(false);
  sample->add_option("--batch", s.batch, "Of budget (a fortieth)");
  sample->add_option("--first", s.first, "Rows of every group to begin with (50, or 2% of the budget)");
  sample->add_option("--tolerance", s.tolerance, "Stop where the rest of the budget gains less (0)");
  sample->add_option("--validation", s.validation, "Share of a group's rows (0.2)")->check(CLI::Range(0.0, 0.9));
  sample->add_option("--test", s.test, "Share that only the report sees (0.2)")->check(CLI::Range(0.0, 0.9));
  sample->add_option("--seed", s.seed, "Of the order of rows (1)");
  sample->add_flag("--thompson", s.thompson, "Draw curves instead of averaging them");
  sample->add_flag("--json", s.json, "Print one JSON document");
}

int complain(std::ostream& err, const Error& error) {
  std::string text = error.message;
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < ' '; }, '?');
  err << "bursar experiment: " << text << '\n';
  return error.code == ErrorCode::kUnavailable ? kUnavailable : kWrong;
}

Result<bool> run_verb(const CLI::App& app, const Words& w, ExperimentStreams streams) {
  if (app.got_subcommand("new")) return experiment_new(w.fresh, streams);
  if (app.got_subcommand("next")) return experiment_next(w.next, streams);
  if (app.got_subcommand("record")) {
    if (w.record.from.empty() && w.record.arm.empty())
      return invalid_argument("record: give an arm and its reward, or --from a file");
    return experiment_record(w.record, streams);
  }
  if (app.got_subcommand("status")) return experiment_status(w.status, streams);
  if (app.got_subcommand("decide")) return experiment_decide(w.decide, streams);
  if (app.got_subcommand("plan")) return experiment_plan(w.plan, streams);
  return experiment_sample(w.sample, streams);
}

}  // namespace

int run_experiment(std::vector<std::string> given, ExperimentStreams streams) {
  CLI::App app(kHelp, "bursar experiment");
  app.set_version_flag("--version", std::string("bursar-experiment ") + BURSAR_VERSION);
  app.require_subcommand(1);
  Words words;
  try {
    describe_new(app, words.fresh);
    describe_rest(app, words);
    std::ranges::reverse(given);  // as CLI11 takes them
    app.parse(given);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      (void)app.exit(error, streams.out, streams.err);
      return kDone;
    }
    streams.err << "bursar experiment: " << error.what() << "; `bursar experiment --help` shows what there is\n";
    return kUsage;
  }
  try {
    const auto well = run_verb(app, words, streams);
    if (!well) return complain(streams.err, well.error());
    streams.out.flush();
    if (!streams.out) return kUnavailable;
    return *well ? kDone : kWrong;
  } catch (const std::bad_alloc&) {
    streams.err << "bursar experiment: what is asked for does not fit into memory\n";
    return kUnavailable;
  } catch (const std::exception& error) {
    streams.err << "bursar experiment: " << error.what() << " (a bug of ours; please report it)\n";
    return kWrong;
  }
}

}  // namespace bursar::cli
