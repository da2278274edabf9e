// systems/philosopher: items that are used once, buyers who come with known chances and values.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "bursar/admit/matching/posted_prices.h"
#include "bursar/core/random.h"
#include "reproduce/matching_worlds.h"
#include "reproduce/oracles/bayesian_oracles.h"
#include "reproduce/system.h"

namespace bursar::reproduce {
namespace {

using admit::BayesianMatching;
using admit::PhilosopherValue;
using admit::ProposalPlan;
using admit::Proposals;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

struct Size {
  std::size_t seeds, instances, runs, restarts, moves;  // instances and runs a seed
};
constexpr Size kFull{.seeds = 10, .instances = 40, .runs = 400, .restarts = 6, .moves = 1500};
constexpr Size kQuick{.seeds = 3, .instances = 15, .runs = 300, .restarts = 1, .moves = 150};

// Everything that is exact about one instance.
struct Exact {
  double lp = 0, best = 0, rule = 0, welfare = 0, greedy = 0;
  double lead = 0;  // least of the prices' welfare - V over all states
};

Result<Exact> solve_exactly(const BayesianMatching& m) {
  const auto lp = solve_online_lp(m);
  if (!lp) return tl::unexpected(lp.error());
  const auto value =
      ProposalPlan::create(m, *lp).and_then([](const ProposalPlan& plan) { return PhilosopherValue::tabulate(plan); });
  if (!value) return tl::unexpected(value.error());
  Exact out{.lp = lp->objective, .rule = value->at(0, value->all())};
  const auto best = best_online(m), greedy = greedy_value(m), welfare = price_welfare(m, *value, &out.lead);
  for (const auto* x : {&best, &greedy, &welfare}) {
    if (!*x) return tl::unexpected(x->error());
  }
  out.best = *best, out.greedy = *greedy, out.welfare = *welfare;
  return out;
}

Result<void> random_instances(const Size& size, const RunOptions& options, Report& report) {
  Grid ratio(
      {"philosopher / LP", "rule / LP", "rule / philosopher", "posted prices / philosopher", "greedy / philosopher"},
      {"one type, min", "one type, mean", "types, min", "types, mean"});
  double lowest = 1, lead = 1, above_lp = 0;
  for (std::uint64_t s = 0; s < report.seeds; ++s) {
    if (options.progress) options.progress("random instances, seed " + std::to_string(options.seed + s));
    RandomStream random = RandomStream(options.seed + s).split("philosopher").split("instances");
    for (const bool types : {false, true}) {
      std::array<double, 5> least{1e9, 1e9, 1e9, 1e9, 1e9}, sum{};
      for (std::size_t k = 0; k < size.instances; ++k) {
        const auto e = solve_exactly(draw_matching(types, random));
        if (!e) return tl::unexpected(e.error());
        const std::array now{e->best / e->lp, e->rule / e->lp, e->rule / e->best, e->welfare / e->best,
                             e->greedy / e->best};
        for (std::size_t r = 0; r < now.size(); ++r) {
          least.at(r) = std::min(least.at(r), now.at(r));
          sum.at(r) += now.at(r) / static_cast<double>(size.instances);
        }
        lowest = std::min(lowest, e->rule / e->lp);
        lead = std::min(lead, e->lead);
        above_lp = std::max(above_lp, e->best - e->lp);
      }
      for (std::size_t r = 0; r < least.size(); ++r) {
        ratio.add(r, types ? 2 : 0, least.at(r));
        ratio.add(r, types ? 3 : 1, sum.at(r));
      }
    }
  }
  report.bars.push_back(at_least("rule_on_random_instances", lowest, "of the LP", .678));
  report.bars.push_back(at_least("prices_lead_in_every_state", lead, "value", -1e-9));
  report.bars.push_back(at_most("philosopher_over_lp", above_lp, "value", 1e-9));
  report.tables.push_back(ratio.table({.title = "Random instances of 2 … 4 items, everything exact",
                                       .quantity = "ratio; min and mean over the instances of a seed",
                                       .x_label = "buyers of a period",
                                       .note = "The sheet's minima are over all of its instances, ours over each "
                                               "seed's, averaged."},
                                      {{.937, .989, .963, .994},
                                       {.856, .964, .882, .976},
                                       {.866, .974, .896, .982},
                                       {.946, .9965, .982, .999},
                                       {.22, .80, kNone, kNone}}));
  return {};
}

Result<void> spread_solution(const Size& size, const RunOptions& options, Report& report) {
  struct Case {
    std::size_t items, periods;
    double p;
  };
  constexpr std::array<Case, 3> kCases{{{60, 60, 1}, {60, 240, .25}, {30, 600, .05}}};
  Grid ratio({"pivotal proposals", "independent proposals"}, {"60, 60, 1", "60, 240, .25", "30, 600, .05"});
  double off = 0, least = 1, most = 0;
  for (std::uint64_t s = 0; s < report.seeds; ++s) {
    for (std::size_t k = 0; k < kCases.size(); ++k) {
      if (options.progress) options.progress("the evenly spread solution, seed " + std::to_string(options.seed + s));
      const auto world = spread_evenly(kCases.at(k).items, kCases.at(k).periods, kCases.at(k).p);
      if (!world) return tl::unexpected(world.error());
      const RandomStream random = RandomStream(options.seed + s).split("philosopher").split("spread").split(k);
      for (const auto how : {Proposals::kPivotal, Proposals::kIndependent}) {
        const PlayedRuns played = play_runs(*world, how, size.runs, random);
        ratio.add(how == Proposals::kPivotal ? 0 : 1, k, played.matches / static_cast<double>(kCases.at(k).items));
        off = std::max(off, played.free_off_by * std::sqrt(static_cast<double>(size.runs)));
      }
    }
  }
  for (std::size_t k = 0; k < kCases.size(); ++k) {
    least = std::min(least, ratio.mean(0, k));
    most = std::max(most, ratio.mean(1, k));
  }
  report.bars.push_back(at_least("pivotal_on_spread_solution", least, "of n", .85));
  report.bars.push_back(at_most("independent_on_spread_solution", most, "of n", .64));
  // A share has a standard error of at most .5 / sqrt(runs): six of them cover the largest of 10^6 deviations.
  report.bars.push_back(at_most("free_as_often_as_planned", off, "x 1 / sqrt(runs) off", 3));
  report.tables.push_back(ratio.table({.title = "A solution of the LP that spreads every item evenly over all buyers",
                                       .quantity = "matches / items",
                                       .x_label = "items, periods, p",
                                       .note = "The older 1 - 1/e rule stops at .632 here; negative dependence lifts "
                                               "E[min(1, X)] above it.",
                                       .plotted = true},
                                      {{1, .933, .896}, {.635, .633, .632}}));
  return {};
}

void adversarial_search(const Size& size, const RunOptions& options, Report& report) {
  const std::array<RuleSearch, 4> searches{{{.items = 3, .periods = 5},
                                            {.items = 3, .periods = 6},
                                            {.items = 4, .periods = 6},
                                            {.items = 3, .periods = 6, .vertex = true}}};
  Grid lowest({"rule / LP"}, {"3 items, 5 periods", "3, 6", "4, 6", "3, 6, vertex weights"});
  double general = 1;
  for (std::size_t k = 0; k < searches.size(); ++k) {
    if (options.progress) options.progress("search for the worst instance");
    RuleSearch search = searches.at(k);
    search.restarts = size.restarts;
    search.moves = size.moves;
    const double found =
        lowest_rule_ratio(search, RandomStream(options.seed).split("philosopher").split("search").split(k));
    lowest.add(0, k, found);
    if (!search.vertex) general = std::min(general, found);
  }
  report.bars.push_back(at_least("worst_found", general, "of the LP", .678));
  report.bars.push_back(at_least("worst_found_vertex_weights", lowest.mean(0, 3), "of the LP", .685));
  report.tables.push_back(lowest.table({.title = "Lowest value of the rule that a search over p and w found",
                                        .quantity = "of the LP, exact",
                                        .x_label = "instance",
                                        .kind = TableKind::kDetail},
                                       {{.7107, .735, .740, .770}}));
}

Result<void> small_exact(Report& report) {
  const std::vector<BayesianMatching> instances{
      one_buyer_a_period({.5, .8, .6}, {{.9, .4, .7}, {.3, .8, .6}}),
      one_buyer_a_period({.5, .8, .6, .9, .7}, {{.9, .4, .7, .2, .5}, {.3, .8, .6, .9, .1}, {.5, .5, .2, .4, .8}}),
      one_buyer_a_period({1, .01}, {{1, 100}}), one_buyer_a_period({1, .5}, {{1, 3}, {1, 0}})};
  const std::vector<std::vector<double>> sheet{{1.372, 2.089, 1, 2.5},         {1.336, 2.06368, 1, 2.5},
                                               {1.336, 2.03468, kNone, 2.5},   {1.336, 2.06368, kNone, 2.5},
                                               {kNone, 1.88412, kNone, kNone}, {kNone, 2.252940, 1.99, kNone}};
  Grid value({"LP", "philosopher", "rule", "posted prices", "greedy", "clairvoyant"},
             {"2 items, 3 periods", "3 items, 5 periods", "1, then 100 at 1%", "2 items, 2 periods"});
  double off = 0;
  for (std::size_t k = 0; k < instances.size(); ++k) {
    const auto e = solve_exactly(instances[k]);
    const auto sees = clairvoyant(instances[k]);
    if (!e) return tl::unexpected(e.error());
    if (!sees) return tl::unexpected(sees.error());
    const std::array got{e->lp, e->best, e->rule, e->welfare, e->greedy, *sees};
    for (std::size_t r = 0; r < got.size(); ++r) {
      value.add(r, k, got.at(r));
      // The sheet prints the LP to three decimals.
      const double allowed = r == 0 ? 1e-3 : 1e-5;
      if (!std::isnan(sheet[r][k])) off = std::max(off, std::abs(got.at(r) - sheet[r][k]) / allowed);
    }
  }
  report.bars.push_back(at_most("sheets_small_answers_off_by", off, "of its last digit", 1));
  report.tables.push_back(value.table(
      {.title = "Exact answers", .quantity = "expected value", .x_label = "instance", .kind = TableKind::kDetail},
      sheet));
  return {};
}

// Prices by futures beside the exact ones, where both can be had.
Result<void> prices_by_futures(const Size& size, const RunOptions& options, Report& report) {
  Grid off({"mean of |price - exact|"}, {"200 futures", "2000 futures"});
  for (std::uint64_t s = 0; s < std::min<std::uint64_t>(report.seeds, 3); ++s) {
    RandomStream random = RandomStream(options.seed + s).split("philosopher").split("futures");
    const BayesianMatching m = draw_matching(false, random);
    const auto lp = solve_online_lp(m);
    if (!lp) return tl::unexpected(lp.error());
    const auto exact = admit::PostedPrices::create(m, *lp);
    if (!exact) return tl::unexpected(exact.error());
    const std::vector<std::uint8_t> all(m.items, 1);
    for (std::size_t k = 0; k < 2; ++k) {
      const auto drawn = admit::PostedPrices::create(
          m, *lp, {.exact_items = 0, .futures = k == 0 ? 200U : 2000U, .seed = size.runs + s});
      if (!drawn) return tl::unexpected(drawn.error());
      double sum = 0;
      for (std::size_t t = 0; t < m.periods.size(); ++t) {
        const auto a = exact->prices(t, all), b = drawn->prices(t, all);
        if (!a || !b) return fail(ErrorCode::kInternal, "prices could not be computed");
        for (std::size_t i = 0; i < m.items; ++i) sum += std::abs((*a)[i] - (*b)[i]);
      }
      off.add(0, k, sum / static_cast<double>(m.periods.size() * m.items));
    }
  }
  report.tables.push_back(off.table({.title = "Prices from simulated futures on common random numbers",
                                     .quantity = "value, against the exact table",
                                     .x_label = "",
                                     .kind = TableKind::kDetail}));
  report.bars.push_back(at_most("price_error_of_2000_futures", off.mean(0, 1), "value", .01));
  return {};
}

}  // namespace

Result<Report> reproduce_philosopher(const RunOptions& options) {
  const Size size = options.quick ? kQuick : kFull;
  Report report{.slug = "philosopher",
                .simulated =
                    "buyers drawn from known chances and values; the best online policy, the rule and its prices are "
                    "exact tables on small instances",
                .claim =
                    "matching by pivotal sampling of the LP earns at least .678 of the best online policy, and its "
                    "posted prices no less without trust",
                .seed = options.seed,
                .seeds = options.seeds == 0 ? size.seeds : options.seeds,
                .quick = options.quick};
  if (auto ok = random_instances(size, options, report); !ok) return tl::unexpected(ok.error());
  if (auto ok = spread_solution(size, options, report); !ok) return tl::unexpected(ok.error());
  adversarial_search(size, options, report);
  if (auto ok = small_exact(report); !ok) return tl::unexpected(ok.error());
  if (auto ok = prices_by_futures(size, options, report); !ok) return tl::unexpected(ok.error());
  report.notes.emplace_back(
      "The paper proves .678 (.685 with vertex weights) and reports no experiments; figures in round brackets are of "
      "the sheet's prototype. What is discarded, several types in a period and the prices are derived in the sheet; "
      "the "
      "paper's .685 may be of a variant, so the vertex-weighted bar is a measurement of this rule, not its theorem.");
  report.notes.emplace_back(
      "Throwing items away serves the proof, not the value: the prices on what is unsold (no discard, one-step "
      "improvement) are at least as good in every state, and are what one should run.");
  report.notes.emplace_back(
      "The sheet's evenly spread solution x = min(1/T, p/n) breaks x <= p (1 - y) in the last 1/p periods where p < 1; "
      "ours is cut to it there. Ratios are to n, as the sheet's are.");
  report.not_run.emplace_back("arrivals that depend on each other over time: outside the model");
  return report;
}

}  // namespace bursar::reproduce
