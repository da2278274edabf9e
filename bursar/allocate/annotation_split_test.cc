#include "bursar/allocate/annotation_split.h"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(SplitAt, NeverOverspendsAndLeavesLessThanTheDearerExample) {
  RandomStream random(1);
  for (int trial = 0; trial < 2000; ++trial) {
    const SplitBudget budget{
        .total = random.uniform(10, 5000), .cost_sft = random.uniform(.1, 9), .cost_pair = random.uniform(.1, 9)};
    const double rho = random.bernoulli(.1) ? 1 : random.bernoulli(.1) ? 0 : random.uniform01();
    const auto p = split_at(budget, rho);
    ASSERT_TRUE(p);
    const double spent =
        static_cast<double>(p->n_sft) * budget.cost_sft + static_cast<double>(p->n_pair) * budget.cost_pair;
    EXPECT_LE(spent, budget.total * (1 + 1e-9));
    EXPECT_LT(budget.total - spent, std::max(budget.cost_sft, budget.cost_pair));
  }
}

TEST(SplitAt, BuysWholeNumbersWhereTheShareSaysSo) {
  const auto p = split_at({.total = 1000}, .1);
  EXPECT_EQ(p->n_sft, 100);
  EXPECT_EQ(p->n_pair, 900);
  EXPECT_EQ(split_at({.total = 5000, .cost_sft = 2}, 1)->n_pair, 0) << "all for demonstrations buys no pairs";
  EXPECT_EQ(split_at({.total = 4000}, 0)->n_pair, 4000);
}

TEST(RecommendSplit, FollowsItsRuleByEquivalentExamples) {
  const auto rho = [](double total, TaskKind task) {
    const auto advice = recommend_split({.total = total}, task);
    EXPECT_THAT(advice->reason, testing::StartsWith("heuristic:"));
    return advice->point.rho;
  };
  EXPECT_EQ(rho(999, TaskKind::kAnalytic), 1);
  EXPECT_NEAR(rho(1000, TaskKind::kAnalytic), .75, 1e-12);
  EXPECT_NEAR(rho(2000, TaskKind::kAnalytic), .60, 1e-12);
  EXPECT_NEAR(rho(16'000, TaskKind::kAnalytic), .15, 1e-12);
  EXPECT_NEAR(rho(1e6, TaskKind::kAnalytic), .10, 1e-12);
  EXPECT_NEAR(rho(1e6, TaskKind::kOther), .05, 1e-12);
  const auto priced = recommend_split({.total = 5000, .cost_sft = 2, .cost_pair = 1}, TaskKind::kAnalytic);
  EXPECT_NEAR(priced->equivalent_examples, 5000 / 1.5, 1e-9);
}

TEST(RecommendSplit, FallsWithSizeAndNeverLeavesItsRange) {
  double last = 1;
  for (double n = 500; n < 1e7; n *= 1.3) {
    const auto advice = recommend_split({.total = n}, TaskKind::kAnalytic);
    EXPECT_LE(advice->point.rho, last);
    EXPECT_GE(advice->point.rho, .1);
    last = advice->point.rho;
  }
}

TEST(RecommendSplit, MovesAmongMeasuredNeighbours) {
  const auto pilot = [](std::int64_t sft, std::int64_t pairs, double metric) {
    return SplitPoint{.n_sft = sft, .n_pair = pairs, .metric = metric};
  };
  const std::vector<SplitPoint> one{pilot(500, 500, .6)};
  const auto first = recommend_split({.total = 8000}, TaskKind::kAnalytic, one);
  EXPECT_NEAR(first->point.rho, .5, 1e-12);
  EXPECT_THAT(first->next_pilots, ElementsAre(.25, .75));
  const std::vector<SplitPoint> three{pilot(500, 500, .6), pilot(250, 750, .55), pilot(750, 250, .7)};
  const auto second = recommend_split({.total = 8000}, TaskKind::kAnalytic, three);
  EXPECT_NEAR(second->point.rho, .75, 1e-12);
  EXPECT_NEAR(second->point.metric, .7, 1e-12);
  EXPECT_THAT(second->next_pilots, ElementsAre(1)) << "the better neighbour's own neighbour is not known yet";
  const std::vector<SplitPoint> four{three[0], three[1], three[2], pilot(1000, 0, .65)};
  const auto last = recommend_split({.total = 8000}, TaskKind::kAnalytic, four);
  EXPECT_NEAR(last->point.rho, .75, 1e-12);
  EXPECT_TRUE(last->next_pilots.empty());
  EXPECT_EQ(last->measured.size(), 4U);
}

TEST(RecommendSplit, AveragesRepeatsAndPrefersLargerPilots) {
  const std::vector<SplitPoint> pilots{{.n_sft = 50, .n_pair = 50, .metric = .9},
                                       {.n_sft = 500, .n_pair = 500, .metric = .5},
                                       {.n_sft = 500, .n_pair = 500, .metric = .6}};
  const auto advice = recommend_split({.total = 8000}, TaskKind::kAnalytic, pilots);
  ASSERT_EQ(advice->measured.size(), 1U);
  EXPECT_NEAR(advice->measured[0].metric, .55, 1e-12);
}

TEST(RecommendSplit, WarnsOfAColdStart) {
  const std::vector<SplitPoint> pilots{{.n_sft = 0, .n_pair = 100, .metric = .9}};
  const auto advice = recommend_split({.total = 8000}, TaskKind::kAnalytic, pilots);
  EXPECT_THAT(advice->warnings, ElementsAre(HasSubstr("cold start")));
  EXPECT_THAT(advice->next_pilots, ElementsAre(.01)) << "there is nothing below a share of 0";
  EXPECT_THAT(recommend_split({.total = 10}, TaskKind::kOther)->warnings, ElementsAre(HasSubstr("skipped")));
}

TEST(SweepSplit, MeasuresEveryShareAndStopsAtTheFirstError) {
  const std::vector<double> shares{0, .5, 1};
  const auto points = sweep_split({.total = 10}, shares,
                                  [](const SplitPoint& p) -> Result<double> { return static_cast<double>(p.n_sft); });
  ASSERT_TRUE(points);
  EXPECT_EQ((*points)[1].metric, 5);
  const auto failed = sweep_split({.total = 10}, shares, [](const SplitPoint& p) -> Result<double> {
    if (p.rho == .5) return invalid_argument("no data");
    return 0.0;
  });
  EXPECT_THAT(failed.error().message, HasSubstr("share 0.5: no data"));
}

TEST(Splits, RefuseWhatCannotBeMeant) {
  const auto bad = [](const SplitBudget& b, double rho) { return split_at(b, rho).error().code; };
  EXPECT_EQ(bad({.total = 10, .cost_sft = 0}, .5), ErrorCode::kInvalidArgument);
  EXPECT_EQ(bad({.total = 10, .cost_pair = -1}, .5), ErrorCode::kInvalidArgument);
  EXPECT_EQ(bad({.total = 1, .cost_sft = 3, .cost_pair = 2}, .5), ErrorCode::kInvalidArgument);
  EXPECT_EQ(bad({.total = 10}, 1.1), ErrorCode::kInvalidArgument);
  EXPECT_EQ(bad({.total = 10}, std::nan("")), ErrorCode::kInvalidArgument);
  const std::vector<SplitPoint> empty{{.metric = 1}};
  EXPECT_EQ(recommend_split({.total = 10}, TaskKind::kOther, empty).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace bursar::allocate
