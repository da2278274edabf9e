#include "bursar/cli/plan/plan_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <iomanip>
#include <optional>
#include <ostream>
#include <sstream>

#include "bursar/cli/plan/run_verb.h"
#include "bursar/cli/plan/workflow_verbs.h"
#include "bursar/plan/organisation.h"
#include "bursar/plan/token_plan.h"
#include "bursar/plan/value_tree.h"

namespace bursar::cli {
namespace {

enum Exit : int { kDone = 0, kWrong = 1, kUsage = 2, kUnavailable = 3, kIncomplete = 4 };

constexpr const char* kHelp =
    R"(Budgets inside one job: tokens for sub-questions, steps that are enough, and when to check an answer.

  bursar plan split --credits 20,80 --total 200 --decay cosine
  bursar plan steps "What is 3 + 4? Double it, then halve it." --level 3
  bursar plan bound --p 0.3 --progress 3 --error 0.05
  bursar plan org --budget 1e5 --rho .05
  bursar plan gate rows.jsonl --price 0.01
  bursar plan run essay.yaml --budget "0.80 usd, 300 s" --state essay.run
  bursar plan replay answer.json
  bursar plan workflow essay.yaml --budget-usd .8 --deadline-s 300 --explain
  bursar plan simulate essay.yaml --budget-usd .8 --deadline-s 300 --policy mcpp,seq:small:2
  bursar plan compare bom sevra pets:samples=16 --questions 200

Rows of gate: {"base_correct","verified_correct","gate_score","verification_tokens"}; docs/plan.md has more.
)";

struct Words {
  std::vector<double> credits;
  std::string question, decay = "polynomial";
  std::optional<std::int64_t> total;
  int level = 3, progress = 1;
  double p = .3, error = .05;
  GateWords gate;
  CompareWords compare;
  ReplayWords replay;
  RunWords run;
  WorkflowWords workflow;
  plan::OrgInputs org{.window = 8192};
  double message_scale = 8;
};

void describe(CLI::App& app, Words& words) {
  describe_workflow_verbs(app, words.workflow);
  CLI::App& split = *app.add_subcommand("split", "Tokens for each sub-question, by credit and place");
  split.add_option("--credits", words.credits, "How much of the difficulty each has, in order")
      ->delimiter(',')
      ->required();
  CLI::App& steps = *app.add_subcommand("steps", "Cuts a question into steps without a model, and splits tokens");
  steps.add_option("question", words.question, "The question")->required();
  for (CLI::App* command : {&split, &steps}) {
    command->add_option("--total", words.total, "Tokens in all; else the level's");
    command->add_option("--level", words.level, "Difficulty, 1 … 5: 200, 250, 350, 450, 600 tokens (3)");
    command->add_option("--decay", words.decay, "constant, linear, polynomial (default), exponential, cosine");
  }
  CLI::App& bound = *app.add_subcommand("bound", "Steps that are enough for so much progress");
  bound.add_option("--p", words.p, "Chance that a step makes progress, at least")->required();
  bound.add_option("--progress", words.progress, "Steps of progress that are needed")->required();
  bound.add_option("--error", words.error, "Chance of failure that is allowed (.05)");
  CLI::App& org = *app.add_subcommand("org", "One agent, a star or a tree of agents, for a budget");
  org.add_option("--budget", words.org.budget, "Tokens in all")->required();
  org.add_option("--kappa", words.org.kappa, "One agent's bias at x tokens is kappa x^beta (.05)");
  org.add_option("--beta", words.org.beta, "Its exponent (.1)");
  org.add_option("--rho", words.org.correlation, "Correlation of the inputs of one aggregator (0)");
  org.add_option("--window", words.org.window, "Tokens that an aggregator can read (8192)");
  org.add_option("--message-scale", words.message_scale,
                 "A message of m tokens keeps 1 - exp(-m / scale) of its bias (8)")
      ->check(CLI::PositiveNumber);
  CLI::App& gate = *app.add_subcommand("gate", "The threshold from which on an answer is worth checking");
  gate.add_option("rows", words.gate.file, "JSON lines of a development split; - is standard input")->required();
  gate.add_option("--price", words.gate.price, "Accuracy that 1,000 tokens must buy (.01)");
  gate.add_option("--flip-price", words.gate.flip_price, "Accuracy that a flip costs beyond itself (0)");
  gate.add_option("--threshold", words.gate.threshold, "Evaluate this one")->check(CLI::Range(0.0, 1.0));
  gate.add_flag("--accuracy-first", words.gate.accuracy_first, "The published rule: accuracy, then tokens, then flips");
  gate.add_flag("--json", words.gate.json, "Print one JSON document");
}

void describe_compare(CLI::App& app, CompareWords& words) {
  CLI::App& compare = *app.add_subcommand("compare", "Strategies on simulated questions, against equal majorities");
  compare.add_option("strategies", words.strategies, "NAME or NAME:parameter=value,…; all where none is named");
  compare.add_option("--questions", words.questions, "How many (200)")->check(CLI::Range(1, 100'000));
  compare.add_option("--seed", words.seed, "Of questions and model (1)");
  compare.add_option("--kind", words.kind, "open (default), options or search");
  compare.add_option("--difficulty", words.difficulty, "Of all questions; else spread")->check(CLI::Range(0.0, 1.0));
  compare.add_option("--model", words.model, "sim-small, sim-medium (default) or sim-large");
  compare.add_option("--small-model", words.small_model, "For plans and fast steps (sim-small)");
  compare.add_option("--judge-model", words.judge_model, "For judgements (sim-medium)");
  compare.add_option("--max-tokens", words.max_tokens, "Of one answer (512)")->check(CLI::Range(1, 1'000'000));
  compare.add_option("--purse", words.purse, "Of each job, \"3k tokens\"; none: no limit");
  compare.add_flag("--json", words.json, "Print one JSON document");
}

void describe_replay(CLI::App& app, ReplayWords& words) {
  CLI::App& replay = *app.add_subcommand("replay", "Takes a job's decisions anew from what it saw; are they the same?");
  replay.add_option("file", words.file, "An answer that was asked for with explain: full; - is standard input")
      ->required();
  replay.add_option("--simulated", words.simulated, "And in simulation: the seed of bursar-sim-model");
}

Result<allocate::Decay> decay_named(const std::string& name) {
  constexpr std::array<std::string_view, 5> kNames{"constant", "linear", "polynomial", "exponential", "cosine"};
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end())
    return invalid_argument("--decay is \"" + name + "\"; take constant, linear, polynomial, exponential or cosine");
  return static_cast<allocate::Decay>(found - kNames.begin());
}

Result<void> split(const Words& words, std::vector<plan::SubQuestion> steps, std::ostream& out) {
  const auto decay = decay_named(words.decay);
  if (!decay) return tl::unexpected(decay.error());
  const auto planned =
      plan::plan_tokens(std::move(steps), {.level = words.level, .total = words.total, .decay = *decay});
  if (!planned) return tl::unexpected(planned.error());
  out << "tokens  credit  step\n";
  for (std::size_t j = 0; j < planned->steps.size(); ++j)
    out << std::left << std::setw(8) << planned->tokens[j] << std::setw(8) << planned->steps[j].credit
        << planned->steps[j].text << "\n";
  out << planned->total << " in all\n";
  return {};
}

Result<void> organise(const Words& words, std::ostream& out) {
  plan::OrgInputs inputs = words.org;
  inputs.fidelity = [scale = words.message_scale](double m) { return 1 - std::exp(-m / scale); };
  const auto best = plan::plan_organisation(inputs);
  if (!best) return tl::unexpected(best.error());
  if (best->depth == 0)
    out << "a single agent with all of the tokens\n";
  else
    out << (best->depth == 1 ? "a star" : "a tree") << " of " << best->agents << " leaves, " << best->fan_in
        << " messages of " << best->message << " tokens a node, " << best->depth
        << (best->depth == 1 ? " layer, " : " layers, ") << best->leaf_tokens << " tokens a leaf\n";
  out << "right with probability " << best->success << " (a single agent: " << (1 + best->single_bias) / 2 << ")\n"
      << name_of(best->verdict) << ": " << best->why << "\n"
      << "Binary answers and majority votes are assumed.\n";
  return {};
}

Result<void> run_verb(const CLI::App& app, const Words& words, std::ostream& out) {
  if (app.got_subcommand("gate")) return gate_rows(words.gate, out);
  if (app.got_subcommand("replay")) return replay_job(words.replay, out);
  if (app.got_subcommand("compare")) return compare_strategies(words.compare, out);
  if (app.got_subcommand("workflow")) return plan_workflow(words.workflow, out);
  if (app.got_subcommand("simulate")) return simulate_workflow(words.workflow, out);
  if (app.got_subcommand("org")) return organise(words, out);
  if (app.got_subcommand("steps")) return split(words, plan::heuristic_steps(words.question), out);
  if (app.got_subcommand("split")) {
    std::vector<plan::SubQuestion> steps;
    for (std::size_t j = 0; j < words.credits.size(); ++j)
      steps.push_back({.text = std::to_string(j + 1), .hint = {}, .credit = words.credits[j]});
    return split(words, std::move(steps), out);
  }
  const auto bound = plan::steps_bound(words.p, words.progress, words.error);
  if (!bound) return tl::unexpected(bound.error());
  out << *bound << " steps\n";
  return {};
}

int complain(PlanOutput output, const Error& error) {
  std::string message = error.message;
  std::ranges::replace_if(message, [](char c) { return static_cast<unsigned char>(c) < ' '; }, '?');
  output.err << "bursar plan: " << message << '\n';
  return error.code == ErrorCode::kUnavailable ? kUnavailable : kWrong;
}

// Its lines come as they happen.
int run(const RunWords& words, PlanOutput output) {
  const auto complete = run_workflow(words, output.out, output.err);
  if (!complete) return complain(output, complete.error());
  output.out.flush();
  return !output.out ? kUnavailable : *complete ? kDone : kIncomplete;
}

int run_parsed(std::vector<std::string> words, PlanOutput output) {
  CLI::App app(kHelp, "bursar plan");
  app.set_version_flag("--version", std::string("bursar-plan ") + BURSAR_VERSION);
  app.require_subcommand(1);
  Words read;
  describe(app, read);
  describe_compare(app, read.compare);
  describe_replay(app, read.replay);
  describe_run(app, read.run);
  try {
    std::ranges::reverse(words);  // as CLI11 takes them
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      (void)app.exit(error, output.out, output.err);
      return kDone;
    }
    output.err << "bursar plan: " << error.what() << "; `bursar plan --help` shows what there is\n";
    return kUsage;
  }
  if (app.got_subcommand("run")) return run(read.run, output);
  std::ostringstream text;
  if (const auto well = run_verb(app, read, text); !well) return complain(output, well.error());
  output.out << std::move(text).str();
  output.out.flush();
  return output.out ? kDone : kUnavailable;
}

}  // namespace

int run_plan(std::vector<std::string> words, PlanOutput output) {
  try {
    return run_parsed(std::move(words), output);
  } catch (const std::bad_alloc&) {
    output.err << "bursar plan: what is asked for does not fit into memory\n";
    return kUnavailable;
  } catch (const std::exception& error) {
    output.err << "bursar plan: " << error.what() << " (a bug of ours; please report it)\n";
    return kWrong;
  }
}

}  // namespace bursar::cli
