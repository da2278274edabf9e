#include "reproduce/oracles/match_oracles.h"

#include <cmath>
#include <gtest/gtest.h>

#include "bursar/admit/matching/match_bounds.h"
#include "bursar/core/random.h"

namespace bursar::reproduce {
namespace {

using admit::GoalRule;
using admit::MatchInstance;

// Rows are goals, columns slots, as the sheet writes them.
MatchInstance from_rows(const std::vector<std::vector<double>>& p) {
  MatchInstance out{.weight = std::vector<double>(p.size(), 1.0),
                    .slots = std::vector<std::vector<admit::MatchEdge>>(p.front().size())};
  for (std::size_t u = 0; u < p.size(); ++u) {
    for (std::size_t v = 0; v < p[u].size(); ++v) {
      if (p[u][v] > 0) out.slots[v].push_back({.goal = u, .probability = p[u][v]});
    }
  }
  return out;
}

MatchInstance tiny(RandomStream& random) {
  MatchInstance out{.weight = std::vector<double>(1 + random.uniform_int(4)),
                    .slots = std::vector<std::vector<admit::MatchEdge>>(1 + random.uniform_int(6))};
  for (double& w : out.weight) w = random.bernoulli(.5) ? 1 : random.uniform(0, 3);
  for (auto& slot : out.slots) {
    for (std::size_t u = 0; u < out.weight.size(); ++u) {
      if (random.bernoulli(.65))
        slot.push_back({.goal = u, .probability = random.bernoulli(.1) ? 1 : random.uniform01()});
    }
  }
  return out;
}

TEST(MatchOracles, GiveTheSheetsFirstInstance) {
  const MatchInstance instance = from_rows({{.5, .5, 0}, {.5, 0, .5}});
  EXPECT_NEAR(*adaptive_optimum(instance), 1.25, 1e-12);
  EXPECT_NEAR(stochastic_configuration_lp(instance)->bound, 1.25, 1e-9);
  EXPECT_NEAR(configuration_lp(instance)->bound, 1.5, 1e-9);
  EXPECT_NEAR(matching_lp(instance)->bound, 1.5, 1e-9);
  EXPECT_NEAR(*expected_value(instance, {}), 1.25, 1e-12);
}

TEST(MatchOracles, GiveTheSheetsSecondInstance) {
  const MatchInstance instance = from_rows({{.5, .5}, {.5, 0}});
  EXPECT_NEAR(*adaptive_optimum(instance), 1.0, 1e-12);
  EXPECT_NEAR(stochastic_configuration_lp(instance)->bound, 1.0, 1e-9);
  EXPECT_NEAR(configuration_lp(instance)->bound, 1.0, 1e-9);
  EXPECT_NEAR(matching_lp(instance)->bound, 1.0, 1e-9);
  EXPECT_NEAR(*expected_value(instance, {}), .75, 1e-12);
}

TEST(MatchOracles, OneGoalSucceedsOnceInKTries) {
  const MatchInstance instance = from_rows({{.3, .3, .3, .3}});
  const double want = 1 - std::pow(.7, 4);
  EXPECT_NEAR(*adaptive_optimum(instance), want, 1e-12);
  EXPECT_NEAR(*expected_value(instance, {}), want, 1e-12);
  EXPECT_NEAR(stochastic_configuration_lp(instance)->bound, want, 1e-9);
}

TEST(MatchOracles, BalanceNeverBeatsTheOptimumNorThatTheStochasticLpNorTheMatchingLp) {
  RandomStream random(11);
  for (int trial = 0; trial < 200; ++trial) {
    const MatchInstance instance = tiny(random);
    const double best = *adaptive_optimum(instance), lp = stochastic_configuration_lp(instance)->bound;
    EXPECT_LE(best, lp + 1e-9);
    EXPECT_LE(best, matching_lp(instance)->bound + 1e-9);
    for (const GoalRule rule : {GoalRule::kBalance, GoalRule::kGreedy, GoalRule::kRanking, GoalRule::kFirst}) {
      EXPECT_LE(*expected_value(instance, {.rule = rule}), best + 1e-9) << name_of(rule);
    }
  }
}

TEST(MatchOracles, GeneratedColumnsGiveTheEnumeratedPrograms) {
  RandomStream random(12);
  for (int trial = 0; trial < 200; ++trial) {
    const MatchInstance instance = tiny(random);
    const auto stochastic = stochastic_configuration_lp(instance), older = configuration_lp(instance);
    const double want = *enumerated_lp(instance, EnumeratedLp::kStochastic),
                 want_older = *enumerated_lp(instance, EnumeratedLp::kTruncated);
    EXPECT_NEAR(stochastic->value, want, 1e-8);
    EXPECT_NEAR(stochastic->bound, want, 1e-8);
    EXPECT_NEAR(older->value, want_older, 1e-8);
    EXPECT_NEAR(older->bound, want_older, 1e-8);
  }
}

TEST(MatchOracles, AtProbabilityOneBalanceIsADeterministicMatching) {
  // Slot 0 takes goal 0 (the lower id), slot 1 what is left of {0, 1}, slot 2 comes too late for 0.
  const MatchInstance instance = from_rows({{1, 1, 1}, {1, 1, 0}});
  EXPECT_EQ(*expected_value(instance, {}), 2);
  EXPECT_NEAR(matching_lp(instance)->value, 2, 1e-9);
  EXPECT_EQ(*adaptive_optimum(instance), 2);
}

TEST(MatchOracles, SayWhatIsTooLarge) {
  EXPECT_FALSE(adaptive_optimum({.weight = std::vector<double>(17, 1.0), .slots = {}}));
  EXPECT_FALSE(expected_value({.weight = {1}, .slots = std::vector<std::vector<admit::MatchEdge>>(21)}, {}));
  EXPECT_FALSE(adaptive_optimum({.weight = {1}, .slots = {{{1, .5}}}}));
}

}  // namespace
}  // namespace bursar::reproduce
