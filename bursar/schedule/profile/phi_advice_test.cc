#include "bursar/schedule/profile/phi_advice.h"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/core/random.h"
#include "bursar/schedule/profile/noisy_quadratic.h"
#include "bursar/schedule/profile/schedule.h"

namespace bursar::schedule {
namespace {

using ::testing::HasSubstr;

NoisyQuadratic make(const NoisyQuadraticOptions& options) { return *NoisyQuadratic::create(options); }

TEST(NoisyQuadratic, IsTheClosedFormAtAConstantRate) {
  const auto one = make({.low = .3, .high = .3, .noise = .02, .count = 1});
  const double rate = .4, a = std::pow(1 - rate * .3, 2), b = rate * rate * .02;
  const double e = std::pow(a, 50) + b * (1 - std::pow(a, 50)) / (1 - a);
  EXPECT_NEAR(*one.loss(std::vector(50, rate)), .3 * e / 2, 1e-15);
  EXPECT_NEAR(*one.loss(std::vector(1, rate), 50), .3 * e / 2, 1e-15);
  EXPECT_EQ(*one.loss({}), .15);
}

TEST(NoisyQuadratic, IsTheMeanOfRunsWithNoiseThatIsDrawn) {
  const std::vector<double> rates{.9, .7, .5, .2, .1};
  const auto problem = make({.low = .1, .high = 1, .noise = .05, .noise_follows_curvature = true, .count = 2});
  RandomStream random(7);
  double sum = 0;
  constexpr int kRuns = 100'000;
  for (int run = 0; run < kRuns; ++run) {
    for (const double lambda : {.1, 1.0}) {
      double x = 1;
      for (const double rate : rates) x -= rate * (lambda * x + std::sqrt(.05 * lambda) * random.normal());
      sum += lambda * x * x / 2;
    }
  }
  EXPECT_NEAR(sum / kRuns, *problem.loss(rates), .001);
}

TEST(NoisyQuadratic, RepeatsAStepAsOftenAsTold) {
  const auto problem = make({.noise = .01, .noise_follows_curvature = true});
  const std::vector<double> few{.5, .25, .125};
  std::vector<double> many;
  for (const double rate : few) many.insert(many.end(), 37, rate);
  EXPECT_NEAR(*problem.loss(few, 37) / *problem.loss(many), 1, 1e-12);
}

TEST(NoisyQuadratic, PutsTheSchedulesInTheOrderOfTheSheet) {
  const auto problem = make({.noise = .01});
  const auto loss = [&](const char* words, std::int64_t total) {
    const auto shares = Schedule::create({.profile = *parse_profile(words), .steps = total, .peak = 1})->table();
    return problem.best(*shares, log_spaced(.002, 2, 25))->loss;
  };
  const std::vector<std::pair<const char*, std::vector<double>>> sheet{{"linear", {1.004, 1.004, 1.002}},
                                                                       {"cosine", {1.059, 1.047, 1.050}},
                                                                       {"step", {1.307, 1.284, 1.268}},
                                                                       {"none", {1.202, 1.219, 1.282}}};
  const std::vector<std::int64_t> totals{50, 200, 1000};
  for (std::size_t k = 0; k < totals.size(); ++k) {
    const double rex = loss("rex", totals[k]);
    for (const auto& [words, ratios] : sheet) EXPECT_NEAR(loss(words, totals[k]) / rex, ratios[k], 6e-4) << words;
  }
}

TEST(NoisyQuadratic, RefusesBadInputAndOverflowsToInfinity) {
  EXPECT_FALSE(NoisyQuadratic::create({.low = 0}));
  EXPECT_FALSE(NoisyQuadratic::create({.low = 2, .high = 1}));
  EXPECT_FALSE(NoisyQuadratic::create({.noise = -1}));
  EXPECT_FALSE(NoisyQuadratic::create({.count = 0}));
  const auto problem = make({});
  EXPECT_FALSE(problem.loss(std::vector{-1.0}));
  EXPECT_FALSE(problem.loss(std::vector{std::nan("")}));
  EXPECT_FALSE(problem.loss(std::vector{1.0}, 0));
  EXPECT_FALSE(problem.best(std::vector{1.0}, {}));
  EXPECT_TRUE(std::isinf(*problem.loss(std::vector(400, 1e5))));
}

TEST(PhiAdvice, IsTheTableOfTheSheet) {
  const std::vector<double> shares{.1, .3, 1, 3, 10};
  const auto advice = [](double kappa, double share, double noise) {
    return advise_phi({.kappa = kappa, .total = std::llround(kappa * share), .noise = noise})->phi;
  };
  const std::vector<std::pair<double, std::vector<double>>> sheet{
      {.001, {.125, .125, .25, 4, 8}}, {.01, {.125, .5, 2, 8, 8}}, {.1, {2, 4, 8, 8, 8}}};
  for (const auto& [noise, phis] : sheet) {
    for (std::size_t i = 0; i < shares.size(); ++i)
      EXPECT_EQ(advice(300, shares[i], noise), phis[i]) << noise << ' ' << i;
  }
  EXPECT_EQ(advice(3000, .1, .01), .5);
  EXPECT_EQ(advice(3000, .3, .01), 1);
  EXPECT_EQ(advice(3000, 1, .01), 4);
}

TEST(PhiAdvice, RisesWithTheStepsAndIsNeverWorseThanCosine) {
  for (const double kappa : {10.0, 100.0, 1000.0, 10000.0}) {
    double last = 0;
    for (const std::int64_t total : {30, 100, 300, 1000}) {
      const auto advice = advise_phi({.kappa = kappa, .total = total, .noise = .01});
      ASSERT_TRUE(advice);
      EXPECT_GE(advice->phi, last);
      last = advice->phi;
      ASSERT_EQ(advice->loss_by_phi.size(), 7U);
      const auto best = std::ranges::min(advice->loss_by_phi, {}, &PhiLoss::loss);
      EXPECT_NEAR(best.loss, std::ranges::find(advice->loss_by_phi, advice->phi, &PhiLoss::phi)->loss,
                  1e-9 * best.loss);
      EXPECT_LE(best.loss, std::ranges::find(advice->loss_by_phi, 2, &PhiLoss::phi)->loss);
    }
  }
}

TEST(PhiAdvice, ReadsLongRunsAtFewerStepsAndSaysTheSame) {
  // 1,024 steps are exact, 1,026 are read in pairs.
  const auto exact = advise_phi({.kappa = 1e4, .total = 1024, .noise = .01});
  const auto pairs = advise_phi({.kappa = 1e4, .total = 1026, .noise = .01});
  EXPECT_EQ(exact->phi, pairs->phi);
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_NEAR(pairs->loss_by_phi[i].loss / exact->loss_by_phi[i].loss, 1, .01);
  }
  EXPECT_TRUE(advise_phi({.kappa = 1e9, .total = std::int64_t{1} << 40, .noise = .01}));
}

TEST(PhiAdvice, RefusesBadInputByName) {
  EXPECT_THAT(advise_phi({.kappa = .5, .total = 10}).error().message,
              HasSubstr("kappa: a condition number is at least 1"));
  EXPECT_THAT(advise_phi({.kappa = 10, .total = 0}).error().message, HasSubstr("total: must be from 1"));
  EXPECT_THAT(advise_phi({.kappa = 10, .total = 10, .noise = -1}).error().message, HasSubstr("noise"));
  EXPECT_FALSE(advise_phi({.kappa = std::nan(""), .total = 10}));
}

}  // namespace
}  // namespace bursar::schedule
