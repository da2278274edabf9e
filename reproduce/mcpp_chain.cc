#include "reproduce/mcpp_chain.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "bursar/plan/workflow/exact_chain.h"
#include "bursar/plan/workflow/portfolio_planner.h"

namespace bursar::reproduce {
namespace {

using plan::ExactChain;
using plan::PlannerOptions;
using plan::PortfolioPlanner;

const double kNone = std::numeric_limits<double>::quiet_NaN();

const ExactChain& sheet_chain() {
  static const ExactChain kChain({{{1, 1, .35}, {4, 3, .8}}, {{1, 1, .5}, {4, 3, .9}}, {{1, 1, .25}, {4, 3, .7}}},
                                 {1, 2, 3});
  return kChain;
}

// What the planner completes of the chain, exactly, for the decisions that it takes with one seed.
double chain_value(int budget, int time, const PlannerOptions& options) {
  auto planner = *PortfolioPlanner::make(*sheet_chain().workflow(), options);
  return sheet_chain().value(budget, time, [&](const plan::ChainState& state) {
    std::vector<ExactChain::Choice> out;
    const auto now = *planner.decide({.completed = (plan::NodeSet{1} << state.task) - 1,
                                      .usd = static_cast<double>(state.budget),
                                      .ms = static_cast<double>(state.time)});
    if (!now.starts.empty())
      out.push_back({.action = {.model = now.starts[0].option, .samples = now.starts[0].samples}});
    return out;
  });
}

// Rows: racing, equal numbers of runs, and exact values. Returns the bar.
Bar show_chain_noise(const RunOptions& options, Report& report, const Grid& exact) {
  constexpr std::array kThree{std::pair{std::size_t{1}, std::pair{8, 6}}, std::pair{std::size_t{3}, std::pair{12, 6}},
                              std::pair{std::size_t{4}, std::pair{15, 9}}};
  struct Arm {
    std::string name;
    int runs = 0;  // a pair; 0: racing
    std::vector<double> sheet;
  };
  std::vector<Arm> arms{{"racing", 0, {}}, {"32 runs a pair", 32, {kNone, kNone, kNone, .690}}};
  if (!options.quick) {
    arms.push_back({"128 runs a pair", 128, {kNone, kNone, kNone, .706}});
    arms.push_back({"512 runs a pair", 512, {kNone, kNone, kNone, .726}});
    arms.push_back({"2,048 runs a pair", 2048, {kNone, kNone, kNone, .729}});
  }
  std::vector<std::string> names;
  std::vector<std::vector<double>> sheet;
  for (const Arm& arm : arms) {
    names.push_back(arm.name);
    sheet.push_back(arm.sheet);
  }
  names.insert(names.end(), {"best action x best rule, exact", "exact optimum"});
  sheet.insert(sheet.end(), {{.5155, .7707, .9070, .731}, {.5155, .7726, .9082, .732}});
  Grid grid(names, {"8, 6", "12, 6", "15, 9", "mean"});
  const auto add = [&](std::size_t row, const std::function<double(std::size_t)>& value) {
    double sum = 0;
    for (std::size_t c = 0; c < kThree.size(); ++c) {
      const double one = value(c);
      grid.add(row, c, one);
      sum += one;
    }
    grid.add(row, 3, sum / 3);
  };
  for (std::uint64_t s = 0; s < std::min<std::size_t>(report.seeds, options.quick ? 1 : 6); ++s) {
    if (options.progress) options.progress("chain, seed " + std::to_string(options.seed + s));
    for (std::size_t a = 0; a < arms.size(); ++a) {
      PlannerOptions planner{.samples = {1, 2, 3}, .fresh_runs = 0, .seed = options.seed + s};
      if (arms[a].runs > 0) {
        planner.search = PlannerOptions::Search::kPublished;
        planner.runs = arms[a].runs;
      }
      add(a,
          [&](std::size_t c) { return chain_value(kThree.at(c).second.first, kThree.at(c).second.second, planner); });
    }
  }
  add(arms.size(), [&](std::size_t c) { return exact.mean(1, kThree.at(c).first); });
  add(arms.size() + 1, [&](std::size_t c) { return exact.mean(0, kThree.at(c).first); });
  report.tables.push_back(
      grid.table({.title = "What the noise of simulated runs costs on that chain",
                  .quantity = "chance to complete, exactly, of the decisions that are taken",
                  .x_label = "money, time",
                  .kind = TableKind::kCounter,
                  .note = "What costs is the portfolio, whose rules treat all subtasks alike: two points."},
                 sheet));
  return at_most("racing_below_exact_rollouts", grid.mean(arms.size(), 3) - grid.mean(0, 3), "completed", .02);
}

}  // namespace

void show_chain(const RunOptions& options, Report& report) {
  constexpr std::array<std::pair<int, int>, 6> kAll{{{6, 5}, {8, 6}, {10, 8}, {12, 6}, {15, 9}, {20, 12}}};
  constexpr std::array<double, 6> kSheet{.3152, .5155, .7003, .7726, .9082, .9781};
  Grid exact({"exact optimum", "best action x best rule, exact"},
             {"6, 5", "8, 6", "10, 8", "12, 6", "15, 9", "20, 12"});
  double off = 0;
  for (std::size_t c = 0; c < kAll.size(); ++c) {
    exact.add(0, c, sheet_chain().optimum(kAll.at(c).first, kAll.at(c).second));
    exact.add(1, c, sheet_chain().rollout(kAll.at(c).first, kAll.at(c).second));
    off = std::max(off, std::abs(exact.mean(0, c) - kSheet.at(c)));
  }
  report.bars.push_back(at_most("exact_optimum_of_chain", off, "from the sheet's", 5.1e-5));
  report.tables.push_back(
      exact.table({.title = "A chain of three subtasks whose optimum is known",
                   .quantity = "chance to complete",
                   .x_label = "money, time",
                   .kind = TableKind::kDetail},
                  {{.3152, .5155, .7003, .7726, .9082, .9781}, {.3152, .5155, .6981, .7707, .9070, .9778}}));
  report.bars.push_back(show_chain_noise(options, report, exact));
}

}  // namespace bursar::reproduce
