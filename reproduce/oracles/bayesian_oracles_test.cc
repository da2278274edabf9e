#include "reproduce/oracles/bayesian_oracles.h"

#include <cmath>
#include <gtest/gtest.h>

#include "bursar/admit/matching/posted_prices.h"
#include "bursar/core/random.h"

namespace bursar::reproduce {
namespace {

using admit::BayesianMatching;
using admit::OnlineLp;
using admit::PhilosopherValue;
using admit::ProposalPlan;

// One buyer a period, w[item][period] as the sheet writes it.
BayesianMatching bernoulli(const std::vector<double>& p, const std::vector<std::vector<double>>& w) {
  BayesianMatching m{.items = w.size(), .periods = {}};
  for (std::size_t t = 0; t < p.size(); ++t) {
    m.periods.push_back({.types = {{.probability = p[t], .value = {}}}});
    for (const auto& row : w) m.periods[t].types[0].value.push_back(row[t]);
  }
  return m;
}

BayesianMatching random_matching(RandomStream& random, std::size_t most_types) {
  BayesianMatching m{.items = 1 + random.uniform_int(4),
                     .periods = std::vector<admit::Period>(1 + random.uniform_int(5))};
  for (auto& period : m.periods) {
    period.types.resize(random.uniform_int(most_types + 1));
    for (auto& type : period.types) {
      type.probability = random.uniform01() / static_cast<double>(period.types.size());
      for (std::size_t i = 0; i < m.items; ++i) type.value.push_back(random.bernoulli(.2) ? 0 : random.uniform01());
    }
  }
  return m;
}

double rule_value(const BayesianMatching& m, const OnlineLp& lp) {
  const PhilosopherValue value = *PhilosopherValue::tabulate(*ProposalPlan::create(m, lp));
  return value.at(0, value.all());
}

double welfare(const BayesianMatching& m, const OnlineLp& lp) {
  return *price_welfare(m, *PhilosopherValue::tabulate(*ProposalPlan::create(m, lp)));
}

TEST(BayesianOracles, GiveTheSheetsFirstInstance) {
  const auto m = bernoulli({.5, .8, .6}, {{.9, .4, .7}, {.3, .8, .6}});
  const OnlineLp lp = *solve_online_lp(m);
  EXPECT_NEAR(lp.objective, 1.372, 1e-9);
  EXPECT_NEAR(*best_online(m), 1.336, 1e-9);
  EXPECT_NEAR(rule_value(m, lp), 1.336, 1e-9);
  EXPECT_NEAR(welfare(m, lp), 1.336, 1e-9);
}

TEST(BayesianOracles, GiveTheSheetsSecondInstance) {
  const auto m = bernoulli({.5, .8, .6, .9, .7}, {{.9, .4, .7, .2, .5}, {.3, .8, .6, .9, .1}, {.5, .5, .2, .4, .8}});
  const OnlineLp lp = *solve_online_lp(m);
  EXPECT_NEAR(lp.objective, 2.089, 5e-4);
  EXPECT_NEAR(*best_online(m), 2.06368, 5e-6);
  EXPECT_NEAR(rule_value(m, lp), 2.03468, 5e-6);
  EXPECT_NEAR(welfare(m, lp), 2.06368, 5e-6);
  EXPECT_NEAR(*greedy_value(m), 1.88412, 5e-6);
  EXPECT_NEAR(*clairvoyant(m), 2.252940, 5e-7);
}

TEST(BayesianOracles, KnowTheGapToTheClairvoyant) {
  const double e = .01;
  const auto m = bernoulli({1, e}, {{1, 1 / e}});
  EXPECT_NEAR(solve_online_lp(m)->objective, 1, 1e-9);
  EXPECT_NEAR(*best_online(m), 1, 1e-12);
  EXPECT_NEAR(*clairvoyant(m), 2 - e, 1e-12);
}

TEST(BayesianOracles, AllButGreedyKeepTheItemThatIsWantedLater) {
  const auto m = bernoulli({1, .5}, {{1, 3}, {1, 0}});
  const OnlineLp lp = *solve_online_lp(m);
  EXPECT_NEAR(lp.objective, 2.5, 1e-9);
  EXPECT_NEAR(*best_online(m), 2.5, 1e-9);
  EXPECT_NEAR(rule_value(m, lp), 2.5, 1e-9);
  EXPECT_NEAR(welfare(m, lp), 2.5, 1e-9);
  EXPECT_NEAR(*greedy_value(m), 1, 1e-12);
}

TEST(BayesianOracles, TheTableIsTheRuleFollowedByHand) {
  RandomStream random(31);
  for (int trial = 0; trial < 120; ++trial) {
    const auto m = random_matching(random, trial % 2 == 0 ? 1 : 3);
    const OnlineLp lp = *solve_online_lp(m);
    EXPECT_NEAR(rule_value(m, lp), rule_by_hand(m, lp), 1e-10) << trial;
  }
}

TEST(BayesianOracles, RuleOptimumLpAndProphetStandInOrder) {
  RandomStream random(32);
  for (int trial = 0; trial < 150; ++trial) {
    const auto m = random_matching(random, trial % 2 == 0 ? 1 : 3);
    const OnlineLp lp = *solve_online_lp(m);
    const double best = *best_online(m), rule = rule_value(m, lp), sold = welfare(m, lp);
    EXPECT_LE(best, lp.objective + 1e-9);
    EXPECT_LE(rule, best + 1e-9);
    EXPECT_LE(sold, best + 1e-9);
    EXPECT_LE(rule, sold + 1e-9) << "prices are never worse than the rule";
    EXPECT_GE(rule, .678 * lp.objective - 1e-9);
    EXPECT_NEAR(lp.objective, *online_lp_by_prefix_sums(m, true), 1e-8);
    const double prophet = *online_lp_by_prefix_sums(m, false);
    EXPECT_LE(lp.objective, prophet + 1e-9);
    EXPECT_LE(*clairvoyant(m), prophet + 1e-9);
  }
}

TEST(BayesianOracles, PricesLeadTheRuleInEveryState) {
  RandomStream random(33);
  for (int trial = 0; trial < 80; ++trial) {
    const auto m = random_matching(random, trial % 2 == 0 ? 1 : 3);
    const auto value = *PhilosopherValue::tabulate(*ProposalPlan::create(m, *solve_online_lp(m)));
    double lead = 0;
    (void)*price_welfare(m, value, &lead);
    EXPECT_GE(lead, -1e-9);
    for (std::size_t t = 0; t < m.periods.size(); ++t) {
      for (std::uint32_t free = 0; free <= value.all(); ++free) {
        for (std::size_t i = 0; i < m.items; ++i) EXPECT_LE(value.at(t, free & ~(1U << i)), value.at(t, free) + 1e-9);
      }
    }
  }
}

}  // namespace
}  // namespace bursar::reproduce
