// systems/mcpp: workflows that must be done in time and within budget.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>

#include "reproduce/mcpp_chain.h"
#include "reproduce/system.h"
#include "reproduce/workflow_worlds.h"

namespace bursar::reproduce {
namespace {

using plan::PlannerOptions;
using plan::PortfolioPlanner;
using plan::PortfolioRule;
using plan::RunState;
using plan::StaticSplit;
using plan::Workflow;
using plan::WorkflowPolicy;

constexpr std::array<WorkflowCell, 9> kCells{
    {{.35, .4}, {.35, .7}, {.35, 1.2}, {.6, .4}, {.6, .7}, {.6, 1.2}, {1, .4}, {1, .7}, {1, 1.2}}};
constexpr std::array kSplits{StaticSplit::kUniform, StaticSplit::kRandom, StaticSplit::kLatency, StaticSplit::kFailure,
                             StaticSplit::kCriticalPath};
const double kNone = std::numeric_limits<double>::quiet_NaN();

std::vector<std::string> cell_names() {
  std::vector<std::string> out;
  for (const WorkflowCell& cell : kCells) out.push_back(to_short(cell.budget) + ", " + to_short(cell.deadline));
  return out;
}

struct Setting {
  std::string label;
  WorkflowShape shape;
  std::vector<int> samples{1, 2, 4, 8};
  std::size_t instances = 10;  // a seed, each in every cell
};

struct Planned {  // sums over runs
  double simulated = 0, decisions = 0, runs = 0, promised = 0, kept = 0;
  double most_spent = 0;  // of a budget or a deadline, as a share
};

// Plays one planner once, and counts.
bool play_planner(const Workflow& world, const Workflow& believed, const plan::WorkflowBudget& budget,
                  const PlannerOptions& options, const RandomStream& random, Planned& counts) {
  auto planner = PortfolioPlanner::make(believed, options);
  bool first = true;
  const WorkflowPolicy policy = [&](const RunState& state) {
    return planner->decide(state).map([&](const plan::Decision& decision) {
      counts.simulated += static_cast<double>(decision.runs);
      counts.decisions += 1;
      if (std::exchange(first, false)) counts.promised += decision.p_complete;
      return decision.starts;
    });
  };
  const auto run = plan::simulate_run(world, budget, policy, random, options.simulator.cancel_on_success);
  counts.most_spent = std::max({counts.most_spent, run->usd / budget.usd, run->ms / budget.ms});
  counts.runs += 1;
  counts.kept += run->completed ? 1 : 0;
  return run->completed;
}

struct Baseline {
  std::string name;
  std::optional<StaticSplit> split;  // absent: the rule
  PortfolioRule rule;
};

std::vector<Baseline> baselines(const Setting& setting) {
  constexpr std::array<const char*, 3> kModels{"middle", "small", "large"};
  std::vector<Baseline> out;
  for (std::size_t m = 0; m < (setting.shape.three_models ? 3U : 1U); ++m) {
    for (const int k : setting.samples) {
      const std::string model = setting.shape.three_models ? std::string(kModels.at(m)) + ", " : "";
      out.push_back({"Seq-(" + model + std::to_string(k) + ")", {}, {.model = m, .samples = k}});
    }
  }
  for (const StaticSplit split : kSplits) out.push_back({"once: " + std::string(name_of(split)), split, {}});
  return out;
}

bool play_baseline(const Baseline& baseline, const Workflow& workflow, const plan::WorkflowBudget& budget,
                   const RandomStream& random) {
  const WorkflowPolicy policy =
      baseline.split
          ? plan::dispatch_once(workflow,
                                plan::split_once(workflow, *baseline.split, budget.usd, 0, random.split("split")), 0)
          : plan::fixed_rule(workflow, baseline.rule);
  return plan::simulate_run(workflow, budget, policy, random)->completed;
}

struct Played {
  Grid won;  // [planners, then baselines][cells]
  std::vector<Planned> counts;
};

using Planners = std::vector<std::pair<std::string, PlannerOptions>>;

Played play(const Setting& setting, const Planners& planners, const RunOptions& options, std::size_t seeds) {
  const std::vector<Baseline> others = baselines(setting);
  std::vector<std::string> names;
  for (const auto& [name, planner] : planners) names.push_back(name);
  for (const Baseline& other : others) names.push_back(other.name);
  Played out{.won = Grid(names, cell_names()), .counts = std::vector<Planned>(planners.size())};
  for (std::uint64_t s = 0; s < seeds; ++s) {
    if (options.progress) options.progress(setting.label + ", seed " + std::to_string(options.seed + s));
    const RandomStream root = RandomStream(options.seed + s).split("mcpp").split(setting.label);
    std::vector<Workflow> worlds;
    for (std::size_t i = 0; i < setting.instances; ++i)
      worlds.push_back(draw_workflow(setting.shape, root.split("workflow").split(i)));
    for (std::size_t c = 0; c < kCells.size(); ++c) {
      std::vector<double> won(names.size(), 0);
      for (std::size_t i = 0; i < worlds.size(); ++i) {
        const auto budget = budget_of(worlds[i], kCells.at(c));
        const RandomStream random = root.split("run").split(i).split(c);
        for (std::size_t a = 0; a < planners.size(); ++a) {
          PlannerOptions planner = planners[a].second;
          planner.seed = root.split("planner").split(i).split(c)();
          won[a] += play_planner(worlds[i], worlds[i], budget, planner, random, out.counts[a]) ? 1 : 0;
        }
        for (std::size_t b = 0; b < others.size(); ++b)
          won[planners.size() + b] += play_baseline(others[b], worlds[i], budget, random) ? 1 : 0;
      }
      for (std::size_t a = 0; a < names.size(); ++a) out.won.add(a, c, won[a] / static_cast<double>(worlds.size()));
    }
  }
  return out;
}

// Means over the cells a seed; the last row takes the best baseline of each cell in hindsight.
struct Means {
  Grid grid;
  std::size_t planners = 1;
  [[nodiscard]] double of(std::size_t arm) const { return grid.mean(arm, 0); }
  [[nodiscard]] double hindsight() const { return of(grid.arms() - 1); }
  [[nodiscard]] double best_fixed() const {
    double out = 0;
    for (std::size_t a = planners; a + 1 < grid.arms(); ++a) out = std::max(out, of(a));
    return out;
  }
};

Means means_of(const Played& played, const Planners& planners, const Setting& setting) {
  std::vector<std::string> names;
  for (const auto& [name, planner] : planners) names.push_back(name);
  for (const Baseline& other : baselines(setting)) names.push_back(other.name);
  names.emplace_back("best of these in each cell");
  Means out{.grid = Grid(names, {"mean of 9 cells"}), .planners = planners.size()};
  std::array<std::size_t, kCells.size()> best{};
  for (std::size_t c = 0; c < kCells.size(); ++c) {
    best.at(c) = planners.size();
    for (std::size_t a = planners.size(); a < played.won.arms(); ++a) {
      if (played.won.mean(a, c) > played.won.mean(best.at(c), c)) best.at(c) = a;
    }
  }
  const std::size_t seeds = played.won.samples(0, 0).size();
  for (std::size_t a = 0; a <= played.won.arms(); ++a) {
    for (std::size_t s = 0; s < seeds; ++s) {
      double sum = 0;
      for (std::size_t c = 0; c < kCells.size(); ++c)
        sum += played.won.samples(a < played.won.arms() ? a : best.at(c), c)[s];
      out.grid.add(a, 0, sum / static_cast<double>(kCells.size()));
    }
  }
  return out;
}

std::vector<std::vector<double>> column(std::initializer_list<double> values) {
  std::vector<std::vector<double>> out;
  for (const double value : values) out.push_back({value});
  return out;
}

// --- The parts of the report

void show_one_model(const RunOptions& options, Report& report) {
  const Setting setting{.label = "one model", .shape = {}, .instances = options.quick ? 4U : 10U};
  const Planners planners{{"MCPP", {.samples = setting.samples}}};
  const Played played = play(setting, planners, options, report.seeds);
  const Means means = means_of(played, planners, setting);
  const Planned& counts = played.counts[0];
  // A quick run has too few instances for the best of ten in hindsight to be more than luck.
  report.bars.push_back(at_least("lead_over_best_fixed", means.of(0) - means.best_fixed(), "completed", .06));
  report.bars.push_back(at_least("lead_over_best_in_hindsight", means.of(0) - means.hindsight(), "completed",
                                 options.quick ? -.06 : -.01));
  report.bars.push_back(at_most("most_spent", counts.most_spent, "of a budget or a deadline", 1));
  report.bars.push_back(at_least("kept_over_promised", (counts.kept - counts.promised) / counts.runs, "completed",
                                 options.quick ? -.06 : -.02));
  report.tables.push_back(
      means.grid.table({.title = "Ten subtasks, one model, 1, 2, 4 or 8 samples",
                        .quantity = "share of runs that complete in time and budget",
                        .x_label = "budgets of .35, .6, 1 and deadlines of .4, .7, 1.2 scales",
                        .plotted = true},
                       column({.453, .284, .341, .259, kNone, .100, kNone, kNone, .172, .091, .416})));
  report.tables.push_back(played.won.table({.title = "The same, cell by cell",
                                            .quantity = "share of runs that complete",
                                            .x_label = "budget, deadline",
                                            .kind = TableKind::kDetail}));
  report.notes.push_back("A decision took " + to_short(counts.simulated / counts.decisions) +
                         " simulated runs on average. At the first one " + to_short(counts.promised / counts.runs) +
                         " were expected to complete, by fresh runs that stick to one rule, and " +
                         to_short(counts.kept / counts.runs) + " did.");
}

void show_paper_samples(const RunOptions& options, Report& report) {
  const Setting setting{.label = "paper's samples", .shape = {}, .samples = {1, 4, 16, 64}, .instances = 17};
  if (!options.quick) {
    const Planners planners{{"MCPP", {.samples = setting.samples}}};
    const Means means = means_of(play(setting, planners, options, report.seeds), planners, setting);
    report.bars.push_back(
        at_least("lead_over_hindsight_with_paper_samples", means.of(0) - means.hindsight(), "completed", -.01));
    report.tables.push_back(
        means.grid.table({.title = "The paper's 1, 4, 16 or 64 samples",
                          .quantity = "share of runs that complete in time and budget",
                          .x_label = "the same cells"},
                         column({.432, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, .413})));
  }
  Setting same = setting;
  same.label = "racing against plain";
  same.instances = options.quick ? 1 : 2;
  const Planners both{{"racing", {.samples = setting.samples, .fresh_runs = 0}},
                      {"published, 64 runs a pair",
                       {.search = PlannerOptions::Search::kPublished, .samples = setting.samples, .fresh_runs = 0}}};
  const Played played = play(same, both, options, report.seeds);
  const Means means = means_of(played, both, same);
  if (!options.quick)
    report.bars.push_back(at_least("racing_over_published", means.of(0) - means.of(1), "completed", .02));
  report.bars.push_back(at_most("runs_of_racing", played.counts[0].simulated / played.counts[1].simulated,
                                "of the published search's", .5));
  Grid rows({"racing", "published, 64 runs a pair"}, {"completed", "million runs in all"});
  for (std::size_t a = 0; a < 2; ++a) {
    for (const double x : means.grid.samples(a, 0)) rows.add(a, 0, x);
    rows.add(a, 1, played.counts[a].simulated / 1e6);
  }
  report.tables.push_back(rows.table({.title = "Racing against equal numbers of runs, on the same workflows",
                                      .quantity = "share of runs that complete; simulated runs",
                                      .x_label = ""},
                                     options.quick ? std::vector<std::vector<double>>{}
                                                   : std::vector<std::vector<double>>{{.406, 6.2}, {.358, 15.9}}));
}

void show_three_models(const RunOptions& options, Report& report) {
  const Setting setting{
      .label = "three models", .shape = {.nodes = 8, .three_models = true}, .instances = options.quick ? 1U : 5U};
  const Planners planners{{"MCPP", {.samples = setting.samples}}};
  const Means means = means_of(play(setting, planners, options, report.seeds), planners, setting);
  report.bars.push_back(at_least("three_models_lead_over_best_fixed", means.of(0) - means.best_fixed(), "completed",
                                 options.quick ? 0 : .06));
  if (!options.quick)
    report.bars.push_back(
        at_least("three_models_lead_over_hindsight", means.of(0) - means.hindsight(), "completed", -.01));
  std::vector<std::vector<double>> sheet(means.grid.arms(), std::vector{kNone});
  sheet.front() = {.651};
  sheet.back() = {.625};
  report.tables.push_back(means.grid.table({.title = "Eight subtasks, three models",
                                            .quantity = "share of runs that complete in time and budget",
                                            .x_label = "the same cells",
                                            .note = "The sheet's best fixed rule completes .538."},
                                           sheet));
}

// The same arms on the templates themselves, where their file is there.
Result<void> show_measured(const RunOptions& options, Report& report) {
  const char* shared = std::getenv("BURSAR_SHARED");
  std::ifstream file(std::string(shared == nullptr ? "" : shared) + "/data/mcpp-rollout-stats.csv");
  if (!file) {
    report.not_run.emplace_back(
        "workflows of the measured templates themselves: they have no licence to be passed on; name the folder that "
        "holds data/mcpp-rollout-stats.csv in BURSAR_SHARED");
    return {};
  }
  auto templates = plan::read_task_templates(std::string{std::istreambuf_iterator<char>(file), {}});
  if (!templates) return tl::unexpected(with_context("mcpp-rollout-stats.csv", templates.error()));
  // What never succeeds can be no subtask of a workflow that is to complete.
  std::erase_if(*templates, [](const plan::TaskTemplate& one) { return one.success <= 0; });
  const Setting setting{
      .label = "measured templates", .shape = {.templates = &*templates}, .instances = options.quick ? 1U : 5U};
  const Planners planners{{"MCPP", {.samples = setting.samples}}};
  const Means means = means_of(play(setting, planners, options, report.seeds), planners, setting);
  report.tables.push_back(means.grid.table({.title = "Ten subtasks, each one of the measured templates",
                                            .quantity = "share of runs that complete in time and budget",
                                            .x_label = "the same cells",
                                            .kind = TableKind::kDetail},
                                           {}));
  return {};
}

void show_saturation(const RunOptions& options, Report& report) {
  constexpr std::array kBudgets{.15, .35, .8, 2.0, 5.0}, kDeadlines{.25, .5, 1.0, 2.0, 4.0};
  std::vector<std::string> rows, columns;
  for (const double x : kBudgets) rows.push_back("budget " + to_short(x));
  for (const double x : kDeadlines) columns.push_back(to_short(x));
  Grid grid(rows, columns);
  const std::size_t instances = options.quick ? 1 : 12;
  Planned ignored;
  for (std::uint64_t s = 0; s < std::min<std::size_t>(report.seeds, options.quick ? 2 : 8); ++s) {
    if (options.progress) options.progress("budgets and deadlines, seed " + std::to_string(options.seed + s));
    const RandomStream root = RandomStream(options.seed + s).split("mcpp").split("saturation");
    for (std::size_t b = 0; b < kBudgets.size(); ++b) {
      for (std::size_t d = 0; d < kDeadlines.size(); ++d) {
        double won = 0;
        for (std::size_t i = 0; i < instances; ++i) {
          const Workflow workflow = draw_workflow({}, root.split("workflow").split(i));
          const auto budget = budget_of(workflow, {kBudgets.at(b), kDeadlines.at(d)});
          won += play_planner(workflow, workflow, budget, {.fresh_runs = 0, .seed = i}, root.split("run").split(i),
                              ignored)
                     ? 1
                     : 0;
        }
        grid.add(b, d, won / static_cast<double>(instances));
      }
    }
  }
  report.tables.push_back(grid.table(
      {.title = "Each axis saturates where the other binds",
       .quantity = "share of runs that MCPP completes, budgets and deadlines in scales",
       .x_label = "deadline",
       .kind = TableKind::kCounter,
       .note = "Money does not help a run that is late, nor time one that is poor; the published grid of 462 real "
               "problems has the same shape (28 to 49 % in its poorest row, 28 at most in its shortest column)."}));
}

// Success rates that differ from what is believed, the same for every sample of a subtask: Beta(2 p, 2 (1 - p)).
Workflow with_true_rates(const Workflow& believed, RandomStream random) {
  std::vector<plan::Subtask> tasks = believed.subtasks();
  for (plan::Subtask& task : tasks) {
    for (plan::Option& option : task.options) {
      const double a = random.gamma(2 * option.p), b = random.gamma(2 * (1 - option.p));
      option.p = std::clamp(a / (a + b), 1e-3, 1.0);
    }
  }
  return *Workflow::make(std::move(tasks));
}

void show_beliefs(const RunOptions& options, Report& report) {
  Grid grid({"p taken for known", "prior of weight 2", "known, siblings cancelled", "Seq-(2)", "known, and p is right",
             "weight 2, and p is right"},
            {"one model", "three models"});
  const std::size_t instances = options.quick ? 1 : 3;
  Planned ignored;
  for (std::uint64_t s = 0; s < (options.quick ? 1 : report.seeds); ++s) {
    if (options.progress) options.progress("wrong success rates, seed " + std::to_string(options.seed + s));
    for (std::size_t column = 0; column < grid.columns(); ++column) {
      const RandomStream root = RandomStream(options.seed + s).split("mcpp").split("beliefs").split(column);
      const WorkflowShape shape{.nodes = column == 0 ? 10U : 8U, .three_models = column == 1};
      std::array<double, 6> won{};
      for (std::size_t i = 0; i < instances * kCells.size(); ++i) {
        const Workflow believed = draw_workflow(shape, root.split("workflow").split(i / kCells.size()));
        const Workflow world = with_true_rates(believed, root.split("rates").split(i / kCells.size()));
        const auto budget = budget_of(believed, kCells.at(i % kCells.size()));
        const RandomStream random = root.split("run").split(i);
        const PlannerOptions known{.fresh_runs = 0, .seed = i};
        PlannerOptions learning = known, cancelling = known;
        learning.simulator.prior_strength = 2;
        cancelling.simulator.cancel_on_success = true;
        const auto add = [&](std::size_t arm, bool completed) { won.at(arm) += completed ? 1 : 0; };
        add(0, play_planner(world, believed, budget, known, random, ignored));
        add(1, play_planner(world, believed, budget, learning, random, ignored));
        add(2, play_planner(world, believed, budget, cancelling, random, ignored));
        add(3, plan::simulate_run(world, budget, plan::fixed_rule(world, {.samples = 2}), random)->completed);
        add(4, play_planner(believed, believed, budget, known, random, ignored));
        add(5, play_planner(believed, believed, budget, learning, random, ignored));
      }
      for (std::size_t a = 0; a < won.size(); ++a)
        grid.add(a, column, won.at(a) / static_cast<double>(instances * kCells.size()));
    }
  }
  report.tables.push_back(grid.table(
      {.title = "Success rates that are wrong for all samples of a subtask alike",
       .quantity = "share of runs that complete, over the same cells",
       .x_label = "true rates are drawn from Beta(2 p, 2 - 2 p)",
       .kind = TableKind::kCounter,
       .note = "Where failures of a subtask hang together, more samples help less than independence says. A prior that "
               "failures lower helps where there is another model to turn to, and costs something where p is right."}));
}

}  // namespace

Result<Report> reproduce_mcpp(const RunOptions& options) {
  Report report{.slug = "mcpp",
                .simulated = "workflows drawn from fits to measured templates, their samples drawn; no model is asked",
                .claim =
                    "planning again at each end of a batch, by simulated runs of \"this action, then one fixed rule\", "
                    "completes more workflows in time and budget than any fixed rule, and as many as the best rule "
                    "chosen for each budget and deadline in hindsight",
                .seed = options.seed,
                .seeds = options.seeds != 0 ? options.seeds : (options.quick ? 4 : 16),
                .quick = options.quick};
  show_one_model(options, report);
  show_paper_samples(options, report);
  show_three_models(options, report);
  show_chain(options, report);
  show_saturation(options, report);
  show_beliefs(options, report);
  if (auto shown = show_measured(options, report); !shown) return tl::unexpected(shown.error());
  report.notes.push_back(
      "Fixed rules complete .03 to .09 more here than in the sheet's prototype, and MCPP .08 more; the two other "
      "shapes of graphs that were tried (layers of equal size, edges across layers) change nothing.");
  report.notes.push_back(
      "The sheet's exact value of \"best action x best rule\" comes out in four of six settings if rules may differ "
      "from "
      "task to task and give what can still be paid; for the rules of its own definition it is lower, by up to .042.");
  report.not_run.push_back("CodeFlow and ProofFlow with real models, and the published grids: none of them are here");
  return report;
}

}  // namespace bursar::reproduce
