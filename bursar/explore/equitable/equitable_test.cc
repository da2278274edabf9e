#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

#include "bursar/core/json.h"
#include "bursar/explore/equitable/adaptive_sampler.h"

namespace bursar::explore {
namespace {

using ::testing::HasSubstr;
using Counts = std::vector<std::int64_t>;

// The sheet's analytic world.
std::vector<GroupSpec> sheet_groups() {
  return {{.name = "a", .cost = 1, .weight = .25, .population = .6},
          {.name = "b", .cost = 1, .weight = .25, .population = .2},
          {.name = "c", .cost = 2, .weight = .25, .population = .15},
          {.name = "d", .cost = 4, .weight = .25, .population = .05}};
}
const std::vector<LearningCurve> kSheetCurves{{.05, 1.2, .5}, {.08, 2.5, .35}, {.06, 1.0, .7}, {.10, 3.0, .45}};

TEST(StaticPlan, GivesTheSheetsOptimum) {
  const auto groups = sheet_groups();
  const auto plan = plan_static(groups, kSheetCurves, {.q = 2}, 4000);
  ASSERT_TRUE(plan) << plan.error().message;
  const std::vector<double> sheet{321.6, 1512.7, 107.0, 487.9};
  for (std::size_t g = 0; g < 4; ++g) EXPECT_NEAR(plan->amounts[g], sheet[g], .06);
  EXPECT_NEAR(plan->bound, .04473, 1e-5);
  EXPECT_NEAR(plan->price, 6.0827e-6, 1e-10);
  EXPECT_EQ(plan->counts, (Counts{322, 1512, 107, 488}));
  EXPECT_LE(plan->spent, 4000);
  EXPECT_GE(plan->loss, plan->bound - 1e-12);
}

TEST(StaticPlan, HasOneMarginalForEveryInteriorGroup) {
  RandomStream random(2);
  for (int trial = 0; trial < 100; ++trial) {
    std::vector<GroupSpec> groups;
    std::vector<LearningCurve> curves;
    const std::size_t size = 2 + random.uniform_int(std::uint64_t{5});
    for (std::size_t g = 0; g < size; ++g) {
      groups.push_back({.name = std::to_string(g), .cost = random.uniform(.5, 5), .weight = random.uniform(.1, 2)});
      curves.push_back({random.uniform(0, .2), random.uniform(.5, 3), random.uniform(.2, 1)});
    }
    const EquityObjective objective{.q = random.uniform(1, 6)};
    const auto plan = plan_static(groups, curves, objective, random.uniform(1e3, 1e5));
    ASSERT_TRUE(plan) << plan.error().message;
    for (std::size_t g = 0; g < size; ++g) {
      if (plan->amounts[g] <= 1 + 1e-9) continue;
      const double n = plan->amounts[g];
      const double marginal =
          -groups[g].weight * objective.slope(curves[g].error(n)) * curves[g].slope(n) / groups[g].cost;
      EXPECT_NEAR(marginal / plan->price, 1, 1e-8);
    }
  }
}

TEST(StaticPlan, FollowsTheClosedFormOfPurePowersAtAverageError) {
  std::vector<GroupSpec> groups{{.name = "a", .cost = 1, .weight = 1}, {.name = "b", .cost = 3, .weight = 2}};
  const std::vector<LearningCurve> curves{{0, 2, .5}, {0, 1, .8}};
  const auto plan = plan_static(groups, curves, {.q = 1}, 1000).value();
  for (std::size_t g = 0; g < 2; ++g) {
    const double x = std::pow(groups[g].weight * curves[g].b * curves[g].gamma / groups[g].cost / plan.price,
                              1 / (curves[g].gamma + 1));
    EXPECT_NEAR(plan.amounts[g], x, 1e-6 * x);
  }
}

TEST(StaticPlan, IsNeymansForMeans) {
  // The error of a mean, s^2 / n, has gamma 1: n ~ s sqrt(w / c).
  const std::vector<GroupSpec> groups{{.name = "a", .cost = 1, .weight = 1}, {.name = "b", .cost = 4, .weight = 9}};
  const std::vector<LearningCurve> curves{{0, 4, 1}, {0, 25, 1}};
  const auto plan = plan_static(groups, curves, {.q = 1}, 10'000).value();
  EXPECT_NEAR(plan.amounts[1] / plan.amounts[0], 5 * 1.5 / 2, 1e-6);
}

TEST(StaticPlan, EqualsBruteForceOnTinyWholeInstances) {
  RandomStream random(3);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<GroupSpec> groups;
    std::vector<LearningCurve> curves;
    for (int g = 0; g < 3; ++g) {
      groups.push_back({.name = std::to_string(g), .cost = 2, .weight = random.uniform(.1, 2), .max_n = 6});
      curves.push_back({random.uniform(0, .2), random.uniform(.5, 3), random.uniform(.2, 1)});
    }
    const EquityObjective objective{.q = 2};
    const auto budget = static_cast<double>(random.uniform_int(std::int64_t{6}, 24));
    double best = 1e300;
    for (std::int64_t a = 1; a <= 6; ++a) {
      for (std::int64_t b = 1; b <= 6; ++b) {
        for (std::int64_t c = 1; c <= 6; ++c) {
          const Counts counts{a, b, c};
          if (cost_of(groups, counts) <= budget) best = std::min(best, equity_loss(groups, curves, objective, counts));
        }
      }
    }
    const auto plan = plan_static(groups, curves, objective, budget);
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_NEAR(plan->loss, best, 1e-12);
  }
}

TEST(StaticPlan, SplitsEquallyAmongEqualsAndGivesDearerGroupsLess) {
  std::vector<GroupSpec> groups{{.name = "a"}, {.name = "b"}, {.name = "c"}};
  const std::vector<LearningCurve> curves(3, {.05, 1, .5});
  EXPECT_EQ(plan_static(groups, curves, {.q = 3}, 300)->counts, (Counts{100, 100, 100}));
  std::int64_t last = 1'000'000;
  for (const double cost : {1.0, 1.5, 2.0, 4.0, 8.0}) {
    groups[1].cost = cost;
    const auto plan = plan_static(groups, curves, {.q = 3}, 300);
    EXPECT_LE(plan->counts[1], last);
    last = plan->counts[1];
  }
}

TEST(StaticPlan, BeatsWhatIsDoneWithoutCurves) {
  const auto groups = sheet_groups();
  const EquityObjective objective{.q = 2};
  const std::vector<std::pair<FixedPlan, double>> sheet{
      {FixedPlan::kEqualCounts, .05717}, {FixedPlan::kEqualSpend, .05682}, {FixedPlan::kProportional, .07473}};
  for (const auto& [kind, loss] : sheet) {
    const auto counts = plan_fixed(kind, groups, 4000);
    ASSERT_TRUE(counts);
    EXPECT_LE(cost_of(groups, *counts), 4000);
    EXPECT_NEAR(equity_loss(groups, kSheetCurves, objective, *counts), loss, 2e-4);  // whole samples
  }
}

TEST(StaticPlan, SaysWhatEquityCostsAndHowThePlanMovesWithItsValues) {
  const auto groups = sheet_groups();
  const auto plan = plan_static(groups, kSheetCurves, {.q = 4}, 4000).value();
  const auto why = explain_plan(groups, kSheetCurves, {.q = 4}, 4000, plan);
  ASSERT_TRUE(why);
  EXPECT_GT(why->price_of_equity, 0);
  EXPECT_EQ(why->variants.size(), 8U);
  EXPECT_EQ(why->variants[2].counts, plan.counts);
  EXPECT_GT(why->variants[5].counts[1], plan.counts[1]);
  EXPECT_NEAR(explain_plan(groups, kSheetCurves, {.q = 1}, 4000, *plan_static(groups, kSheetCurves, {.q = 1}, 4000))
                  ->price_of_equity,
              0, 1e-12);
}

TEST(StaticPlan, TakesALossOfOnesOwn) {
  const auto groups = sheet_groups();
  const EquityObjective own{.user_loss = [](double e) { return e * e; }, .user_slope = [](double e) { return 2 * e; }};
  EXPECT_EQ(plan_static(groups, kSheetCurves, own, 4000)->counts, (Counts{322, 1512, 107, 488}));
}

TEST(StaticPlan, RefusesWhatCannotBeMeant) {
  const auto plan = [](auto&& change, double budget = 4000) {
    auto groups = sheet_groups();
    auto curves = kSheetCurves;
    change(groups, curves);
    const auto got = plan_static(groups, curves, {.q = 2}, budget);
    return got ? std::string("planned") : got.error().message;
  };
  EXPECT_THAT(plan([](auto& g, auto&) { g[1].cost = 0; }), HasSubstr("group 'b': cost is 0"));
  EXPECT_THAT(plan([](auto& g, auto&) { g[1].weight = -1; }), HasSubstr("weight"));
  EXPECT_THAT(plan([](auto& g, auto&) { g[1].name = "a"; }), HasSubstr("stands twice"));
  EXPECT_THAT(plan([](auto& g, auto&) { g[1].min_n = 0; }), HasSubstr("min_n"));
  EXPECT_THAT(plan([](auto&, auto& c) { c.pop_back(); }), HasSubstr("curves"));
  EXPECT_THAT(plan([](auto&, auto& c) { c[2].gamma = 0; }), HasSubstr("gamma"));
  EXPECT_THAT(plan([](auto&, auto&) {}, 7), HasSubstr("the least counts cost 8"));
  EXPECT_EQ(plan([](auto&, auto&) {}, 8), "planned");
}

TEST(CurvePosterior, RecoversTheCurveFromExactMeasurements) {
  std::vector<CurveObservation> seen;
  const LearningCurve truth{.08, 2.5, .35};
  for (const double n : {50.0, 100.0, 200.0, 500.0, 1000.0, 4000.0}) seen.push_back({n, truth.error(n), 1e-10});
  const auto posterior = CurvePosterior::fit({}, seen);
  ASSERT_TRUE(posterior);
  const LearningCurve got = posterior->likeliest();
  EXPECT_NEAR(got.gamma, .35, 1e-9);
  EXPECT_NEAR(got.a, .08, 1e-3);
  EXPECT_NEAR(got.b, 2.5, 1e-2);
  EXPECT_NEAR(posterior->at(10'000).error, truth.error(10'000), 1e-3);
  RandomStream random(1);
  EXPECT_NEAR(posterior->draw(random).error(2000), truth.error(2000), 1e-3);
}

TEST(CurvePosterior, DrawsHaveItsMeanAndDeviation) {
  const std::vector<CurveObservation> seen{{50, .5, .001}, {100, .4, .001}};
  const auto posterior = CurvePosterior::fit({}, seen).value();
  const CurveEstimate at = posterior.at(300);
  RandomStream random(7);
  double sum = 0, squares = 0;
  constexpr int kDraws = 40'000;
  for (int i = 0; i < kDraws; ++i) {
    const double e = posterior.draw(random).error(300);
    sum += e;
    squares += e * e;
  }
  EXPECT_NEAR(sum / kDraws, at.error, 4 * at.deviation / std::sqrt(kDraws));
  EXPECT_NEAR(std::sqrt(squares / kDraws - std::pow(sum / kDraws, 2)), at.deviation, .03 * at.deviation);
}

TEST(CurvePosterior, RefusesWhatCannotBeMeasured) {
  for (const CurveObservation& wrong : std::vector<CurveObservation>{
           {0, .1, 1}, {10, -.1, 1}, {10, std::nan(""), 1}, {10, INFINITY, 1}, {10, .1, 0}, {10, .1, -1}}) {
    EXPECT_EQ(CurvePosterior::fit({}, {&wrong, 1}).error().code, ErrorCode::kInvalidArgument);
  }
}

// Buys until the end; errors are observed through `validation` Bernoulli trials, 0: exactly.
AdaptiveSampler run(AdaptiveSampler sampler, std::int64_t validation, std::uint64_t seed,
                    const std::function<void(AdaptiveSampler&)>& between = {}) {
  std::mt19937_64 random(seed);
  while (const auto want = sampler.next()) {
    EXPECT_TRUE(sampler.bought(want->count));
    for (const std::int64_t n : sampler.record_sizes(want->group)) {
      const double e = std::min(1.0, kSheetCurves[want->group].error(static_cast<double>(n)));
      double seen = e;
      if (validation > 0) {
        std::binomial_distribution<std::int64_t> wrong(validation, e);
        seen = static_cast<double>(wrong(random)) / static_cast<double>(validation);
      }
      const double v = validation > 0 ? static_cast<double>(validation) : 1e5;
      const auto ok = sampler.observe(want->group, n, seen, std::max(seen * (1 - seen), .01) / v);
      EXPECT_TRUE(ok) << ok.error().message;
    }
    if (between) between(sampler);
  }
  return sampler;
}

TEST(AdaptiveSampler, ClosesMostOfTheGapToThePlanThatKnowsTheCurves) {
  const auto groups = sheet_groups();
  const EquityObjective objective{.q = 2};
  constexpr int kSeeds = 12;
  for (const bool thompson : {false, true}) {
    double closed = 0;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      auto made = AdaptiveSampler::make(
          groups, {.objective = objective, .budget = 4000, .batch = 100, .thompson = thompson, .seed = seed});
      const auto sampler = run(*std::move(made), 200, seed);
      EXPECT_LE(sampler.spent(), 4000);
      EXPECT_GT(sampler.spent(), 3990);
      const double loss = equity_loss(groups, kSheetCurves, objective, sampler.counts());
      EXPECT_LT(loss, .0568) << "worse than equal spend";
      closed += (.05717 - loss) / (.05717 - .04473) / kSeeds;
    }
    EXPECT_GE(closed, .8);
  }
}

TEST(AdaptiveSampler, NeverSpendsMoreThanItsBudgetWhateverItMeasures) {
  RandomStream random(9);
  for (int trial = 0; trial < 100; ++trial) {
    std::vector<GroupSpec> groups;
    for (int g = 0; g < 3; ++g) {
      groups.push_back({.name = std::to_string(g),
                        .cost = .1 * static_cast<double>(1 + random.uniform_int(std::uint64_t{30})),
                        .max_n = 5 + random.uniform_int(std::int64_t{0}, 100)});
    }
    auto made = AdaptiveSampler::make(groups, {.budget = random.uniform(40, 200), .seed_count = 5, .seed = random()});
    ASSERT_TRUE(made) << made.error().message;
    int rounds = 0;
    while (const auto want = made->next()) {
      ASSERT_LT(++rounds, 2000);
      ASSERT_TRUE(made->bought(random.uniform_int(std::int64_t{0}, want->count)));
      const std::int64_t n = made->counts()[want->group];
      ASSERT_TRUE(n == 0 || made->observe(want->group, n, random.uniform01() * 3, .01));
      ASSERT_LE(made->spent(), 200);
    }
  }
}

TEST(AdaptiveSampler, StopsWhereNothingMoreIsWorthIt) {
  const auto stops = [](double tolerance) {
    return run(AdaptiveSampler::make(sheet_groups(), {.budget = 4000, .tolerance = tolerance}).value(), 0, 1).spent();
  };
  EXPECT_GT(stops(0), 3990);
  EXPECT_LT(stops(.05), 2500);
  EXPECT_GT(stops(.05), 0);
}

TEST(AdaptiveSampler, GoesOnFromItsSavedState) {
  const auto make = [] {
    return AdaptiveSampler::make(sheet_groups(), {.budget = 4000, .thompson = true, .seed = UINT64_MAX}).value();
  };
  const auto whole = run(make(), 200, 4);
  const auto parts = run(make(), 200, 4, [](AdaptiveSampler& s) {
    auto back = AdaptiveSampler::restore(parse_json(to_json(*s.save()))->as_object());
    ASSERT_TRUE(back) << back.error().message;
    s = *std::move(back);
  });
  EXPECT_EQ(to_json(*parts.save()), to_json(*whole.save()));
  auto wrong = *whole.save();
  wrong["groups"].as_array()[0].as_object()["count"] = 5000;
  EXPECT_EQ(AdaptiveSampler::restore(wrong).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(AdaptiveSampler::restore({}).error().code, ErrorCode::kCorrupt);
}

TEST(AdaptiveSampler, BuysForTheGroupThatHelpsOthersWhereTheyShareAModel) {
  // Equal groups at equal cost, but what is bought for the first helps the second.
  const std::vector<GroupSpec> groups{{.name = "a", .weight = 1}, {.name = "b", .weight = 1}};
  auto sampler = AdaptiveSampler::make(groups, {.budget = 1000, .seed_count = 50, .transfer = {1, 0, .8, 1}}).value();
  const LearningCurve curve{.05, 2, .5};
  while (const auto want = sampler.next()) {
    ASSERT_TRUE(sampler.bought(want->count));
    const auto n = sampler.counts()[want->group];
    const double helped = want->group == 1 ? .8 * static_cast<double>(sampler.counts()[0]) : 0;
    ASSERT_TRUE(sampler.observe(want->group, n, curve.error(static_cast<double>(n) + helped), 1e-5));
  }
  EXPECT_GT(sampler.counts()[0], 2 * sampler.counts()[1]);
  EXPECT_THAT(sampler.stale(), ::testing::Contains(1));
}

TEST(AdaptiveSampler, ReadsTransferOffAnAblation) {
  const LearningCurve alone{.05, 2, .5};
  EXPECT_NEAR(*transfer_from_ablation(alone, 100, 400, alone.error(100 + .3 * 400)), .3, 1e-9);
  EXPECT_EQ(*transfer_from_ablation(alone, 100, 400, .9), 0);
  EXPECT_EQ(*transfer_from_ablation(alone, 100, 400, .01), 1);
  EXPECT_EQ(validation_size(.2, .02), 400);
}

TEST(AdaptiveSampler, ReportsCurvesMarginalsAndThePriceOfEquity) {
  const auto sampler = run(AdaptiveSampler::make(sheet_groups(), {.budget = 4000}).value(), 0, 1);
  const auto report = sampler.report();
  ASSERT_TRUE(report) << report.error().message;
  for (std::size_t g = 0; g < 4; ++g) {
    const auto& row = report->groups[g];
    EXPECT_NEAR(row.now.error, kSheetCurves[g].error(static_cast<double>(row.count)), .01);
    EXPECT_GT(row.marginal, 0);
    EXPECT_GT(row.next_dollar, 0);
  }
  EXPECT_GT(report->price_of_equity, 0);
}

TEST(AdaptiveSampler, RefusesWhatCannotBeMeant) {
  const auto message = [](AdaptiveSamplerOptions o) {
    const auto made = AdaptiveSampler::make(sheet_groups(), std::move(o));
    return made ? std::string("made") : made.error().message;
  };
  EXPECT_THAT(message({.budget = 0}), HasSubstr("budget"));
  EXPECT_THAT(message({.budget = 399}), HasSubstr("first samples of every group cost 400"));
  EXPECT_EQ(message({.budget = 400}), "made");
  EXPECT_THAT(message({.budget = 4000, .transfer = {1, 2}}), HasSubstr("transfer"));
  auto sampler = AdaptiveSampler::make(sheet_groups(), {.budget = 4000}).value();
  EXPECT_EQ(sampler.bought(1).error().code, ErrorCode::kInvalidArgument);
  const auto want = sampler.next();
  EXPECT_EQ(sampler.bought(want->count + 1).error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(sampler.bought(want->count));
  EXPECT_EQ(sampler.observe(want->group, want->count + 1, .1, .1).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(sampler.observe(want->group, want->count, -.1, .1).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(sampler.observe(9, 1, .1, .1).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace bursar::explore
