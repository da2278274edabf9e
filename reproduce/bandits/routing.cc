// systems/bandits, chapters 7 and 9: costs of sets of atoms, and games.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <memory>
#include <string>

#include "bursar/core/random.h"
#include "bursar/explore/adversarial/exp3.h"
#include "bursar/explore/combinatorial/dag_paths.h"
#include "bursar/explore/combinatorial/perturbed_leader.h"
#include "bursar/explore/combinatorial/semi_bandit_hedge.h"
#include "bursar/explore/games/matrix_game.h"
#include "bursar/explore/games/normal_form.h"
#include "reproduce/bandits/parts.h"

namespace bursar::reproduce::bandits {
namespace {

using explore::Action;
using explore::Bandit;
using explore::DagPaths;
using explore::Learner;

constexpr std::uint32_t kSide = 4;

std::unique_ptr<DagPaths> grid() {
  explore::DagSpec spec{.nodes = std::size_t{kSide} * kSide, .source = 0, .sink = kSide * kSide - 1};
  for (std::uint32_t at = 0; at < spec.nodes; ++at) {
    if (at % kSide + 1 < kSide) spec.edges.push_back({at, at + 1});
    if (at + kSide < spec.nodes) spec.edges.push_back({at, at + kSide});
  }
  return DagPaths::create(std::move(spec)).value();
}

std::vector<Action> paths_of(const DagPaths& space) {
  std::vector<Action> out;
  Action path;
  const std::function<void(std::uint32_t)> walk = [&](std::uint32_t at) {
    if (at == space.spec().sink) return out.push_back(path);
    for (std::uint32_t e = 0; e < space.atoms(); ++e) {
      if (space.spec().edges[e].from != at) continue;
      path.push_back(e);
      walk(space.spec().edges[e].to);
      path.pop_back();
    }
  };
  walk(space.spec().source);
  return out;
}

// What a learner of routes is told of the costs of a round.
enum class Told : std::uint8_t { kPathSum, kPathEdges, kAllEdges };

struct Router {
  std::string name;
  Told told;
  std::unique_ptr<Learner> (*make)(std::uint64_t rounds);
};

template <class L, class O>
std::unique_ptr<Learner> on_grid(const O& options) {
  return L::make(grid(), options).value();
}

std::vector<Router> routers() {
  using explore::Fpl, explore::FplOptions, explore::SemiBanditFpl, explore::SemiBanditHedge, explore::SemiBanditOptions;
  return {
      {"semi-bandit hedge (online routing)", Told::kPathEdges,
       +[](std::uint64_t t) { return on_grid<SemiBanditHedge>(SemiBanditOptions{.horizon = t}); }},
      {"exp3 on the 20 paths", Told::kPathSum,
       +[](std::uint64_t t) -> std::unique_ptr<Learner> { return explore::Exp3::make(explore::exp3(20, t)).value(); }},
      {"exp3 on the 20 paths, six times the rate", Told::kPathSum,
       +[](std::uint64_t t) -> std::unique_ptr<Learner> {
         explore::Exp3Options options = explore::exp3(20, t);
         options.rate *= 6;
         return explore::Exp3::make(options).value();
       }},
      {"semi-bandit follow the perturbed leader", Told::kPathEdges,
       +[](std::uint64_t t) { return on_grid<SemiBanditFpl>(FplOptions{.horizon = t}); }},
      {"hedge, all edges seen", Told::kAllEdges,
       +[](std::uint64_t t) { return on_grid<SemiBanditHedge>(SemiBanditOptions{.horizon = t, .full = true}); }},
      {"perturbed leader, all edges seen, noise sqrt(d T)", Told::kAllEdges,
       +[](std::uint64_t t) { return on_grid<Fpl>(FplOptions{.horizon = t}); }},
      {"perturbed leader, all edges seen, noise sqrt(T / d)", Told::kAllEdges,
       +[](std::uint64_t t) { return on_grid<Fpl>(FplOptions{.noise_max = std::sqrt(static_cast<double>(t) / 24)}); }}};
}

// Costs of edges: coins whose means are drawn once; or, `turning`, drawn anew for each tenth of the time.
struct EdgeCosts {
  std::vector<std::vector<double>> mean;  // [tenths][edges]
  EdgeCosts(bool turning, std::uint64_t seed) {
    RandomStream random = RandomStream(seed).split("edges");
    for (int tenth = 0; tenth < 10; ++tenth) {
      if (turning || tenth == 0) {
        mean.emplace_back(24);
        for (double& m : mean.back()) m = random.uniform01();
      } else {
        mean.push_back(mean.front());
      }
    }
  }
};

Result<double> route(const Router& router, bool turning, std::uint64_t rounds, std::uint64_t seed) {
  const auto space = grid();
  const auto paths = paths_of(*space);
  const EdgeCosts costs(turning, seed);
  auto bandit =
      Bandit::make({.seed = seed, .range = {router.told == Told::kPathSum ? -6.0 : -1.0, 0}}, router.make(rounds));
  if (!bandit) return tl::unexpected(bandit.error());
  RandomStream world = RandomStream(seed).split("costs");
  std::vector<double> cost(24), total(24, 0.0), each;
  double paid = 0;
  for (std::uint64_t t = 0; t < rounds; ++t) {
    const auto& mean = costs.mean[10 * t / rounds];
    for (std::size_t e = 0; e < cost.size(); ++e) {
      cost[e] = world.bernoulli(mean[e]) ? 1 : 0;
      total[e] += mean[e];
    }
    const auto choice = bandit->choose();
    if (!choice) return tl::unexpected(choice.error());
    const Action& path = router.told == Told::kPathSum ? paths[*choice->arm] : choice->set;
    paid += explore::total_of(path, mean);
    each.clear();
    if (router.told == Told::kPathEdges) {
      for (const std::uint32_t e : path) each.push_back(-cost[e]);
    } else if (router.told == Told::kAllEdges) {
      for (const double c : cost) each.push_back(-c);
    }
    const double reward = router.told == Told::kPathSum ? -explore::total_of(path, cost) : 0;
    if (auto ok = bandit->learn(choice->id, {.reward = reward, .each = each}); !ok) return tl::unexpected(ok.error());
  }
  return paid - explore::total_of(space->best(total), total);
}

// Three players with costs drawn uniformly: how far their joint play is from a coarse correlated equilibrium.
Result<double> joint_gap(std::uint64_t rounds, std::uint64_t seed) {
  RandomStream random = RandomStream(seed).split("players");
  explore::NormalForm game{.actions = {3, 3, 3}};
  for (int i = 0; i < 3; ++i) {
    auto& cost = game.cost.emplace_back();
    for (int k = 0; k < 27; ++k) cost.push_back(random.uniform01());
  }
  return no_regret_play(game, {.rounds = rounds}).map([](const explore::JointPlay& play) { return play.gap; });
}

Result<double> random_gap(explore::Opponent opponent, std::uint64_t rounds, std::uint64_t seed) {
  RandomStream random = RandomStream(seed).split("matrix");
  explore::MatrixGame game{.rows = 10, .columns = 10};
  for (int k = 0; k < 100; ++k) game.payoff.push_back(random.uniform01());
  return no_regret_play(game, {.rounds = rounds, .column = opponent}).map([](const explore::Play& play) {
    return play.gap;
  });
}

}  // namespace

Result<void> routing_part(const RunOptions& options, Report& report) {
  const std::uint64_t rounds = options.quick ? 2000 : 10'000;
  const auto all = routers();
  std::vector<std::string> names;
  for (const Router& r : all) names.push_back(r.name);
  Grid regret(names, {"costs by chance", "means that turn"});
  double over = 0;
  for (std::size_t r = 0; r < all.size(); ++r) {
    if (options.progress) options.progress("routing: " + all[r].name);
    for (std::uint64_t s = options.seed; s < options.seed + report.seeds; ++s) {
      for (const bool turning : {false, true}) {
        const auto lost = route(all[r], turning, rounds, s);
        if (!lost) return tl::unexpected(lost.error());
        regret.add(r, turning ? 1 : 0, *lost);
      }
    }
    double bound = all[r].make(rounds)->regret_bound(static_cast<double>(rounds)).value();
    if (all[r].told == Told::kPathSum) bound *= 6;
    over = std::max({over, regret.mean(r, 0) / bound, regret.mean(r, 1) / bound});
  }
  report.bars.push_back(at_most("routing_regret_over_bound", over, "of the bound", 1));
  report.bars.push_back(
      at_most("semi_bandit_hedge_over_exp3_on_paths", regret.mean(0, 0) / regret.mean(2, 0), "x", .85));
  report.bars.push_back(at_most("full_information_over_semi_bandit", regret.mean(4, 0) / regret.mean(0, 0), "x", .5));
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const std::vector<std::vector<double>> sheet{{1443}, {kNone}, {2290}, {kNone}, {340}, {kNone}, {29}};
  report.tables.push_back(regret.table(
      {.title = "Chapter 7: routes through a grid of 24 edges",
       .quantity = "regret in costs of edges after " + std::to_string(rounds) + " rounds",
       .x_label = "costs of the edges",
       .note = "Means uniform, once or anew each tenth. The sheet's exp3 learns from costs of paths that are "
               "not scaled to [0, 1], its perturbed leader with a noise that no bound covers.",
       .plotted = true},
      options.quick ? std::vector<std::vector<double>>{} : sheet));
  return {};
}

Result<void> games_part(const RunOptions& options, Report& report) {
  constexpr std::array<std::uint64_t, 3> kRounds{100, 1000, 10'000};
  const explore::MatrixGame scissors{.rows = 3, .columns = 3, .payoff = {.5, 0, 1, 1, .5, 0, 0, 1, .5}};
  Grid gap({"rock, paper, scissors from (.34, .33, .33)", "rock, paper, scissors from (.5, .3, .2)",
            "10 x 10 at random", "10 x 10, best responses", "three players, 3 actions each"},
           {"100", "1,000", "10,000"});
  double over = 0;
  for (std::size_t k = 0; k < kRounds.size(); ++k) {
    const auto rounds = static_cast<double>(kRounds.at(k));
    for (const bool far : {false, true}) {
      const std::vector<double> start = far ? std::vector{.5, .3, .2} : std::vector{.34, .33, .33};
      const auto played =
          no_regret_play(scissors, {.rounds = kRounds.at(k), .row_start = start, .column_start = start});
      if (!played) return tl::unexpected(played.error());
      gap.add(far ? 1 : 0, k, played->gap);
      over = std::max(over, played->gap / (2 * 2 * std::sqrt(std::log(1 / start[2]) / rounds)));
    }
    for (std::uint64_t s = options.seed; s < options.seed + std::min<std::size_t>(report.seeds, 20); ++s) {
      if (options.quick && kRounds.at(k) > 1000) continue;
      const std::array results{random_gap(explore::Opponent::kHedge, kRounds.at(k), s),
                               random_gap(explore::Opponent::kBestResponse, kRounds.at(k), s),
                               joint_gap(kRounds.at(k), s)};
      for (std::size_t r = 0; r < results.size(); ++r) {
        if (!results.at(r)) return tl::unexpected(results.at(r).error());
        gap.add(r + 2, k, *results.at(r));
        const double players = r == 0 ? 2 : 1, actions = r == 2 ? 3 : 10;
        over = std::max(over, *results.at(r) / (players * 2 * std::sqrt(std::log(actions) / rounds)));
      }
    }
  }
  report.bars.push_back(at_most("game_gap_over_bound", over, "of the bound", 1));
  report.bars.push_back(at_most("rock_paper_scissors_gap", gap.mean(1, 1), "of a stake", .13));
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  report.tables.push_back(gap.table({.title = "Chapter 9: learners who play each other",
                                     .quantity = "distance from an equilibrium: the most that one player gains alone",
                                     .x_label = "rounds",
                                     .note = "Payoffs from 0 to 1. The last row is a coarse correlated equilibrium's; "
                                             "the sheet does not say its start."},
                                    {{kNone, 2e-4, kNone}}));
  return {};
}

}  // namespace bursar::reproduce::bandits
