// Chapters 1 and 3: rewards by chance, and the best arm.
#include <cmath>
#include <limits>
#include <memory>

#include "bursar/explore/best_arm/best_arm.h"
#include "bursar/explore/policies.h"
#include "bursar/explore/stochastic/explore_first.h"
#include "bursar/explore/stochastic/successive_elimination.h"
#include "bursar/explore/stochastic/ucb1.h"
#include "reproduce/bandits/parts.h"

namespace bursar::reproduce::bandits {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint64_t kRounds = 20'000;

struct Arm {
  std::string words;
  std::vector<double> sheet;  // ten arms; five arms
};

std::vector<Arm> arms_of_the_table() {
  std::vector<Arm> all{{"thompson", {186, 29}},
                       {"ucb1", {874, 259}},
                       {"ucb1:conf=0.5", {}},
                       {"explore-first", {361, 703}},
                       {"epsilon-greedy", {468, 995}},
                       {"successive-elimination", {1800, 1513}},
                       {"successive-elimination:conf=0.5", {}},
                       {"thompson-gaussian", {}},
                       {"exp3", {1156, 718}},
                       {"exp3-ix", {798, 343}}};
  std::erase_if(all, [](const Arm& arm) { return !is_known(arm.words); });
  return all;
}

Result<void> best_arm_part(const RunOptions& options, Report& report) {
  const std::vector<double> means{.5, .45, .4, .4, .35, .3, .3, .2};
  Grid found({"sequential halving, 4000 samples", "lucb, delta .1", "elimination, delta .1"},
             {"share of wrong answers", "samples"});
  for (std::size_t s = 0; s < report.seeds; ++s) {
    const auto ask = [&](auto& finder, std::size_t row) {
      RandomStream random = RandomStream(options.seed + s).split("best arm");
      while (const auto arm = finder.next()) (void)finder.record(*arm, random.bernoulli(means[*arm]) ? 1 : 0);
      const explore::Verdict verdict = finder.verdict();
      found.add(row, 0, verdict.arm == 0 ? 0 : 1);
      found.add(row, 1, verdict.samples);
    };
    auto halving = explore::SequentialHalving::make({.arms = means.size(), .budget = 4000});
    if (!halving) return tl::unexpected(halving.error());
    ask(**halving, 0);
    for (const auto rule : {explore::ConfidenceRule::kLucb, explore::ConfidenceRule::kElimination}) {
      auto sure = explore::FixedConfidence::make({.arms = means.size(), .delta = .1, .rule = rule});
      if (!sure) return tl::unexpected(sure.error());
      ask(**sure, rule == explore::ConfidenceRule::kLucb ? 1 : 2);
    }
  }
  report.bars.push_back(
      at_most("best_arm_wrong", std::max(found.mean(1, 0), found.mean(2, 0)), "of answers at delta .1", .1));
  report.tables.push_back(found.table({.title = "Best arm: 8 arms, the best at .5 and the next at .45",
                                       .quantity = "as the columns say",
                                       .x_label = "rewards by coins",
                                       .kind = TableKind::kDetail,
                                       .note = "Fixed confidence needs far more samples than halving does to be right "
                                               "as often, and knows when it may stop."}));
  return {};
}

}  // namespace

Result<void> stochastic_part(const RunOptions& options, Report& report) {
  const auto arms = arms_of_the_table();
  const std::vector<std::vector<double>> worlds{{.6, .5, .5, .5, .5, .5, .5, .5, .5, .5}, {.9, .8, .7, .5, .3}};
  std::vector<std::string> names;
  std::vector<std::vector<double>> sheet;
  for (const Arm& arm : arms) names.push_back(arm.words), sheet.push_back(arm.sheet);
  names.emplace_back("bound of ucb1");
  Grid regret(names, {"one of ten arms at .6, nine at .5", ".9 .8 .7 .5 .3"});
  for (std::size_t w = 0; w < worlds.size(); ++w) {
    const explore::World world = explore::bernoulli_world(worlds[w]);
    for (std::size_t a = 0; a < arms.size(); ++a) {
      if (options.progress) options.progress(arms[a].words);
      for (std::size_t s = 0; s < report.seeds; ++s) {
        const auto run = run_bandit(arms[a].words, world, kRounds, options.seed + s);
        if (!run) return tl::unexpected(run.error());
        regret.add(a, w, run->regret);
      }
    }
    const auto ucb = explore::Ucb1::make({.arms = world.arms, .horizon = kRounds});
    regret.add(arms.size(), w, (*ucb)->regret_bound(kRounds).value_or(kNone));
  }
  const auto at = [&](std::string_view name) {
    return static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
  };
  const std::vector<std::string> order{"thompson", "ucb1", "explore-first", "epsilon-greedy"};
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    report.bars.push_back(at_least("order_" + order[i] + "_before_" + order[i + 1],
                                   apart(regret.samples(at(order[i]), 1), regret.samples(at(order[i + 1]), 1)),
                                   "99% half-widths apart", 1));
  }
  const auto share = [&](std::string_view name, double bound, std::size_t w) {
    return regret.mean(at(name), w) / bound;
  };
  double worst = 0;
  for (std::size_t w = 0; w < worlds.size(); ++w) {
    const std::size_t k = worlds[w].size();
    const auto ucb = explore::Ucb1::make({.arms = k, .horizon = kRounds});
    const auto first = explore::ExploreFirst::make({.arms = k, .horizon = kRounds});
    const auto elimination = explore::SuccessiveElimination::make({.arms = k, .horizon = kRounds});
    worst = std::max({worst, share("ucb1", *(*ucb)->regret_bound(kRounds), w),
                      share("explore-first", *(*first)->regret_bound(kRounds), w),
                      share("successive-elimination", *(*elimination)->regret_bound(kRounds), w)});
  }
  report.bars.push_back(at_most("stochastic_regret", worst, "of the proved bounds, at worst", 1));
  report.tables.push_back(regret.table({.title = "Chapters 1 and 3: rewards by chance",
                                        .quantity = "regret against the best arm, 20,000 rounds",
                                        .x_label = "means of the arms",
                                        .note = "conf=2, as proved, is wide: with it successive elimination cannot "
                                                "tell ten arms apart in time and plays them all alike.",
                                        .plotted = true},
                                       sheet));
  return best_arm_part(options, report);
}

