#include "bursar/cli/plan/workflow_verbs.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <cmath>
#include <iomanip>
#include <ostream>
#include <sstream>

#include "bursar/cli/plan/workflow_input.h"
#include "bursar/core/json.h"
#include "bursar/plan/workflow/simulated_run.h"

namespace bursar::cli {
namespace {

namespace json = boost::json;
using plan::PortfolioPlanner;
using plan::StaticSplit;
using plan::Workflow;

constexpr std::int64_t kMostRuns = 1'000'000;

struct Loaded {
  Workflow workflow;
  plan::WorkflowBudget budget;
  PortfolioPlanner planner;
};

struct Search {
  bool published = false;
  int fresh_runs = 0;  // behind what is printed; nobody sees it in simulations
};

Result<Loaded> load(const WorkflowWords& words, const Search& search) {
  if (!words.budget_usd && !words.budget_tokens && !words.deadline_s)
    return invalid_argument("nothing is limited; say --budget-usd, --budget-tokens or --deadline-s");
  auto file = read_workflow_file(words.file);
  if (!file) return tl::unexpected(file.error());
  plan::PlannerOptions options{
      .samples = words.samples,
      .fresh_runs = search.fresh_runs,
      .simulator = {.prior_strength = words.prior, .cancel_on_success = words.cancel_on_success},
      .seed = words.seed};
  if (search.published) options.search = plan::PlannerOptions::Search::kPublished;
  auto planner = PortfolioPlanner::make(file->workflow, options);
  if (!planner) return tl::unexpected(planner.error());
  constexpr double kUnlimited = plan::RunState::kUnlimited;
  return Loaded{.workflow = std::move(file->workflow),
                .budget = {.usd = words.budget_usd.value_or(kUnlimited),
                           .tokens = words.budget_tokens.value_or(kUnlimited),
                           .ms = words.deadline_s.value_or(kUnlimited) * 1000},
                .planner = std::move(*planner)};
}

std::string name_of_start(const Workflow& workflow, const plan::Start& start) {
  const plan::Subtask& task = workflow[start.node];
  return task.id + " with " + task.options[start.option].model + " x " + std::to_string(start.samples);
}

std::string name_of_rule(const Workflow& workflow, const plan::PortfolioRule& rule) {
  return workflow.models()[rule.model] + " x " + std::to_string(rule.samples);
}

void explain(const Workflow& workflow, const plan::Decision& decision, std::ostream& out) {
  out << decision.candidates << " first actions x rules = " << decision.pairs << " pairs, " << decision.runs
      << " simulated runs; those that were looked at longest:\n"
      << "share   runs    start, then the rule for all that follows\n";
  for (const plan::Contender& one : decision.leaders) {
    out << std::left << std::fixed << std::setprecision(4) << std::setw(8) << one.share() << std::setw(8) << one.runs;
    for (const plan::Start& start : one.starts) out << name_of_start(workflow, start) << ", ";
    out << "then " << name_of_rule(workflow, one.rule) << "\n";
  }
  if (decision.epsilon)
    out << "the action is within " << 2 * *decision.epsilon << " of the best pair's with 95 % probability\n";
}

json::object document(const Workflow& workflow, const plan::Decision& decision) {
  const auto starts_of = [&](const std::vector<plan::Start>& starts) {
    json::array out;
    for (const plan::Start& start : starts) {
      const plan::Subtask& task = workflow[start.node];
      out.push_back({{"subtask", task.id}, {"model", task.options[start.option].model}, {"samples", start.samples}});
    }
    return out;
  };
  json::array leaders;
  for (const plan::Contender& one : decision.leaders)
    leaders.push_back({{"start", starts_of(one.starts)},
                       {"rule", name_of_rule(workflow, one.rule)},
                       {"runs", one.runs},
                       {"completed", one.completed}});
  json::object out{{"start", starts_of(decision.starts)},
                   {"p_complete", decision.p_complete},
                   {"p_error", decision.p_error},
                   {"runs", decision.runs},
                   {"leaders", std::move(leaders)}};
  if (decision.epsilon) out["epsilon"] = *decision.epsilon;
  return out;
}

// --- Policies by name

struct NamedPolicy {
  std::string name;
  std::optional<plan::PortfolioRule> rule;
  std::optional<StaticSplit> split;
  std::size_t model = 0;  // of the split
  bool published = false;
};

Result<std::size_t> model_named(const Workflow& workflow, const std::string& name) {
  const auto& models = workflow.models();
  const auto found = std::ranges::find(models, name);
  if (found != models.end()) return static_cast<std::size_t>(found - models.begin());
  std::string known;
  for (const std::string& model : models) known += (known.empty() ? "" : ", ") + model;
  return invalid_argument("--policy: there is no model \"" + name + "\"; there are " + known);
}

Result<NamedPolicy> fixed_named(const Workflow& workflow, const std::string& word) {
  const std::size_t last = word.rfind(':');  // seq:K or seq:MODEL:K, and models may have colons
  NamedPolicy out{.name = word, .rule = plan::PortfolioRule{}};
  int& samples = out.rule->samples;
  const auto read = std::from_chars(word.data() + last + 1, word.data() + word.size(), samples);
  if (read.ec != std::errc() || read.ptr != word.data() + word.size() || samples < 1 || samples > 64)
    return invalid_argument("--policy " + word + ": seq:SAMPLES or seq:MODEL:SAMPLES, with 1 … 64 samples");
  if (last == 3) return out;
  const auto model = model_named(workflow, word.substr(4, last - 4));
  if (!model) return tl::unexpected(model.error());
  out.rule->model = *model;
  return out;
}

Result<NamedPolicy> policy_named(const Workflow& workflow, const std::string& word, const WorkflowWords& words) {
  if (word == "mcpp" || word == "mcpp-published") return NamedPolicy{.name = word, .published = word != "mcpp"};
  if (word.starts_with("seq:")) return fixed_named(workflow, word);
  const std::size_t colon = word.find(':');
  NamedPolicy out{.name = word};
  for (const StaticSplit split : {StaticSplit::kUniform, StaticSplit::kRandom, StaticSplit::kLatency,
                                  StaticSplit::kFailure, StaticSplit::kCriticalPath}) {
    if (word.substr(0, colon) == name_of(split)) out.split = split;
  }
  if (!out.split)
    return invalid_argument(
        "--policy \"" + word +
        "\": take mcpp, mcpp-published, seq:K, seq:MODEL:K, or uniform, random, latency, failure or "
        "critical-path with :MODEL where it is not the first");
  if (!words.budget_usd) return invalid_argument("--policy " + word + " splits money; say --budget-usd");
  if (colon == std::string::npos) return out;
  const auto model = model_named(workflow, word.substr(colon + 1));
  if (!model) return tl::unexpected(model.error());
  out.model = *model;
  return out;
}

struct Fared {
  std::string name;
  double runs = 0, completed = 0, usd = 0, tokens = 0, ms = 0, samples = 0, decisions = 0;
};

Result<Fared> fare(const NamedPolicy& policy, const WorkflowWords& words, Loaded& loaded) {
  Fared out{.name = policy.name, .runs = static_cast<double>(words.runs)};
  const RandomStream root = RandomStream(words.seed).split("simulate");
  for (std::int64_t r = 0; r < words.runs; ++r) {
    const RandomStream random = root.split(static_cast<std::uint64_t>(r));
    const plan::WorkflowPolicy play =
        policy.rule    ? plan::fixed_rule(loaded.workflow, *policy.rule)
        : policy.split ? plan::dispatch_once(loaded.workflow,
                                             plan::split_once(loaded.workflow, *policy.split, loaded.budget.usd,
                                                              policy.model, random.split("split")),
                                             policy.model)
                       : plan::planned_by(loaded.planner);
    const auto run = plan::simulate_run(loaded.workflow, loaded.budget, play, random, words.cancel_on_success);
    if (!run) return tl::unexpected(run.error());
    out.completed += run->completed ? 1 : 0;
    out.usd += run->usd;
    out.tokens += run->tokens;
    out.ms += run->ms;
    out.samples += run->samples;
    out.decisions += run->decisions;
  }
  return out;
}

void print(const std::vector<Fared>& all, std::ostream& out) {
  out << "policy              completes         usd         tokens      seconds   samples   decisions\n";
  for (const Fared& one : all) {
    const double p = one.completed / one.runs,
                 error = 1.96 * std::sqrt(std::max(p * (1 - p), .25 / one.runs) / one.runs);
    std::ostringstream share;
    share << std::fixed << std::setprecision(4) << p << " +- " << error;
    out << std::left << std::setw(20) << one.name << std::setw(18) << share.str() << std::setprecision(4)
        << std::setw(12) << one.usd / one.runs << std::setw(12) << one.tokens / one.runs << std::setw(10)
        << one.ms / one.runs / 1000 << std::setw(10) << one.samples / one.runs << one.decisions / one.runs << "\n";
  }
  out << "means a run, until it completed or failed; +- is 95 %\n";
}

}  // namespace

void describe_workflow_verbs(CLI::App& app, WorkflowWords& words) {
  CLI::App& decide = *app.add_subcommand("workflow", "What of a workflow to start now, within money and time");
  CLI::App& simulate = *app.add_subcommand("simulate", "How policies fare on a workflow; simulated, no model is asked");
  for (CLI::App* command : {&decide, &simulate}) {
    command->add_option("file", words.file, "Workflow, JSON or YAML; - is standard input")->required();
    command->add_option("--budget-usd", words.budget_usd, "Money for the whole run")->check(CLI::NonNegativeNumber);
    command->add_option("--budget-tokens", words.budget_tokens, "Tokens for it")->check(CLI::NonNegativeNumber);
    command->add_option("--deadline-s", words.deadline_s, "Seconds for it")->check(CLI::NonNegativeNumber);
    command->add_option("--samples", words.samples, "Numbers of samples to choose from (1,2,4,8)")->delimiter(',');
    command->add_option("--prior", words.prior, "Weight of p as a prior that failures change; 0 (preset): p is known");
    command->add_flag("--cancel-on-success", words.cancel_on_success, "A batch ends at its first success");
    command->add_option("--seed", words.seed, "The same seed, the same decisions (1)");
    command->add_flag("--json", words.json, "Print one JSON document");
  }
  decide.add_flag("--published", words.published, "Equal numbers of runs instead of racing");
  decide.add_flag("--explain", words.explain, "What else was considered, with its numbers");
  simulate.add_option("--policy", words.policies, "mcpp (preset), mcpp-published, seq:K, seq:MODEL:K, uniform, …")
      ->delimiter(',');
  simulate.add_option("--runs", words.runs, "Runs of each policy, on the same draws (1000)")
      ->check(CLI::Range(std::int64_t{1}, kMostRuns));
}

Result<void> plan_workflow(const WorkflowWords& words, std::ostream& out) {
  auto loaded = load(words, {.published = words.published, .fresh_runs = 4000});
  if (!loaded) return tl::unexpected(loaded.error());
  const auto decision =
      loaded->planner.decide({.usd = loaded->budget.usd, .tokens = loaded->budget.tokens, .ms = loaded->budget.ms});
  if (!decision) return tl::unexpected(decision.error());
  if (words.json) {
    out << to_json(document(loaded->workflow, *decision)) << "\n";
    return {};
  }
  if (decision->starts.empty()) out << "start nothing: there is no money or no time\n";
  for (const plan::Start& start : decision->starts) out << "start " << name_of_start(loaded->workflow, start) << "\n";
  out << std::fixed << std::setprecision(3) << "all " << loaded->workflow.size()
      << " subtasks complete in time and budget with probability " << decision->p_complete << " +- "
      << decision->p_error << ", by simulated runs that go on with " << name_of_rule(loaded->workflow, decision->rule)
      << "\n";
  if (words.explain) explain(loaded->workflow, *decision, out);
  return {};
}

Result<void> simulate_workflow(const WorkflowWords& words, std::ostream& out) {
  std::vector<Fared> all;
  for (const std::string& word : words.policies) {
    auto loaded = load(words, {.published = word == "mcpp-published"});
    if (!loaded) return tl::unexpected(loaded.error());
    const auto policy = policy_named(loaded->workflow, word, words);
    if (!policy) return tl::unexpected(policy.error());
    auto fared = fare(*policy, words, *loaded);
    if (!fared) return tl::unexpected(fared.error());
    all.push_back(std::move(*fared));
  }
  if (!words.json) {
    out << "simulated: outcomes, latencies and costs are drawn from the file's numbers; no model is asked\n";
    print(all, out);
    return {};
  }
  json::array rows;
  for (const Fared& one : all)
    rows.push_back({{"policy", one.name},
                    {"completed", one.completed / one.runs},
                    {"usd", one.usd / one.runs},
                    {"tokens", one.tokens / one.runs},
                    {"ms", one.ms / one.runs},
                    {"samples", one.samples / one.runs},
                    {"decisions", one.decisions / one.runs}});
  out << to_json(json::object{{"simulated", true}, {"runs", words.runs}, {"policies", std::move(rows)}}) << "\n";
  return {};
}

}  // namespace bursar::cli
