// systems/mcp-production: what a broker with adaptive timeouts (H2) and failures as data (H3) is worth, in simulation;
// isolation of tenants (H1) through the real gateway where one stands beside this program.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "bursar/broker/pipeline/recovery_simulator.h"
#include "bursar/core/random.h"
#include "bursar/schedule/turn_simulator.h"
#include "reproduce/gateway_isolation.h"
#include "reproduce/system.h"

namespace bursar::reproduce {
namespace {

using schedule::Knowledge;
using schedule::TurnPolicy;

constexpr std::array kBudgets{.9, 1.3, 1.8, 2.5, 4.0};
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

struct Size {
  std::size_t seeds, scenarios, turns, mandatory_scenarios;
  int failures;
};
constexpr Size kFull{.seeds = 10, .scenarios = 30, .turns = 300, .mandatory_scenarios = 20, .failures = 20'000};
constexpr Size kQuick{.seeds = 3, .scenarios = 30, .turns = 100, .mandatory_scenarios = 20, .failures = 20'000};

std::vector<std::string> budget_names() {
  std::vector<std::string> out;
  out.reserve(std::size(kBudgets));
  for (const double c : kBudgets) out.push_back(to_short(c));
  return out;
}

std::vector<std::string> policy_names() {
  std::vector<std::string> out;
  for (const TurnPolicy policy : schedule::kTurnPolicies) out.emplace_back(name_of(policy));
  return out;
}

using MakeScenario = schedule::TurnScenario (*)(double, RandomStream);

// Means over scenarios that every policy shares, as every policy shares each turn's latencies.
schedule::TurnScore mean_score(MakeScenario make, double c, TurnPolicy policy, const schedule::TurnRun& run,
                               std::size_t scenarios, const RandomStream& root) {
  schedule::TurnScore mean;
  const double share = 1 / static_cast<double>(scenarios);
  for (std::uint64_t i = 0; i < scenarios; ++i) {
    const auto score =
        schedule::run_turns(make(c, root.split("scenario").split(i)), policy, run, root.split("turns").split(i));
    mean.value += score.value * share;
    mean.success += score.success * share;
    mean.used_ms += score.used_ms * share;
  }
  return mean;
}

void mixed_turns(const Size& size, const RunOptions& options, Report& report) {
  Grid value(policy_names(), budget_names()), success({"atba"}, budget_names());
  for (std::uint64_t s = 0; s < report.seeds; ++s) {
    if (options.progress) options.progress("mixed turns, seed " + std::to_string(options.seed + s));
    const RandomStream root = RandomStream(options.seed + s).split("mixed");
    for (std::size_t c = 0; c < kBudgets.size(); ++c) {
      for (std::size_t p = 0; p < value.arms(); ++p) {
        const auto score = mean_score(&schedule::mixed_scenario, kBudgets.at(c), schedule::kTurnPolicies[p],
                                      {.turns = size.turns}, size.scenarios, root);
        value.add(p, c, score.value);
        if (p == 0) success.add(0, c, score.success);
      }
    }
  }
  double least = std::numeric_limits<double>::infinity(), least_tight = least;
  for (std::size_t c = 0; c < kBudgets.size(); ++c) {
    for (std::size_t p = 1; p < value.arms(); ++p) {
      const double lead = value.mean(0, c) - value.mean(p, c);
      least = std::min(least, lead);
      if (kBudgets.at(c) <= 1.3) least_tight = std::min(least_tight, lead);
    }
  }
  report.bars.push_back(at_least("h2_least_lead", least, "value", -.01));
  report.bars.push_back(at_least("h2_least_lead_tight", least_tight, "value", .10));
  report.tables.push_back(value.table({.title = "H2, five optional steps and one mandatory",
                                       .quantity = "mean value of a turn, 0 … 1",
                                       .x_label = "budget / sum of medians",
                                       .plotted = true},
                                      {{.614, .751, .869, .939, .976},
                                       {.220, .558, .784, .894, .960},
                                       {.213, .534, .725, .809, .830},
                                       {.161, .373, .611, .789, .833},
                                       {.107, .325, .603, .803, .937},
                                       {.072, .325, .660, .873, .962}}));
  report.tables.push_back(success.table({.title = "H2, the mandatory step of those turns",
                                         .quantity = "share of turns in which it answered",
                                         .x_label = "budget / sum of medians",
                                         .kind = TableKind::kDetail},
                                        {{.87, .91, .93, .96, .98}}));
}

void mandatory_turns(const Size& size, const RunOptions& options, Report& report) {
  Grid success(policy_names(), budget_names());
  for (std::uint64_t s = 0; s < report.seeds; ++s) {
    if (options.progress) options.progress("mandatory turns, seed " + std::to_string(options.seed + s));
    const RandomStream root = RandomStream(options.seed + s).split("mandatory");
    for (std::size_t c = 0; c < kBudgets.size(); ++c) {
      for (std::size_t p = 0; p < success.arms(); ++p) {
        success.add(p, c,
                    mean_score(&schedule::mandatory_scenario, kBudgets.at(c), schedule::kTurnPolicies[p],
                               {.turns = size.turns}, size.mandatory_scenarios, root)
                        .success);
      }
    }
  }
  double most = -1;
  for (std::size_t c = 0; c < kBudgets.size(); ++c) most = std::max(most, success.mean(0, c) - success.mean(1, c));
  report.tables.push_back(success.table({.title = "H2, six mandatory steps and nothing to drop",
                                         .quantity = "share of turns in which all answered",
                                         .x_label = "budget / sum of medians",
                                         .kind = TableKind::kCounter,
                                         .note = "The largest lead over a plain own p95 is " + to_short(most) +
                                                 ": the value lies in mixed turns and in not splitting statically.",
                                         .plotted = true},
                                        {{.219, .602, .815, .915, .956},
                                         {.212, .582, .796, .896, .948},
                                         {.219, .577, .780, .856, .881},
                                         {kNone, .378, .540, .652, .734},
                                         {kNone, .137, .397, .693, .915},
                                         {kNone, .236, .627, .868, .957}}));
}

void learned_quantiles(const Size& size, const RunOptions& options, Report& report) {
  constexpr std::array kCs{1.3, 1.8, 2.5};
  constexpr std::array kKnowledge{Knowledge::kTruth, Knowledge::kKaplanMeier, Knowledge::kCompletionsOnly,
                                  Knowledge::kTimeoutsAsValues};
  Grid value({"true quantiles", "Kaplan-Meier", "completions only", "timeouts as values"}, {"1.3", "1.8", "2.5"});
  const std::size_t seeds = options.quick ? 1 : report.seeds;
  for (std::uint64_t s = 0; s < seeds; ++s) {
    if (options.progress) options.progress("learned quantiles, seed " + std::to_string(options.seed + s));
    const RandomStream root = RandomStream(options.seed + s).split("learned");
    for (std::size_t c = 0; c < kCs.size(); ++c) {
      for (std::size_t k = 0; k < kKnowledge.size(); ++k) {
        const schedule::TurnRun run{.turns = 400, .scored_last = 150, .knowledge = kKnowledge.at(k)};
        value.add(
            k, c,
            mean_score(&schedule::mixed_scenario, kCs.at(c), TurnPolicy::kAtba, run, size.mandatory_scenarios, root)
                .value);
      }
    }
  }
  double gap = 0;
  for (std::size_t c = 0; c < kCs.size(); ++c) gap = std::max(gap, std::abs(value.mean(0, c) - value.mean(1, c)));
  report.bars.push_back(at_most("h2_learned_gap", gap, "value", .04));
  report.notes.push_back("Kaplan-Meier is not the best learner in every turn: with the most time (2.5) it scores " +
                         to_short(value.mean(1, 2)) + ", completions only " + to_short(value.mean(2, 2)) +
                         ", timeouts as values " + to_short(value.mean(3, 2)) +
                         ". It is the one that never collapses (the timeout spiral).");
  report.tables.push_back(
      value.table({.title = "H2, quantiles learned from calls that were cut off",
                   .quantity = "mean value of a turn, the last 150 of 400",
                   .x_label = "budget / sum of medians"},
                  {{.753, .880, .938}, {.733, .870, .923}, {.620, .820, .920}, {.720, .844, .927}}));
}

void timeout_spiral(const RunOptions& options, Report& report) {
  constexpr std::array kKnowledge{Knowledge::kKaplanMeier, Knowledge::kTimeoutsAsValues, Knowledge::kCompletionsOnly};
  Grid shares({"Kaplan-Meier", "timeouts as values", "completions only"}, {"before", "after"});
  for (std::uint64_t s = 0; s < report.seeds; ++s) {
    for (std::size_t k = 0; k < kKnowledge.size(); ++k) {
      const auto share = schedule::run_spiral({}, kKnowledge.at(k), RandomStream(options.seed + s).split("spiral"));
      shares.add(k, 0, share.before);
      shares.add(k, 1, share.after);
    }
  }
  report.bars.push_back(
      at_least("h2_spiral_kaplan_meier", std::min(shares.mean(0, 0), shares.mean(0, 1)), "completed", .93));
  report.bars.push_back(
      at_most("h2_spiral_completions_only", std::max(shares.mean(2, 0), shares.mean(2, 1)), "completed", .5));
  report.tables.push_back(
      shares.table({.title = "H2, the timeout spiral: timeout = learned q95, latency x 3 at call 3000",
                    .quantity = "share of completed calls",
                    .x_label = "the shift"},
                   {{.950, .950}, {.890, .471}, {.411, .011}}));
}

void recoveries(const Size& size, const RunOptions& options, Report& report) {
  using broker::RecoveryPolicy;
  using broker::RecoveryStyle;
  const std::array policies{RecoveryPolicy{.style = RecoveryStyle::kSerf, .right = 1},
                            RecoveryPolicy{.style = RecoveryStyle::kSerf, .right = .95},
                            RecoveryPolicy{.style = RecoveryStyle::kBlindRetry},
                            RecoveryPolicy{.style = RecoveryStyle::kGuessedFromText, .right = .60},
                            RecoveryPolicy{.style = RecoveryStyle::kGuessedFromText, .right = .75}};
  Grid score({"SERF, all right", "SERF, 95% right", "blind retry x3", "text, 60% right", "text, 75% right"},
             {"recovered", "calls a failure", "doubled writes"});
  for (std::uint64_t s = 0; s < report.seeds; ++s) {
    for (std::size_t p = 0; p < policies.size(); ++p) {
      const auto measured =
          broker::simulate_recovery(policies.at(p), size.failures, RandomStream(options.seed + s).split("failures"));
      score.add(p, 0, measured.recovered);
      score.add(p, 1, measured.calls);
      score.add(p, 2, measured.duplicated);
    }
  }
  report.bars.push_back(at_least("h3_recovered_lead", score.mean(0, 0) - score.mean(2, 0), "share", .25));
  report.bars.push_back(at_most("h3_calls_ratio", score.mean(0, 1) / score.mean(2, 1), "of blind retry", .5));
  report.bars.push_back(at_most("h3_doubled_writes", score.mean(0, 2), "share", 0));
  report.tables.push_back(
      score.table({.title = "H3, recovery after a failure", .quantity = "per failure", .x_label = "", .plotted = true},
                  {{.682, .89, 0}, {.657, .91, .001}, {.367, 2.51, .074}, {.582, 1.17, .059}, {.674, 1.14, .062}}));
  report.notes.push_back("On recovery alone SERF is no better than a good text classifier (" +
                         to_short(score.mean(1, 0)) + " with 95% right, " + to_short(score.mean(4, 0)) +
                         " for text with 75% right): it wins on calls and on doubled writes.");
}

}  // namespace

Result<Report> reproduce_mcp_production(const RunOptions& options) {
  const Size& size = options.quick ? kQuick : kFull;
  Report report{
      .slug = "mcp-production",
      .simulated =
          "H2 and H3: tools (log-normal latencies, hangs), turns and failures are drawn from the sheet's laws by one "
          "process; decisions are the library's. H1: the real gateway on loopback, with a quota server and clients of "
          "ours",
      .claim =
          "no tenant sees another's data, adaptive timeouts raise the value of a turn at equal budget, and failures as "
          "data recover more for "
          "fewer calls without doubled writes",
      .seed = options.seed,
      .seeds = options.seeds == 0 ? size.seeds : options.seeds,
      .quick = options.quick};
  mixed_turns(size, options, report);
  mandatory_turns(size, options, report);
  learned_quantiles(size, options, report);
  timeout_spiral(options, report);
  recoveries(size, options, report);
  report.notes.emplace_back(
      "Holding back .90-quantiles for later mandatory steps was measured by the prototype to drop success at 1.3 from "
      ".602 to .251; the library's rule has no such mode, so that row is not repeated here.");
  report.notes.emplace_back(
      "Left out by the simulator: load (latencies do not depend on how many calls run), queues, network time, plans "
      "that "
      "are unknown, and tools whose answers differ in worth.");
  report.notes.emplace_back("The paper reports no benchmark; the sheet's figures are its own prototype's.");
  add_isolation(options, report);
  return report;
}

}  // namespace bursar::reproduce
