#include "bursar/plan/organisation.h"

#include <cmath>
#include <gtest/gtest.h>

#include "bursar/core/random.h"

namespace bursar::plan {
namespace {

TEST(Organisation, KnowsMajoritiesInClosedForm) {
  const std::vector<std::pair<int, double>> slopes{{3, 1.5}, {5, 1.875}, {7, 2.1875}, {9, 2.4609375}};
  for (const auto& [b, slope] : slopes) EXPECT_NEAR(*majority_slope(b), slope, 1e-12);
  for (const double z : {-1.0, -.4, 0.0, .3, .8, 1.0}) {
    EXPECT_NEAR(*majority_bias(3, z), (3 * z - z * z * z) / 2, 1e-12);
    EXPECT_NEAR(*majority_bias(5, z), (15 * z - 10 * std::pow(z, 3) + 3 * std::pow(z, 5)) / 8, 1e-12);
    EXPECT_NEAR(*majority_bias(7, z), -*majority_bias(7, -z), 1e-12);
  }
  for (double z = .05; z < .95; z += .05)
    EXPECT_GE(*majority_bias(7, z), (*majority_bias(7, z - .05) + *majority_bias(7, z + .05)) / 2 - 1e-12) << "concave";
  EXPECT_NEAR(*majority_slope(1001), std::sqrt(2 * 1001 / M_PI), .02);
}

void expect_biases(const Layer& layer, const std::vector<double>& expected) {
  const auto got = *tree_biases(layer, .05, static_cast<int>(expected.size()));
  for (std::size_t t = 0; t < expected.size(); ++t) EXPECT_NEAR(got[t + 1], expected[t], 1e-6);
}

TEST(Organisation, FollowsTheRecursionOfTheSheet) {
  expect_biases({3, .2, .95}, {.066457, .088287, .117186, .155306, .205272, .270045, .352406, .453691});
  expect_biases({5, .2, .8}, {.067936, .092233, .125035, .169050, .227448});
  expect_biases({3, 0, 1}, {.074938, .112196, .167588});
  EXPECT_NEAR(*fixed_point({3, .2, .95}), .9809380, 1e-6);
  EXPECT_NEAR(*fixed_point({5, .2, .8}), .9153878, 1e-6);
  EXPECT_EQ(*fixed_point({3, .5, .8}), 0) << "alpha is exactly 1";
  EXPECT_EQ(*fixed_point({3, 0, 1}), 1);
  const Layer layer{3, .2, .95};
  const double alpha = *layer_gain(layer);
  EXPECT_NEAR(std::pow(*fixed_point(layer), 2), 2 * (alpha - 1) / (std::pow(.95, 3) * .8), 1e-9);
}

TEST(Organisation, BoundsBiasesFromBothSides) {
  for (const int b : {3, 5, 7}) {
    for (const double rho : {0.0, .1, .3}) {
      for (const double gamma : {.8, .9, 1.0}) {
        for (const double mu : {.01, .05, .2}) {
          const auto biases = *tree_biases({b, rho, gamma}, mu, 24);
          for (int depth = 0; depth <= 24; ++depth) {
            const auto bounds = *bias_bounds({b, rho, gamma}, mu, depth);
            ASSERT_LE(bounds.low, biases[static_cast<std::size_t>(depth)] + 1e-9) << b << rho << gamma << mu << depth;
            ASSERT_GE(bounds.high, biases[static_cast<std::size_t>(depth)] - 1e-9);
          }
        }
      }
    }
  }
}

// Inputs that share one copy with probability rho are correlated by exactly rho.
TEST(Organisation, EstimatesTheCorrelationOfACommonCopy) {
  RandomStream random(2);
  std::vector<std::vector<bool>> correct;
  for (int t = 0; t < 3000; ++t) {
    const bool copy = random.bernoulli(.3), common = random.bernoulli(.6);
    correct.emplace_back();
    for (int a = 0; a < 4; ++a) correct.back().push_back(copy ? common : random.bernoulli(.6));
  }
  const auto got = *estimate_correlation(correct);
  EXPECT_NEAR(got.rho, .3, 4 * got.error);
  EXPECT_LT(got.error, .03);
  EXPECT_FALSE(estimate_correlation({{true, false}}));
}

TEST(Organisation, FindsTheBudgetFromWhichOnTreesWin) {
  struct Case {
    double beta, s, leaf, budget;
  };
  for (const Case& c : {Case{.2, .35, 32.0, 118.1}, {.1, .26, 15.0, 70.9}, {.3, .31, 720, 1989.7}}) {
    const auto got = synergy(c.beta, c.s, 24);
    ASSERT_TRUE(got);
    EXPECT_NEAR(got->leaf_tokens, c.leaf, 1e-3 * c.leaf);
    EXPECT_NEAR(got->budget, c.budget, 1e-3 * c.budget);
  }
  EXPECT_FALSE(synergy(.3, .3, 24));
}

OrgInputs inputs(double budget, double rho) {
  return {.kappa = .05,
          .beta = .1,
          .fidelity = [](double m) { return 1 - std::exp(-m / 8); },
          .correlation = rho,
          .window = 512,
          .budget = budget};
}

TEST(Organisation, PlansWhatTheSheetPlans) {
  const OrgGrid grid{.messages = {2, 4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64}};
  EXPECT_EQ(plan_organisation(inputs(1e2, .05), grid)->depth, 0);
  EXPECT_NEAR(plan_organisation(inputs(1e2, .05), grid)->bias, .079, .001);
  // The sheet's prototype tried fewer lengths of messages, and found .185, .413 and .779.
  EXPECT_GE(plan_organisation(inputs(1e3, .05), grid)->bias, .185);
  EXPECT_GE(plan_organisation(inputs(1e4, .05), grid)->bias, .413);
  EXPECT_GE(plan_organisation(inputs(1e5, .05), grid)->bias, .779);
  EXPECT_EQ(plan_organisation(inputs(1e5, .05), grid)->verdict, OrgVerdict::kGrowth);
  OrgInputs slow = inputs(1e5, .85);
  slow.beta = .3;
  slow.fidelity = [](double m) { return 1 - std::exp(-m / 60); };
  for (slow.budget = 1e2; slow.budget < 1e9; slow.budget *= 10) EXPECT_EQ(plan_organisation(slow, grid)->depth, 0);
}

TEST(Organisation, IsNeverBelowASingleAgentAndNeverAboveTheBudget) {
  RandomStream random(7);
  for (int i = 0; i < 60; ++i) {
    OrgInputs in = inputs(std::exp(random.uniform(3, 12)), random.uniform(0, .9));
    in.beta = random.uniform(.05, .5);
    in.kappa = std::exp(random.uniform(-6, -1));
    const auto plan = *plan_organisation(in);
    EXPECT_GE(plan.bias, plan.single_bias);
    EXPECT_LE(tree_tokens(plan.fan_in, plan.depth, plan.message, plan.leaf_tokens), in.budget * (1 + 1e-9));
    EXPECT_FALSE(plan.why.empty());
  }
}

TEST(Organisation, LearnsTheLawOfAnAgent) {
  RandomStream random(3);
  std::vector<AgentRun> runs;
  for (const double x : {100.0, 300.0, 1000.0, 3000.0}) {
    const double p = (1 + .1 * std::pow(x, .2)) / 2;
    for (int i = 0; i < 20'000; ++i) runs.push_back({x, random.bernoulli(p)});
  }
  const auto law = *fit_agent_law(runs);
  EXPECT_NEAR(law.beta, .2, .03);
  EXPECT_NEAR(law.kappa * std::pow(1000, law.beta), .1 * std::pow(1000, .2), .01);
  EXPECT_EQ(fit_agent_law(std::vector<AgentRun>(40, {100, true})).error().code, ErrorCode::kInfeasible);
}

TEST(Organisation, FallsToTheFloorOfAverages) {
  EXPECT_NEAR(error_floor(4, .2, .3), .125, 1e-12);
  EXPECT_NEAR(averaged_error(1, 4, .2, .3, 200), .125, 1e-12);
  const double lam = .2 + .8 / 4;
  EXPECT_NEAR(averaged_error(1, 4, .2, .3, 3), std::pow(lam, 3) * (1 - .125) + .125, 1e-12);
}

TEST(Organisation, RefusesWhatCannotBe) {
  EXPECT_FALSE(majority_bias(4, .1));
  EXPECT_FALSE(majority_bias(1, .1));
  EXPECT_FALSE(layer_gain({3, 1, 1}));
  EXPECT_FALSE(layer_gain({3, 0, 0}));
  EXPECT_FALSE(plan_organisation(inputs(0, .1)));
  OrgInputs narrow = inputs(1e4, .1);
  narrow.window = 5;
  EXPECT_EQ(plan_organisation(narrow)->depth, 0);
  EXPECT_NE(plan_organisation(narrow)->why.find("no three messages"), std::string::npos);
  narrow.fidelity = nullptr;
  EXPECT_FALSE(plan_organisation(narrow));
}

}  // namespace
}  // namespace bursar::plan