Result<void> growth_part(const RunOptions& options, Report& report) {
  const std::vector<std::uint64_t> horizons =
      options.quick ? std::vector<std::uint64_t>{1000, 10'000} : std::vector<std::uint64_t>{1000, 10'000, 100'000};
  std::vector<std::string> columns;
  for (const auto t : horizons) columns.push_back(std::to_string(t));
  const std::vector<std::string> arms{"ucb1", "thompson", "explore-first"};
  Grid fixed(arms, columns), worst(arms, columns);
  for (std::size_t h = 0; h < horizons.size(); ++h) {
    const double gap = std::sqrt(2 / static_cast<double>(horizons[h]));
    for (std::size_t a = 0; a < arms.size(); ++a) {
      if (options.progress) options.progress(arms[a] + " for " + columns[h] + " rounds");
      for (std::size_t s = 0; s < report.seeds; ++s) {
        const auto easy = run_bandit(arms[a], explore::bernoulli_world({.6, .5}), horizons[h], options.seed + s);
        const auto hard = run_bandit(arms[a], explore::bernoulli_world({.5 + gap, .5}), horizons[h], options.seed + s);
        if (!easy || !hard) return tl::unexpected(easy ? hard.error() : easy.error());
        fixed.add(a, h, easy->regret);
        worst.add(a, h, hard->regret);
      }
    }
  }
  std::vector<double> x;
  for (const auto t : horizons) x.push_back(static_cast<double>(t));
  const auto slope_of = [&](const Grid& grid, std::size_t arm) {
    std::vector<double> y;
    for (std::size_t h = 0; h < horizons.size(); ++h) y.push_back(grid.mean(arm, h));
    return log_slope(x, y);
  };
  const std::size_t last = horizons.size() - 1;
  report.bars.push_back(at_most("log_growth_ucb1", fixed.mean(0, last) / fixed.mean(0, last - 1),
                                "times the regret in ten times the rounds", options.quick ? 5 : 3));
  report.bars.push_back(at_most("log_growth_thompson", fixed.mean(1, last) / fixed.mean(1, last - 1),
                                "times the regret in ten times the rounds", 2.5));
  report.bars.push_back(at_most("worst_case_slope_ucb1", std::abs(slope_of(worst, 0) - .5), "from 1/2", .05));
  report.bars.push_back(at_most("worst_case_slope_thompson", std::abs(slope_of(worst, 1) - .5), "from 1/2",
                                options.quick ? .25 : .08));  // its regret varies more, and a quick run has few seeds
  report.tables.push_back(fixed.table({.title = "Growth where the gap stays: two arms, .6 and .5",
                                       .quantity = "regret",
                                       .x_label = "rounds T",
                                       .note = "UCB1 and Thompson grow with ln T, exploring first with T^(2/3).",
                                       .plotted = true},
                                      {{24, 87, 169}, {10, 18, 25}}));
  report.tables.push_back(
      worst.table({.title = "Growth in the worst case: the gap shrinks as sqrt(K/T)",
                   .quantity = "regret",
                   .x_label = "rounds T",
                   .kind = TableKind::kCounter,
                   .note = "No algorithm does better than sqrt(K T) here: slopes are " + to_short(slope_of(worst, 0)) +
                           " (ucb1), " + to_short(slope_of(worst, 1)) + " (thompson), " + to_short(slope_of(worst, 2)) +
                           " (explore-first); the sheet's .50, .50, .58."}));
  return {};
}

}  // namespace bursar::reproduce::bandits
