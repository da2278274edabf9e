// Chapter 10: bandits with knapsacks.
#include <cmath>

#include "bursar/explore/knapsack/knapsack_mix.h"
#include "reproduce/bandits/parts.h"

namespace bursar::reproduce::bandits {

Result<void> knapsack_part(const RunOptions& options, Report& report) {
  std::vector<double> prices;
  for (int i = 1; i <= 10; ++i) prices.push_back(i / 10.0);
  const explore::World world = explore::pricing_world(prices, .25);
  std::vector<std::string> arms{"primal-dual-bwk:most=[1]", "ucb-bwk:most=[1]", "lagrange-bwk:most=[1],rest=false",
                                "elimination-bwk:most=[1]", "ucb1"};
  std::vector<std::vector<double>> sheet{{69, 150, 237}, {113, 243, 388}, {149, 700, 1981}, {}, {173, 805, 2941}};
  if (!is_known(arms[2])) arms.erase(arms.begin() + 2), sheet.erase(sheet.begin() + 2);
  const std::size_t blind = arms.size() - 1, elimination = blind - 1;
  const std::vector<std::uint64_t> horizons =
      options.quick ? std::vector<std::uint64_t>{2000} : std::vector<std::uint64_t>{2000, 10'000, 40'000};
  std::vector<std::string> columns;
  for (const auto t : horizons) columns.push_back(std::to_string(t));
  Grid regret(arms, columns);
  std::vector<double> optimum;
  for (std::size_t h = 0; h < horizons.size(); ++h) {
    for (std::size_t a = 0; a < arms.size(); ++a) {
      // Two linear programs a round: fewer seeds tell as much.
      const std::size_t seeds =
          a == elimination ? std::min<std::size_t>(report.seeds, options.quick ? 1 : 6) : report.seeds;
      for (std::size_t s = 0; s < seeds; ++s) {
        if (options.progress) options.progress(arms[a] + ", " + columns[h] + " rounds");
        const auto run =
            run_bandit(arms[a], world, horizons[h], options.seed + s, {static_cast<double>(horizons[h]) / 4});
        if (!run) return tl::unexpected(run.error());
        regret.add(a, h, run->regret);
      }
    }
    optimum.push_back(.185 * static_cast<double>(horizons[h]));
  }
  const std::size_t last = horizons.size() - 1;
  std::vector<double> x;
  for (const auto t : horizons) x.push_back(static_cast<double>(t));
  const auto slope_of = [&](std::size_t arm) {
    std::vector<double> y;
    for (std::size_t h = 0; h < horizons.size(); ++h) y.push_back(regret.mean(arm, h));
    return log_slope(x, y);
  };
  for (const std::size_t a : {std::size_t{0}, std::size_t{1}}) {
    const std::string name = a == 0 ? "primal_dual" : "ucb";
    if (options.quick) {
      report.bars.push_back(at_most("bwk_" + name, regret.mean(a, last) / regret.mean(blind, last),
                                    "of a blind learner's regret", a == 0 ? .7 : .95));
      continue;
    }
    report.bars.push_back(at_most("bwk_" + name, regret.mean(a, last) / optimum[last], "of the optimum lost", .1));
    report.bars.push_back(at_most("bwk_slope_" + name, slope_of(a), "log-log slope", .75));
  }
  report.bars.push_back(
      at_least("bwk_blind", regret.mean(blind, last) / optimum[last], "of the optimum lost", options.quick ? .2 : .3));
  report.tables.push_back(regret.table(
      {.title = "Chapter 10: prices .1 to 1 for a stock of T/4, a sale with probability 1 - price",
       .quantity = "linear program's optimum less what was earned",
       .x_label = "rounds T (optimum .185 T: prices .7 and .8, half and half)",
       .note = "No run exceeded its stock, or it would have failed. Elimination: six seeds. The price 1 sells "
               "nothing, so lagrange need not rest besides.",
       .plotted = true},
      sheet));
  return {};
}

}  // namespace bursar::reproduce::bandits
