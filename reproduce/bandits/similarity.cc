// Chapter 4: arms that are numbers, and near ones alike.
#include <limits>

#include "bursar/explore/metric/net.h"
#include "reproduce/bandits/parts.h"

namespace bursar::reproduce::bandits {
namespace {

constexpr explore::Peak kPeak;

// Arms at these places; the best is the peak itself, which may be none of them.
explore::World peak(const explore::Net& net) {
  explore::World world = explore::peak_world(net.points, kPeak);
  world.best = kPeak.top;
  return world;
}

}  // namespace

Result<void> similarity_part(const RunOptions& options, Report& report) {
  const std::vector<std::uint64_t> horizons =
      options.quick ? std::vector<std::uint64_t>{2000} : std::vector<std::uint64_t>{2000, 10'000, 50'000};
  std::vector<std::string> columns;
  for (const auto t : horizons) columns.push_back(std::to_string(t));
  Grid regret({"zooming", "ucb1 on a uniform net", "zooming:conf=0.5", "ucb1:conf=0.5 on a uniform net"}, columns);
  const auto fine = explore::uniform_net({{0, 1}}, options.quick ? 1.0 / 1024 : 1.0 / 4096);
  if (!fine) return tl::unexpected(fine.error());
  for (std::size_t h = 0; h < horizons.size(); ++h) {
    const auto coarse =
        explore::uniform_net({{0, 1}}, explore::net_step(static_cast<double>(horizons[h]), kPeak.slope) / 2);
    if (!coarse) return tl::unexpected(coarse.error());
    for (std::size_t s = 0; s < report.seeds; ++s) {
      if (options.progress) options.progress("similarity, " + columns[h] + " rounds");
      const std::uint64_t seed = options.seed + s;
      std::size_t row = 0;
      for (const std::string& conf : {std::string(), std::string("conf=0.5")}) {
        const auto zoom =
            run_bandit("zooming:lipschitz=0.8" + (conf.empty() ? "" : "," + conf), peak(*fine), horizons[h], seed);
        const auto net = run_bandit(conf.empty() ? "ucb1" : "ucb1:" + conf, peak(*coarse), horizons[h], seed);
        if (!zoom || !net) return tl::unexpected(zoom ? net.error() : zoom.error());
        regret.add(row++, h, zoom->regret);
        regret.add(row++, h, net->regret);
      }
    }
  }
  const std::size_t last = horizons.size() - 1;
  if (!options.quick) {
    report.bars.push_back(at_most("zooming_in_a_long_run", regret.mean(0, last) / regret.mean(1, last),
                                  "of the uniform net's regret", 1));
  }
  report.tables.push_back(regret.table(
      {.title = "Chapter 4: a peak, .9 - .8 min(.5, |x - .37|)",
       .quantity = "regret against the peak",
       .x_label = "rounds T",
       .note = "Zooming wins over a uniform net only in long runs. Its arms are a fine "
               "net of places, so that the covering oracle is a list.",
       .plotted = true},
      {{277, std::numeric_limits<double>::quiet_NaN(), 2050}, {227, std::numeric_limits<double>::quiet_NaN(), 2209}}));
  return {};
}

}  // namespace bursar::reproduce::bandits
