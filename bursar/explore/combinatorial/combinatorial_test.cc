#include <algorithm>
#include <array>
#include <bit>
#include <boost/json/array.hpp>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

#include "bursar/core/json.h"
#include "bursar/explore/combinatorial/dag_paths.h"
#include "bursar/explore/combinatorial/perturbed_leader.h"
#include "bursar/explore/combinatorial/semi_bandit_hedge.h"

namespace bursar::explore {
namespace {

using testing::HasSubstr;

// size x size nodes, edges to the right and downwards: the sheet's grid for size 4 has 24 edges and 20 paths.
DagSpec grid(std::uint32_t size) {
  DagSpec spec{.nodes = std::size_t{size} * size, .source = 0, .sink = size * size - 1};
  for (std::uint32_t r = 0; r < size; ++r) {
    for (std::uint32_t c = 0; c < size; ++c) {
      const std::uint32_t at = r * size + c;
      if (c + 1 < size) spec.edges.push_back({at, at + 1});
      if (r + 1 < size) spec.edges.push_back({at, at + size});
    }
  }
  return spec;
}

DagSpec random_dag(RandomStream& random) {
  const auto nodes = static_cast<std::uint32_t>(3 + random.uniform_int(std::uint64_t{5}));
  DagSpec spec{.nodes = nodes, .source = 0, .sink = nodes - 1};
  for (std::uint32_t a = 0; a < nodes; ++a) {
    for (std::uint32_t b = a + 1; b < nodes; ++b) {
      for (int copies = 0; copies < 2; ++copies) {
        if (random.bernoulli(.4)) spec.edges.push_back({a, b});
      }
    }
  }
  spec.edges.push_back({0, nodes - 1});
  random.shuffle(std::span(spec.edges));
  return spec;
}

void list_paths(const DagSpec& spec, std::uint32_t at, Action& path, std::vector<Action>& out) {
  if (at == spec.sink) {
    out.push_back(path);
    return;
  }
  for (std::uint32_t e = 0; e < spec.edges.size(); ++e) {
    if (spec.edges[e].from != at) continue;
    path.push_back(e);
    list_paths(spec, spec.edges[e].to, path, out);
    path.pop_back();
  }
}

std::vector<Action> all_paths(const DagSpec& spec) {
  std::vector<Action> out;
  Action path;
  list_paths(spec, spec.source, path, out);
  return out;
}

std::vector<Action> all_subsets(std::uint32_t atoms, std::size_t k) {
  std::vector<Action> out;
  for (std::uint32_t mask = 0; mask < (1U << atoms); ++mask) {
    if (static_cast<std::size_t>(std::popcount(mask)) != k) continue;
    Action& action = out.emplace_back();
    for (std::uint32_t e = 0; e < atoms; ++e) {
      if ((mask >> e) & 1) action.push_back(e);
    }
  }
  return out;
}

std::vector<double> random_numbers(std::size_t n, double low, double high, RandomStream& random) {
  std::vector<double> out(n);
  for (double& x : out) x = random.uniform(low, high);
  return out;
}

// Against the list of all actions: marginals, how many, the best, and which atoms are useful.
void expect_same(const ActionSpace& space, const std::vector<Action>& actions, RandomStream& random) {
  const auto log_weights = random_numbers(space.atoms(), -5, 5, random);
  ActionWeights weights;
  space.weigh(log_weights, weights);
  std::vector<double> marginal(space.atoms(), 0.0);
  double total = 0;
  std::size_t longest = 0;
  for (const Action& a : actions) total += std::exp(total_of(a, log_weights));
  for (const Action& a : actions) {
    for (const std::uint32_t e : a) marginal[e] += std::exp(total_of(a, log_weights)) / total;
    longest = std::max(longest, a.size());
    EXPECT_TRUE(space.contains(a));
  }
  for (std::size_t e = 0; e < space.atoms(); ++e) EXPECT_NEAR(weights.marginal[e], marginal[e], 1e-12);
  EXPECT_NEAR(space.log_actions(), std::log(static_cast<double>(actions.size())), 1e-10);
  EXPECT_EQ(space.longest(), longest);

  const auto costs = random_numbers(space.atoms(), -1, 1, random);
  double least = 1e300;
  for (const Action& a : actions) least = std::min(least, total_of(a, costs));
  EXPECT_TRUE(space.contains(space.best(costs)));
  EXPECT_NEAR(total_of(space.best(costs), costs), least, 1e-12);
  std::vector<std::uint32_t> useful;
  for (std::uint32_t e = 0; e < space.atoms(); ++e) {
    if (marginal[e] == 0) continue;
    useful.push_back(e);
    const Action cover = space.covering(e);
    EXPECT_TRUE(space.contains(cover));
    EXPECT_NE(std::ranges::find(cover, e), cover.end());
  }
  EXPECT_TRUE(std::ranges::equal(space.useful(), useful));
}

TEST(DagPaths, AgreeWithTheListOfAllPaths) {
  RandomStream random(1);
  for (int trial = 0; trial < 200; ++trial) {
    const DagSpec spec = random_dag(random);
    const auto paths = DagPaths::create(spec);
    ASSERT_TRUE(paths) << paths.error().message;
    expect_same(**paths, all_paths(spec), random);
  }
  const auto four = DagPaths::create(grid(4)).value();
  EXPECT_EQ(four->atoms(), 24U);
  EXPECT_NEAR(std::exp(four->log_actions()), 20, 1e-9);
  EXPECT_EQ(four->longest(), 6U);
}

TEST(TopK, AgreesWithTheListOfAllSets) {
  RandomStream random(2);
  for (std::uint32_t atoms = 1; atoms <= 7; ++atoms) {
    for (std::size_t k = 1; k <= atoms; ++k)
      expect_same(*TopK::create(atoms, k).value(), all_subsets(atoms, k), random);
  }
}

TEST(ActionList, AgreesWithItself) {
  RandomStream random(3);
  const std::vector<Action> actions{{0, 2}, {1}, {1, 2, 4}};
  expect_same(*ActionList::create(6, actions).value(), actions, random);
}

// The probabilities of all paths add up to 1, and draws follow them.
TEST(ActionSpaces, DrawEachActionWithItsProbability) {
  RandomStream random(4);
  const DagSpec spec = grid(3);
  std::vector<std::unique_ptr<ActionSpace>> spaces;
  spaces.push_back(DagPaths::create(spec).value());
  spaces.push_back(TopK::create(5, 2).value());
  spaces.push_back(ActionList::create(4, {{0, 1}, {1, 2}, {3}}).value());
  for (const auto& space : spaces) {
    const auto log_weights = random_numbers(space->atoms(), -1, 1, random);
    ActionWeights weights;
    space->weigh(log_weights, weights);
    std::map<Action, double> drawn;
    constexpr int kDraws = 100'000;
    for (int i = 0; i < kDraws; ++i) drawn[space->draw(weights, random)] += 1.0 / kDraws;
    double total = 0;
    for (const auto& [action, share] : drawn) total += std::exp(total_of(action, log_weights));
    EXPECT_NEAR(std::log(static_cast<double>(drawn.size())), space->log_actions(), 1e-9);
    for (const auto& [action, share] : drawn) {
      EXPECT_NEAR(share, std::exp(total_of(action, log_weights)) / total, .008);
      EXPECT_TRUE(space->contains(action));
    }
  }
  const auto paths = DagPaths::create(spec).value();
  ActionWeights weights;
  paths->weigh(random_numbers(paths->atoms(), -30, 30, random), weights);
  double total = 0;
  for (const Action& path : all_paths(spec)) {
    double p = 1;
    for (const std::uint32_t e : path) p *= weights.table[e];
    total += p;
  }
  EXPECT_NEAR(total, 1, 1e-12);
}

TEST(DagPaths, WeighAstronomicallyManyPaths) {
  DagSpec spec{.nodes = 2001, .source = 0, .sink = 2000};
  for (std::uint32_t v = 0; v < 2000; ++v) {
    for (int copies = 0; copies < 3; ++copies) spec.edges.push_back({v, v + 1});
  }
  const auto paths = DagPaths::create(spec).value();
  EXPECT_NEAR(paths->log_actions(), 2000 * std::log(3), 1e-8);
  ActionWeights weights;
  std::vector<double> log_weights(6000, -1000.0);
  for (std::size_t e = 0; e < 6000; e += 3) log_weights[e] = -1000 + std::log(2);
  paths->weigh(log_weights, weights);
  EXPECT_NEAR(weights.marginal[300], .5, 1e-7);
  EXPECT_NEAR(weights.marginal[301], .25, 1e-7);
}

TEST(ActionSpaces, SayWhatIsWrong) {
  EXPECT_THAT(DagPaths::create({.nodes = 3, .edges = {{0, 1}, {1, 0}, {1, 2}}, .source = 0, .sink = 2}).error().message,
              HasSubstr("cycle"));
  EXPECT_THAT(DagPaths::create({.nodes = 3, .edges = {{0, 1}}, .source = 0, .sink = 2}).error().message,
              HasSubstr("no path"));
  EXPECT_THAT(DagPaths::create({.nodes = 3, .edges = {{0, 5}}, .source = 0, .sink = 2}).error().message,
              HasSubstr("edge 0"));
  EXPECT_THAT(ActionList::create(2, {{0}, {0, 2}}).error().message, HasSubstr("action 1"));
  EXPECT_THAT(ActionList::create(2, {{0, 0}}).error().message, HasSubstr("twice"));
  EXPECT_THAT(ActionList::create(2, {{0, 1}, {1, 0}}).error().message, HasSubstr("stands twice"));
  EXPECT_THAT(TopK::create(3, 4).error().message, HasSubstr("k"));
  EXPECT_THAT(SemiBanditHedge::make(TopK::create(3, 1).value(), {}).error().message, HasSubstr("horizon"));
  EXPECT_THAT(Fpl::make(TopK::create(3, 1).value(), {.horizon = 5, .noise_max = -1}).error().message,
              HasSubstr("noise_max"));
}

// E over the drawn path of the fake cost of each edge is its cost, exactly, by listing all paths.
TEST(SemiBanditHedge, FakeCostsHaveTheTrueCostsAsTheirMean) {
  const DagSpec spec = grid(3);
  const auto paths = all_paths(spec);
  RandomStream random(5);
  const auto cost = random_numbers(spec.edges.size(), 0, 1, random);
  const auto first = random_numbers(spec.edges.size(), -1, 0, random);
  const auto make = [&] {
    auto learner = SemiBanditHedge::make(DagPaths::create(spec).value(), {.horizon = 10, .rate = .5}).value();
    Pick pick{.arm = 0, .set = paths[2], .memo = std::vector<double>(paths[2].size(), .4)};
    std::vector<double> each;
    for (const std::uint32_t e : paths[2]) each.push_back(1 + first[e]);
    RandomStream none(0);
    EXPECT_TRUE(learner->update(pick, {.each = each}, none));
    return learner;
  };
  const auto losses = [](const Learner& learner) {
    std::vector<double> out;
    const auto saved = learner.save();
    for (const auto& l : saved.at("losses").as_array()) out.push_back(l.to_number<double>());
    return out;
  };
  const auto before = losses(*make());
  std::vector<double> log_weights(before.size()), mean(before.size(), 0.0);
  std::ranges::transform(before, log_weights.begin(), [](double l) { return -.5 * l; });
  double total = 0;
  for (const Action& path : paths) total += std::exp(total_of(path, log_weights));
  for (const Action& path : paths) {
    const auto learner = make();
    const auto q = learner->marginals();
    Pick pick{.arm = path[0], .set = path};
    std::vector<double> each;
    for (const std::uint32_t e : path) pick.memo.push_back(q[e]), each.push_back(1 - cost[e]);
    RandomStream none(0);
    ASSERT_TRUE(learner->update(pick, {.each = each}, none));
    const auto after = losses(*learner);
    const double p = std::exp(total_of(path, log_weights)) / total;
    for (std::size_t e = 0; e < mean.size(); ++e) mean[e] += p * (after[e] - before[e]);
  }
  for (std::size_t e = 0; e < mean.size(); ++e) EXPECT_NEAR(mean[e], cost[e], 1e-12);
}

TEST(SemiBanditHedge, TellsTheMarginalsOfItsMixture) {
  auto learner = SemiBanditHedge::make(DagPaths::create(grid(3)).value(), {.horizon = 100, .exploration = .3}).value();
  const auto q = learner->marginals();
  EXPECT_NEAR(q[0] + q[1], 1, 1e-12);
  std::vector<double> drawn(q.size(), 0.0);
  RandomStream random(6);
  constexpr int kDraws = 50'000;
  for (int i = 0; i < kDraws; ++i) {
    const Pick pick = learner->pick({}, random).value();
    for (std::size_t k = 0; k < pick.set.size(); ++k) {
      drawn[pick.set[k]] += 1.0 / kDraws;
      ASSERT_DOUBLE_EQ(pick.memo[k], q[pick.set[k]]);
    }
  }
  for (std::size_t e = 0; e < q.size(); ++e) EXPECT_NEAR(drawn[e], q[e], .012);
}

// Regret where the cost of each edge is a coin of its own; rewards are minus costs.
double play(Bandit& bandit, const std::vector<double>& mean, std::uint64_t rounds, bool full) {
  const auto space = DagPaths::create(grid(3)).value();
  RandomStream world(7);
  double paid = 0;
  for (std::uint64_t t = 0; t < rounds; ++t) {
    std::vector<double> cost(mean.size()), each;
    for (std::size_t e = 0; e < mean.size(); ++e) cost[e] = world.bernoulli(mean[e]) ? 1 : 0;
    const Choice choice = bandit.choose().value();
    for (const std::uint32_t e : choice.set) paid += mean[e];
    if (full) {
      for (const double c : cost) each.push_back(-c);
    } else {
      for (const std::uint32_t e : choice.set) each.push_back(-cost[e]);
    }
    EXPECT_TRUE(bandit.learn(choice.id, {.each = each}));
  }
  return paid - static_cast<double>(rounds) * total_of(space->best(mean), mean);
}

TEST(CombinatorialLearners, KeepTheirBounds) {
  constexpr std::uint64_t kRounds = 1500;
  const auto paths = [] { return DagPaths::create(grid(3)).value(); };
  std::vector<double> mean(12, .6);
  for (const std::uint32_t e : {0U, 2U, 4U, 9U}) mean[e] = .2;
  using Made = std::pair<std::unique_ptr<Learner>, bool>;
  std::vector<Made> all;
  all.emplace_back(SemiBanditHedge::make(paths(), {.horizon = kRounds}).value(), false);
  all.emplace_back(SemiBanditHedge::make(paths(), {.horizon = kRounds, .full = true}).value(), true);
  all.emplace_back(Fpl::make(paths(), {.horizon = kRounds}).value(), true);
  all.emplace_back(SemiBanditFpl::make(paths(), {.horizon = kRounds}).value(), false);
  for (auto& [learner, full] : all) {
    Bandit bandit = Bandit::make({.range = {-1, 0}}, std::move(learner)).value();
    const double regret = play(bandit, mean, kRounds, full);
    EXPECT_LE(regret, bandit.regret_bound(kRounds).value());
    EXPECT_LE(regret, .6 * kRounds);  // a path drawn uniformly loses more
  }
}

TEST(CombinatorialLearners, AvoidClosedAtoms) {
  std::vector<std::unique_ptr<Learner>> all;
  const auto paths = [] { return DagPaths::create(grid(3)).value(); };
  all.push_back(SemiBanditHedge::make(paths(), {.horizon = 10, .exploration = .5}).value());
  all.push_back(Fpl::make(paths(), {.horizon = 10}).value());
  all.push_back(SemiBanditFpl::make(paths(), {.horizon = 10}).value());
  for (const auto& learner : all) {
    std::vector<std::uint8_t> closed(12, 0);
    closed[0] = closed[8] = 1;
    RandomStream random(8);
    for (int i = 0; i < 200; ++i) {
      const Pick pick = learner->pick({.closed = closed}, random).value();
      ASSERT_TRUE(pick.arm);
      for (const std::uint32_t e : pick.set) ASSERT_EQ(closed[e], 0);
    }
    closed[1] = 1;  // both ways out of the source
    EXPECT_FALSE(learner->pick({.closed = closed}, random)->arm);
  }
}

TEST(CombinatorialLearners, ReplayIdenticallyFromTheirSavedState) {
  using Maker = std::unique_ptr<Learner> (*)();
  const std::array<Maker, 3> makers{
      +[]() -> std::unique_ptr<Learner> {
        return SemiBanditHedge::make(DagPaths::create(grid(3)).value(), {.horizon = 50, .exploration = .1}).value();
      },
      +[]() -> std::unique_ptr<Learner> {
        return Fpl::make(DagPaths::create(grid(3)).value(), {.horizon = 50}).value();
      },
      +[]() -> std::unique_ptr<Learner> {
        return SemiBanditFpl::make(DagPaths::create(grid(3)).value(), {.horizon = 50}).value();
      }};
  for (std::size_t m = 0; m < makers.size(); ++m) {
    const auto make = [&] { return Bandit::make({.seed = 3, .range = {-1, 0}}, makers.at(m)()).value(); };
    Bandit bandit = make();
    for (std::uint64_t t = 0; t < 60; ++t) {
      const auto turn = [&](Bandit& b) {
        const Choice choice = b.choose().value();
        const std::vector<double> each(m == 1 ? 12 : choice.set.size(), -.1 * static_cast<double>(t % 7));
        if (t % 3 != 1) {
          EXPECT_TRUE(b.learn(choice.id, {.each = each}));
        }
        return choice.set;
      };
      Bandit again = make();
      ASSERT_TRUE(again.load(parse_json(to_json(bandit.save())).value().as_object()));
      ASSERT_EQ(turn(bandit), turn(again));
      ASSERT_EQ(to_json(bandit.save()), to_json(again.save()));
    }
  }
}

TEST(CombinatorialLearners, WantTheRewardsOfTheirAtoms) {
  Bandit part = Bandit::make({}, SemiBanditHedge::make(TopK::create(4, 2).value(), {.horizon = 9}).value()).value();
  Bandit whole = Bandit::make({}, Fpl::make(TopK::create(4, 2).value(), {.horizon = 9}).value()).value();
  const Choice a = part.choose().value(), b = whole.choose().value();
  EXPECT_THAT(part.learn(a.id, {.reward = 1}).error().message, HasSubstr("2 atoms of the set"));
  EXPECT_THAT(whole.learn(b.id, {.each = std::array{1.0, 1.0}}).error().message, HasSubstr("all 4 atoms"));
  EXPECT_TRUE(part.learn(a.id, {.each = std::array{1.0, .5}}));
  EXPECT_TRUE(whole.learn(b.id, {.each = std::array{1.0, .5, 0.0, 1.0}}));
}

}  // namespace
}  // namespace bursar::explore
